"""Text is sent compressed where the browser takes it: the page's modules and the manifest shrink to about a quarter."""

from __future__ import annotations

from flask import Flask
from flask_compress import Compress

# What does not shrink by itself already. onnxruntime-web's .wasm and the models go as they are: compressing 14 MB and more anew for each
# device would take seconds of the machine that may itself be timing, and downloads are measured and shown in the file's own bytes.
TEXT = ("text/html", "text/css", "text/javascript", "text/markdown", "text/csv", "application/json", "image/svg+xml")


def add_compression(app: Flask) -> None:
    """Register it. Each encoding has an ETag of its own, and conditional requests are answered by that."""
    app.config["COMPRESS_MIMETYPES"] = list(TEXT)
    app.config["COMPRESS_ALGORITHM"] = ["br", "gzip"]
    app.config["COMPRESS_STREAMS"] = False  # a range of a file is a stream, and stays that range
    Compress(app)
