"""Sending a file: whole, a range of it, or the news that the browser's copy is still right (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from flask import Response, request
from werkzeug.http import quote_etag

from builder.errors import ZooError
from builder.records import FileEntry
from serving.compression import TEXT
from serving.replies import Refusal, error_content, json_reply

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"

# Ours, not the operating system's table: that differs from machine to machine, and a wrong type is a refused script.
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")
_BLOCK = 1 << 18


def media_type(name: str) -> str:
    """The Content-Type of a file with that name."""
    return _TYPES.get(Path(name).suffix, "application/octet-stream")


def send(handle: BinaryIO, *, name: str, etag: str, cache_control: str) -> Response:
    """Answer the current GET or HEAD request with this open file. Takes the handle over, and closes it when done.

    200, 206 for one satisfiable range, 304 or 412 as the request's conditions say, 416 for a range beyond the end. Several ranges
    at once, and what is no range, are answered with the whole, as RFC 9110 allows.
    """
    size = handle.seek(0, os.SEEK_END)
    response = Response(mimetype=media_type(name), direct_passthrough=True)
    response.headers["Cache-Control"] = cache_control
    response.headers["Accept-Ranges"] = "bytes"
    response.set_etag(etag)
    response.content_length = size
    response.make_conditional(request)
    if response.status_code == 412:
        response = _changed(etag)
    elif response.status_code == 200:
        wanted = _wanted_range(etag, size)
        start, end = wanted or (0, size)
        if wanted:
            response.status_code = 206
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            response.content_length = end - start
        if wanted and start == end:
            response = _beyond_the_end(size)
        elif request.method == "GET" and wanted is None and response.mimetype in TEXT:
            handle.seek(0)
            response.direct_passthrough = False
            response.set_data(handle.read())
        elif request.method == "GET":
            handle.seek(start)
            response.response = _body(handle, end - start)
            return response
    handle.close()
    return response


def send_version(open_file: Callable[[], BinaryIO], entry: FileEntry) -> Response:
    """Answer with the file that a manifest describes. `?sha256=` names it for good; raises Refusal 404 for another version than this."""
    wanted = request.args.get("sha256")
    if wanted not in {None, entry.sha256}:
        raise Refusal(
            404,
            ZooError(
                f"this version of {entry.path} is not served any more",
                got=f"sha256 {wanted}",
                expected=f"sha256 {entry.sha256}, as it is now",
                next_step="it was made anew: reload the page",
            ),
        )
    cache_control = REVALIDATE if wanted is None else IMMUTABLE
    return send(open_file(), name=entry.path, etag=entry.sha256, cache_control=cache_control)


def _wanted_range(etag: str, size: int) -> tuple[int, int] | None:
    """The first byte asked for and the one after the last; an empty range if there is none such; None for the whole file."""
    if request.method != "GET" or request.headers.get("If-Range", quote_etag(etag)) != quote_etag(etag):
        return None
    match = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return max(0, size - int(suffix)), size
    if last and int(last) < int(first):
        return None
    return min(int(first), size), min(int(last) + 1, size) if last else size


def _changed(etag: str) -> Response:
    error = ZooError(
        "the file is not the one asked for",
        got=f"If-Match {request.headers['If-Match']}",
        expected=quote_etag(etag),
        next_step="ask for it again from its beginning",
    )
    return json_reply(error_content(error), 412)


def _beyond_the_end(size: int) -> Response:
    error = ZooError(
        "the range asked for is not in the file",
        got=f"Range {request.headers['Range']}",
        expected=f"bytes from 0 to {size - 1}",
        next_step="ask for a part of that, or for the whole",
    )
    response = json_reply(error_content(error), 416)
    response.headers["Content-Range"] = f"bytes */{size}"
    return response


def _body(handle: BinaryIO, length: int) -> Iterator[bytes]:
    """The file's next `length` bytes. Waitress's file wrapper sends them from its own loop, so that a slow phone holds no thread."""
    wrapper = request.environ.get("wsgi.file_wrapper")
    body: Iterator[bytes] = wrapper(handle, _BLOCK) if wrapper else _blocks(handle, length)
    return body


def _blocks(handle: BinaryIO, length: int) -> Iterator[bytes]:
    with handle:
        while length > 0 and (block := handle.read(min(length, _BLOCK))):
            length -= len(block)
            yield block
