"""Where probes are put: to the pinned onnxruntime-web in Node (WebAssembly), and in Chromium's software WebGPU."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto
from playwright.sync_api import Page, Route, sync_playwright

from builder.errors import ZooError
from fleet.browsers import need

Tensor = NDArray[Any]
ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "node_modules/onnxruntime-web"
_AT_ONCE = 500  # models handed to the page in one call
_TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html"}
_ORIGIN = "http://localhost"  # a secure context, for which WebGPU asks; nothing listens there: the page's requests are answered here

_PROBE_IN_PAGE = """async ([models, optimisation]) => {
  const { probe, fromBase64 } = await import('/scripts/operator_probe.mjs');
  if (!window.ort) {
    window.log = [];
    for (const name of ['log', 'info', 'warn', 'error']) console[name] = (...words) => window.log.push(words.join(' '));
    window.ort = await import('/node_modules/onnxruntime-web/dist/ort.jspi.min.mjs');
    window.ort.env.wasm.numThreads = 1;
    const adapter = await navigator.gpu.requestAdapter();
    window.device = await adapter.requestDevice();
  }
  const provider = { name: 'webgpu', device: window.device };
  const answers = await probe(window.ort, provider, models.map(fromBase64), window.log, optimisation);
  return { version: window.ort.env.versions.web, answers };
}"""

_RUN_IN_WEBGL = """async (asked) => {
  const ort = await import('/node_modules/onnxruntime-web/dist/ort.webgl.min.mjs');
  const { runAll } = await import('/scripts/operator_probe.mjs');
  return { version: ort.env.versions.web, answers: await runAll(ort, 'webgl', asked) };
}"""


@dataclass(frozen=True)
class Answer:
    """What became of one model.

    error: why no session was made, else None. placement: operators by execution provider; an empty list where all are on that one.
    """

    error: str | None
    placement: dict[str, list[str]]


def in_node(models: Sequence[ModelProto]) -> list[Answer]:
    """Put the models to the WebAssembly build in Node, one after the other. Raises ZooError if the process fails."""
    asked = json.dumps([_as_base64(model) for model in models])
    with tempfile.TemporaryFile("w+") as log:
        command = ["node", "scripts/operator_probe_node.mjs"]
        done = subprocess.run(
            command, cwd=ROOT, input=asked, stdout=subprocess.PIPE, stderr=log, text=True, check=False
        )
        if done.returncode != 0:
            log.seek(0)
            raise _failed("Node", log.read()[-500:])
    return _answers(json.loads(done.stdout))


def in_chromium(models: Sequence[ModelProto], optimisation: Literal["disabled", "all"] = "disabled") -> list[Answer]:
    """Put the models to native WebGPU in Chromium's software GPU, one after the other."""
    answers = []
    with _blank_page() as page:
        for start in range(0, len(models), _AT_ONCE):
            asked = [_as_base64(model) for model in models[start : start + _AT_ONCE]]
            answers += _answers(page.evaluate(_PROBE_IN_PAGE, [asked, optimisation]))
    return answers


@contextmanager
def _blank_page() -> Iterator[Page]:
    """An empty page in Chromium that can import what is in this project."""
    with sync_playwright() as playwright:
        browser = need("chromium").launch(playwright, swiftshader=True)
        try:
            page = browser.new_page()
            page.route(f"{_ORIGIN}/**", _serve)
            page.goto(f"{_ORIGIN}/blank.html")
            yield page
        finally:
            browser.close()


def _serve(route: Route) -> None:
    path = ROOT / route.request.url.removeprefix(f"{_ORIGIN}/")
    body = b"<!doctype html>" if path.name == "blank.html" else path.read_bytes()
    route.fulfill(body=body, content_type=_TYPES[path.suffix])


def run_in_webgl(models: Sequence[tuple[ModelProto, dict[str, Tensor]]]) -> list[dict[str, Tensor] | str]:
    """What each model's outputs are in WebGL for these inputs, or the message with which it stopped."""
    asked = [
        {
            "model": _as_base64(model),
            "inputs": {
                name: {"data": v.ravel().tolist(), "dims": v.shape, "type": str(v.dtype)} for name, v in inputs.items()
            },
        }
        for model, inputs in models
    ]
    with _blank_page() as page:
        told = page.evaluate(_RUN_IN_WEBGL, asked)
    _check_version(told["version"])
    return [
        answer
        if isinstance(answer, str)
        else {name: np.asarray(output["data"], np.float64).reshape(output["dims"]) for name, output in answer.items()}
        for answer in told["answers"]
    ]


def pinned_version() -> str:
    """The version of onnxruntime-web in package.json."""
    return cast(str, json.loads((ROOT / "package.json").read_text())["dependencies"]["onnxruntime-web"])


def _answers(told: dict[str, Any]) -> list[Answer]:
    _check_version(told["version"])
    return [Answer(**answer) for answer in told["answers"]]


def _check_version(version: str) -> None:
    if version != pinned_version():
        raise ZooError(
            "another onnxruntime-web is installed than package.json pins",
            got=version,
            expected=pinned_version(),
            next_step="run: npm ci",
        )


def _as_base64(model: ModelProto) -> str:
    return base64.b64encode(model.SerializeToString(deterministic=True)).decode()


def _failed(where: str, got: str) -> ZooError:
    return ZooError(
        f"the probes did not come back from {where}",
        got=got,
        expected="an answer to each model",
        next_step="run scripts/operator_probe_node.mjs by hand with a shorter list",
    )
