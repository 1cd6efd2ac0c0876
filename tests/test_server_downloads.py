"""Large files: ranges, readers that are slow, and downloads that are given up."""

from __future__ import annotations

import hashlib
import http.client
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from scripts.serving import running_server
from server import Settings
from tests.conftest import Program
from tests.support.serving import ORT_WASM, ask, ask_server, client_of

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def url(tiny_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tiny_zoo, tmp_path_factory.mktemp("downloads") / "runs.sqlite") as server:
        yield server.url


@pytest.fixture
def client(tiny_zoo: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    with client_of(Settings(tiny_zoo, str(tmp_path / "runs.sqlite"))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("headers", "status", "part", "content_range"),
    [
        ({"Range": "bytes=0-0"}, 206, slice(0, 1), "bytes 0-0/{size}"),
        ({"Range": "bytes=10-19"}, 206, slice(10, 20), "bytes 10-19/{size}"),
        ({"Range": "bytes=100-"}, 206, slice(100, None), "bytes 100-{last}/{size}"),
        ({"Range": "bytes=100-999999"}, 206, slice(100, None), "bytes 100-{last}/{size}"),
        ({"Range": "bytes=-7"}, 206, slice(-7, None), "bytes {seventh}-{last}/{size}"),
        ({"Range": "bytes=-999999"}, 206, slice(0, None), "bytes 0-{last}/{size}"),
        ({"Range": "bytes={size}-"}, 416, None, "bytes */{size}"),
        ({"Range": "bytes=-0"}, 416, None, "bytes */{size}"),
        ({"Range": "bytes=5-4"}, 200, slice(0, None), None),
        ({"Range": "bytes=0-1,5-6"}, 200, slice(0, None), None),
        ({"Range": "lines=0-1"}, 200, slice(0, None), None),
        ({"Range": "bytes=99999999999999999999999-"}, 200, slice(0, None), None),
        ({"Range": "bytes=0-9", "If-Range": "{etag}"}, 206, slice(0, 10), "bytes 0-9/{size}"),
        ({"Range": "bytes=0-9", "If-Range": '"other"'}, 200, slice(0, None), None),
        ({"Range": "bytes=0-9", "If-Range": "W/{etag}"}, 200, slice(0, None), None),
        ({"Range": "bytes=0-9", "If-Range": "Sat, 01 Jan 2033 00:00:00 GMT"}, 200, slice(0, None), None),
        ({"Range": "bytes=0-9", "If-None-Match": "{etag}"}, 304, slice(0, 0), None),
    ],
)
def test_ranges(
    url: str,
    client: FlaskClient,
    tiny_zoo: Path,
    headers: dict[str, str],
    status: int,
    part: slice | None,
    content_range: str | None,
) -> None:
    content = (tiny_zoo / "echo" / "fp32.onnx").read_bytes()
    size = len(content)
    known = {"size": size, "last": size - 1, "seventh": size - 7, "etag": f'"{hashlib.sha256(content).hexdigest()}"'}
    asked = {name: value.format(**known) for name, value in headers.items()}
    # Through waitress, which sends with its file wrapper, and without it.
    replies = [
        ask_server(url, "/models/echo/fp32.onnx", headers=asked),
        ask(client, "/models/echo/fp32.onnx", headers=asked),
    ]
    for reply in replies:
        assert reply.status == status
        assert reply.headers.get("Content-Range") == (content_range and content_range.format(**known))
        if part is None:
            assert "range" in reply.error()["what"]
        else:
            assert reply.body == content[part]


def test_a_head_request_takes_no_range(client: FlaskClient) -> None:
    whole = client.head("/models/echo/fp32.onnx")
    part = client.head("/models/echo/fp32.onnx", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.headers["Content-Length"]) == (200, whole.headers["Content-Length"])


def test_slow_readers_of_large_files_hold_up_nobody(url: str) -> None:
    """More clients than there are threads each ask for 14 MB and do not read it."""
    waiting = [http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=20) for _ in range(20)]
    for connection in waiting:
        connection.request("GET", ORT_WASM)
    try:
        assert requests.get(f"{url}/api/config", timeout=10).status_code == 200
        expected = (ROOT / "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm").read_bytes()
        assert waiting[0].getresponse().read() == expected
    finally:
        for connection in waiting:
            connection.close()


def test_a_download_that_is_given_up_does_no_harm(program: Program, tiny_zoo: Path) -> None:
    server = program(tiny_zoo)

    def give_up() -> None:
        with requests.get(f"{server.url}{ORT_WASM}", stream=True, timeout=20) as reply:
            next(reply.iter_content(1000))

    threads = [threading.Thread(target=give_up) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert requests.get(server.url, timeout=20).status_code == 200
    assert "Traceback" not in server.log.read_text()
