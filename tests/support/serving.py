"""Talking to the server in tests, in process and over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from server import Settings, create_app

ORT = "/vendor/onnxruntime-web/1.30.0"
ORT_WASM = f"{ORT}/ort-wasm-simd-threaded.wasm"


@dataclass(frozen=True)
class Reply:
    """What came back; the headers' names are Written-Like-This, however they were sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def error(self) -> dict[str, str]:
        """The reply's error, which has exactly the four parts, none of them empty."""
        error: dict[str, str] = json.loads(self.body)["error"]
        assert list(error) == ["what", "got", "expected", "next"]
        assert all(error.values())
        return error


@contextlib.contextmanager
def client_of(settings: Settings) -> Iterator[FlaskClient]:
    """The application, without a server before it."""
    app = create_app(settings)
    try:
        with app.test_client() as client:
            yield client
    finally:
        app.extensions["store"].close()


def ask(client: FlaskClient, path: str, method: str = "GET", **options: Any) -> Reply:
    """One request to the application; `options` are those of Flask's test client."""
    reply = client.open(path, method=method, **options)
    return Reply(reply.status_code, {k.title(): v for k, v in reply.headers}, reply.data)


def ask_server(
    url: str, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
) -> Reply:
    """One request to a real server, its path exactly as written: no library tidies it."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        reply = connection.getresponse()
        return Reply(reply.status, {k.title(): v for k, v in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def post(client: FlaskClient, body: bytes | str, content_type: str = "application/json", **headers: str) -> Reply:
    """POST a run to the application."""
    return ask(client, "/api/runs", "POST", data=body, content_type=content_type, headers=headers)


def stored(database: Path) -> int:
    """How many runs there are in the database, seen from outside."""
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    finally:
        connection.close()
