"""Text goes compressed to whoever takes it, and never changes on the way; models and WebAssembly go as they are."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from scripts.serving import ROOT
from server import Settings
from tests.support.serving import ORT, client_of

GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def client(tiny_zoo: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    with client_of(Settings(tiny_zoo, str(tmp_path / "runs.sqlite"))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("/", ROOT / "web" / "index.html"),
        ("/style.css", ROOT / "web" / "style.css"),
        ("/main.js", ROOT / "web" / "main.js"),
    ],
)
def test_text_shrinks_and_comes_back_as_it_was(client: FlaskClient, address: str, file: Path) -> None:
    reply = client.get(address, headers=GZIP)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in reply.headers["Vary"]
    assert len(reply.data) < 0.6 * file.stat().st_size
    assert gzip.decompress(reply.data) == file.read_bytes()


def test_who_does_not_take_it_gets_it_plain(client: FlaskClient) -> None:
    reply = client.get("/main.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in reply.headers
    assert reply.data == (ROOT / "web" / "main.js").read_bytes()


def test_a_compressed_copy_is_revalidated_without_its_bytes(client: FlaskClient) -> None:
    etag = client.get("/models/manifest.json", headers=GZIP).headers["ETag"]
    again = client.get("/models/manifest.json", headers={**GZIP, "If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/models/manifest.json", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("address", ["/models/echo/fp32.onnx", f"{ORT}/ort-wasm-simd-threaded.wasm"])
def test_models_and_webassembly_go_as_they_are(client: FlaskClient, address: str) -> None:
    reply = client.get(address, headers={"Accept-Encoding": "gzip, br, zstd"})
    assert "Content-Encoding" not in reply.headers
    assert int(reply.headers["Content-Length"]) == len(reply.data)
