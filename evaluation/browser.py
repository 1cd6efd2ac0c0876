"""The exported file in a browser: onnxruntime-web through the page's own module, in a page that the real server serves."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from builder.records import ModelEntry

Array = NDArray[np.float32]

_OPEN = """async ([path, threads]) => {
  const { loadOnnxruntimeWeb } = await import(new URL('/runtimes/ort.js', location.href).href);
  const { onnxruntime_web } = await (await fetch('/api/config')).json();
  const purpose = { backend: 'wasm', deviceType: null, threads };
  const runtime = await loadOnnxruntimeWeb(onnxruntime_web, purpose);
  const reply = await fetch(path);
  if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
  const bytes = new Uint8Array(await reply.arrayBuffer());
  window.evaluated = await runtime.createSession(bytes, { ...purpose, outputs: [], placement: false });
}"""

# Numbers travel as base64 of their bytes: as JSON they would be three times as many, and rounded by two programs.
_RUN = """async ([name, dims, encoded]) => {
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  const session = window.evaluated;
  const outputs = await session.run(session.prepare({ [name]: { data: new Float32Array(bytes.buffer), dims } }));
  return Object.entries(outputs).map(([output, tensor]) => {
    const content = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    let text = '';
    for (let at = 0; at < content.length; at += 8192) text += String.fromCharCode(...content.subarray(at, at + 8192));
    return [output, [...tensor.dims], btoa(text)];
  });
}"""

_CLOSE = "async () => { await window.evaluated.release(); delete window.evaluated; }"


class InBrowser:
    """One model's fp32 file in `page`, which shows the server's own page; the server serves that model. One at a time in a page.

    Raises playwright.sync_api.Error when the browser cannot load or run it.
    """

    def __init__(self, page: Page, entry: ModelEntry, *, name: str, threads: int = 2) -> None:
        self.name = name
        self._page = page
        self._input = entry.input.name
        variant = next(v for v in entry.variants if v.name == "fp32")
        page.evaluate(_OPEN, [f"/models/{variant.path}?sha256={variant.sha256}", threads])

    def run(self, data: Array) -> dict[str, Array]:
        encoded = base64.b64encode(data.tobytes()).decode()
        outputs = self._page.evaluate(_RUN, [self._input, list(data.shape), encoded])
        return {
            output: np.frombuffer(base64.b64decode(content), np.float32).reshape(dims)
            for output, dims, content in outputs
        }

    def close(self) -> None:
        """Give the memory of the model back."""
        self._page.evaluate(_CLOSE)
