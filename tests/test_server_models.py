"""The models: only what the manifest lists, and only if it is what the manifest says."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from builder import cards, manifest
from server import Settings
from tests.support.serving import ask, client_of


@pytest.fixture
def zoo(tiny_zoo: Path, tmp_path: Path) -> Path:
    """A models folder that the test may change."""
    return Path(shutil.copytree(tiny_zoo, tmp_path / "zoo"))


@pytest.fixture
def client(zoo: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    with client_of(Settings(zoo, str(tmp_path / "runs.sqlite"))) as opened:
        yield opened


def test_a_model_file_has_its_hash_for_etag_and_is_immutable_under_it(client: FlaskClient, zoo: Path) -> None:
    for entry in manifest.read(zoo).models[1].files():
        reply = client.get(f"/models/{entry.path}?sha256={entry.sha256}")
        assert hashlib.sha256(reply.data).hexdigest() == entry.sha256
        assert reply.headers["ETag"] == f'"{entry.sha256}"'
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_another_version_of_a_model_file_is_not_served_as_this_one(client: FlaskClient) -> None:
    reply = ask(client, f"/models/echo/fp32.onnx?sha256={'0' * 64}")
    assert (reply.status, reply.headers["Cache-Control"]) == (404, "no-store")
    assert reply.error()["next"] == "it was made anew: reload the page"


def test_a_manifest_that_is_rewritten_is_served_at_once(client: FlaskClient, zoo: Path) -> None:
    whole = manifest.read(zoo)
    assert client.get("/models/echo_ssd/fp32.onnx").status_code == 200
    manifest.write(zoo, whole.model_copy(update={"models": whole.models[:1]}))
    served = client.get("/models/manifest.json").get_json()
    assert [model["id"] for model in served["models"]] == ["echo"]
    assert client.get("/models/echo_ssd/fp32.onnx").status_code == 404


def test_an_invalid_manifest_stops_the_models_and_nothing_else(client: FlaskClient, zoo: Path) -> None:
    good = (zoo / "manifest.json").read_bytes()
    for bad in (b"{", b'{"schema_version": 2}', good.replace(b'"echo"', b'"ECHO"')):
        (zoo / "manifest.json").write_bytes(bad)
        for path in ("/models/manifest.json", "/models/echo/fp32.onnx"):
            reply = ask(client, path)
            assert reply.status == 503
            assert "manifest.json" in reply.error()["what"]
        for path in ("/", "/api/config", "/api/timings.csv"):
            assert client.get(path).status_code == 200
    (zoo / "manifest.json").write_bytes(good)
    assert client.get("/models/echo/fp32.onnx").status_code == 200
    (zoo / "manifest.json").unlink()
    assert client.get("/models/manifest.json").status_code == 503


def test_a_model_file_that_is_not_what_the_manifest_says_is_refused(client: FlaskClient, zoo: Path) -> None:
    file = zoo / "echo" / "fp32.onnx"
    content = file.read_bytes()
    assert client.get("/models/echo/fp32.onnx").status_code == 200
    changed = content[:-1] + bytes([content[-1] ^ 1])
    for bad, got in ((changed, hashlib.sha256(changed).hexdigest()), (content[:-1], f"{len(content) - 1} bytes")):
        file.write_bytes(bad)
        os.utime(file, ns=(0, 1))
        reply = ask(client, "/models/echo/fp32.onnx")
        assert reply.status == 503
        error = reply.error()
        assert "echo/fp32.onnx" in error["what"]
        assert got in error["got"]
        assert hashlib.sha256(content).hexdigest() in error["expected"]
        assert "python -m builder all" in error["next"]
    file.unlink()
    assert "No such file" in ask(client, "/models/echo/fp32.onnx").error()["got"]
    assert client.get("/models/echo/labels.json").status_code == 200
    file.write_bytes(content)
    assert client.get("/models/echo/fp32.onnx").status_code == 200


def test_a_models_card_is_made_from_the_manifest_as_it_is_now(client: FlaskClient, zoo: Path) -> None:
    whole = manifest.read(zoo)
    reply = client.get("/models/echo/card.md")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/markdown; charset=utf-8")
    assert reply.headers["Cache-Control"] == "no-cache"
    assert reply.data.decode() == cards.card(whole.models[0])
    assert client.get("/models/echo/card.md", headers={"If-None-Match": reply.headers["ETag"]}).status_code == 304
    for path in (
        "/models/nothing/card.md",
        "/models/card.md",
        "/models/..%2fecho/card.md",
        "/models/echo/echo/card.md",
    ):
        assert ask(client, path).status == 404
    (zoo / "echo" / "card.md").write_text("another card")
    assert client.get("/models/echo/card.md").data == reply.data
    renamed = whole.models[0].model_copy(update={"title": "Another echo"})
    manifest.write(zoo, whole.model_copy(update={"models": (renamed,)}))
    assert client.get("/models/echo/card.md").text.startswith("# Another echo")
    assert client.get("/models/echo_ssd/card.md").status_code == 404
