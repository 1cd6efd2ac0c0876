"""What every reply has in common: the headers, and errors as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from flask import Response

from builder.errors import ZooError

# Cross-origin isolation gives the page SharedArrayBuffer, and with it WebAssembly threads and a fine timer.
SECURITY_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # The page takes pictures with the camera when it is asked to, and needs nothing else that a browser would ask for.
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "worker-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
}

# onnxruntime-web's WebNN makes JavaScript functions of strings (Emscripten's embind), which is forbidden everywhere else. A worker has
# the policy that comes with its script; these have no document, and load nothing but this server's own modules.
EVALUATING_WORKERS = frozenset({"/webnn_worker.js", "/webnn_own_model_timing.js"})
EVALUATING_POLICY = SECURITY_HEADERS["Content-Security-Policy"].replace(
    "'wasm-unsafe-eval'", "'wasm-unsafe-eval' 'unsafe-eval'"
)


class Refusal(Exception):  # noqa: N818 - a reply, not a fault of ours
    """A request that is answered with `status` and `error`."""

    def __init__(self, status: int, error: ZooError) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error


def json_reply(content: Mapping[str, object], status: int = 200) -> Response:
    """A JSON document that no cache keeps."""
    text = json.dumps(content, ensure_ascii=False) + "\n"
    return Response(text, status, {"Cache-Control": "no-store"}, mimetype="application/json")


def as_list(name: str, documents: Iterable[str]) -> Iterator[str]:
    """The text of a JSON object with one list, of documents that are JSON already, piece by piece."""
    yield f'{{"{name}":['
    for index, document in enumerate(documents):
        yield f",{document}" if index else document
    yield "]}\n"


def error_content(error: ZooError) -> dict[str, object]:
    """The body of every error."""
    return {"error": error.as_dict()}
