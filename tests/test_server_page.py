"""The page and what every reply has: headers, types, caching, and that nothing else can be had."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from builder.errors import ZooError
from scripts.serving import running_server
from server import Settings, create_app
from tests.support.serving import ORT, ask, ask_server, client_of

ROOT = Path(__file__).resolve().parent.parent
PHOTOGRAPH = ROOT / "builder" / "data" / "photograph.png"
PHOTOGRAPH_SHA256 = hashlib.sha256(PHOTOGRAPH.read_bytes()).hexdigest()
EVERY_REPLY = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}


@pytest.fixture(scope="module")
def url(tiny_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server, for tests that change nothing. Its models folder has a file that the manifest does not list."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(tiny_zoo, folder / "zoo")
    (folder / "zoo" / "echo" / "not_listed.bin").write_bytes(b"secret")
    with running_server(folder / "zoo", folder / "runs.sqlite") as server:
        yield server.url


@pytest.fixture
def client(tiny_zoo: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    with client_of(Settings(tiny_zoo, str(tmp_path / "runs.sqlite"))) as opened:
        yield opened


def test_every_reply_of_any_status_has_the_headers(url: str) -> None:
    etag = requests.get(f"{url}/models/echo/fp32.onnx", timeout=20).headers["ETag"]
    asked: list[tuple[int, str, str, dict[str, str], Any]] = [
        (200, "GET", "/", {}, None),
        (200, "HEAD", "/", {}, None),
        (200, "GET", "/main.js", {}, None),
        (200, "OPTIONS", "/api/runs", {}, None),
        (200, "GET", "/api/config", {}, None),
        (200, "GET", "/api/timings.csv", {}, None),
        (200, "GET", f"{ORT}/ort.wasm.min.mjs", {}, None),
        (200, "GET", "/models/manifest.json", {}, None),
        (206, "GET", "/models/echo/fp32.onnx", {"Range": "bytes=0-9"}, None),
        (304, "GET", "/models/echo/fp32.onnx", {"If-None-Match": etag}, None),
        (412, "GET", "/models/echo/fp32.onnx", {"If-Match": '"other"'}, None),
        (416, "GET", "/models/echo/fp32.onnx", {"Range": "bytes=999999-"}, None),
        (400, "POST", "/api/runs", {"Content-Type": "application/json"}, b"{"),
        (403, "POST", "/api/runs", {"Origin": "http://elsewhere.example"}, b"{}"),
        (404, "GET", "/nothing", {}, None),
        (405, "DELETE", "/api/config", {}, None),
        (413, "POST", "/api/runs", {"Content-Type": "application/json"}, b" " * 2_000_001),
        (413, "POST", "/api/runs", {"Content-Length": "99999999999"}, None),
        (415, "POST", "/api/runs", {"Content-Type": "text/plain"}, b"{}"),
        (431, "GET", "/", {"X-Long": "x" * 300_000}, None),
    ]
    for status, method, path, headers, body in asked:
        reply = ask_server(url, path, method, headers, body)
        assert (reply.status, method, path) == (status, method, path)
        assert {k: reply.headers.get(k) for k in EVERY_REPLY} == EVERY_REPLY, path
        assert "Server" not in reply.headers
        if status >= 400:
            reply.error()


def test_the_page_is_served_to_any_host_name(url: str) -> None:
    for host in ("localhost", "192.168.0.7:8000", "kims-laptop.local", "[::1]:80", "<>"):
        reply = ask_server(url, "/", "GET", {"Host": host})
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert reply.body == (ROOT / "web" / "index.html").read_bytes()


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/main.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/model.html", "text/html; charset=utf-8", "no-cache"),
        ("/style.css", "text/css; charset=utf-8", "no-cache"),
        (f"{ORT}/ort.wasm.min.mjs", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        (f"{ORT}/ort-wasm-simd-threaded.wasm", "application/wasm", "public, max-age=31536000, immutable"),
        ("/models/manifest.json", "application/json", "no-cache"),
        ("/models/echo/labels.json", "application/json", "no-cache"),
        ("/models/echo/fp32.onnx", "application/octet-stream", "no-cache"),
        ("/models/echo/photograph.safetensors", "application/octet-stream", "no-cache"),
        ("/models/photograph.png", "image/png", "no-cache"),
        (f"/models/photograph.png?sha256={PHOTOGRAPH_SHA256}", "image/png", "public, max-age=31536000, immutable"),
    ],
)
def test_types_caching_and_revalidation(client: FlaskClient, path: str, kind: str, cache: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 200
    assert (reply.headers["Content-Type"], reply.headers["Cache-Control"]) == (kind, cache)
    etag = reply.headers["ETag"]
    assert not etag.startswith("W/")
    assert int(reply.headers["Content-Length"]) == len(reply.data) > 0
    again = client.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    head = client.head(path)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", reply.headers["Content-Length"])


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/server.py",
        "/..\\server.py",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/.git/config",
        "/runtimes/../../pyproject.toml",
        "/%00",
        "/index.html%00.js",
        "/models/../server.py",
        "/models/..%2f..%2fserver.py",
        "/models//etc/passwd",
        "/models/echo",
        "/models/",
        "/models/echo/not_listed.bin",
        f"{ORT}/../package.json",
        f"{ORT}/..%2fpackage.json",
        f"{ORT}/ort.wasm.min.js",
        f"{ORT}/nothing.wasm",
        "/vendor/onnxruntime-web/1.29.0/ort.wasm.min.mjs",
        "/vendor/typescript/package.json",
        "/api/runs/..%2f..%2fserver.py",
        "/api/",
    ],
)
def test_nothing_else_is_served(url: str, path: str) -> None:
    reply = ask_server(url, path)
    assert reply.status == 404
    assert reply.error()["what"] == "there is nothing at this address"


def test_the_photograph_is_served_byte_for_byte_and_in_no_other_version(client: FlaskClient) -> None:
    assert client.get("/models/photograph.png").data == PHOTOGRAPH.read_bytes()
    reply = ask(client, f"/models/photograph.png?sha256={'0' * 64}")
    assert (reply.status, reply.headers["Cache-Control"]) == (404, "no-store")
    assert reply.error()["what"] == "this version of photograph.png is not served any more"
    assert PHOTOGRAPH_SHA256 in reply.error()["expected"]


def test_the_configuration(client: FlaskClient) -> None:
    found = client.get("/api/config").json
    assert found is not None
    version = found.pop("page_version")
    assert version.startswith("0.4.0+")
    assert len(version) == len("0.4.0+") + 12
    assert datetime.fromisoformat(found.pop("server_time")).utcoffset() == timedelta(0)
    assert found == {
        "onnxruntime_web": {"version": "1.30.0", "base": "/vendor/onnxruntime-web/1.30.0/"},
        "runtimes": ["onnxruntime-web"],
    }


def test_the_pages_version_changes_with_any_file_of_the_page(tiny_zoo: Path, tmp_path: Path) -> None:
    web = Path(shutil.copytree(ROOT / "web", tmp_path / "web"))
    app = create_app(Settings(tiny_zoo, str(tmp_path / "runs.sqlite"), web=web))
    client = app.test_client()

    def version() -> str:
        return str(client.get("/api/config").get_json()["page_version"])

    first = version()
    assert version() == first
    (web / "main.js").write_text("// other")
    second = version()
    (web / "main.js").rename(web / "moved.js")
    assert len({first, second, version()}) == 3
    app.extensions["store"].close()


def test_a_checkout_that_is_not_whole_is_named(tiny_zoo: Path, tmp_path: Path) -> None:
    whole = Settings(tiny_zoo, str(tmp_path / "runs.sqlite"))
    for settings, what, next_step in (
        (dataclasses.replace(whole, web=tmp_path), "the page is missing", "make serve"),
        (dataclasses.replace(whole, node_modules=tmp_path), "onnxruntime-web is missing", "npm ci"),
        (dataclasses.replace(whole, photograph=tmp_path / "gone.png"), "the photograph is missing", "git clone"),
    ):
        with pytest.raises(ZooError, match=what) as caught:
            create_app(settings)
        assert next_step in caught.value.next_step


def test_only_the_workers_of_webnn_may_make_functions_of_strings(url: str) -> None:
    for path in ("/", "/worker.js", "/profile_worker.js", "/webnn_worker.js?", "/webnn_own_model_timing.js"):
        policy = ask_server(url, path).headers["Content-Security-Policy"]
        assert ("'unsafe-eval'" in policy) == ("webnn" in path), path
        assert policy.replace(" 'unsafe-eval'", "") == EVERY_REPLY["Content-Security-Policy"]
