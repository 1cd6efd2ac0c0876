"""Many devices at once: each gets a connection, each gets its turn to write, and connections that nobody needs are closed."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.pool import ConnectionPoolEntry

from serving import listening
from tests.conftest import Serve
from tests.support.runs import make_run
from timings import database
from timings.store import Store

# More than waitress lets in by itself. It closes those that stall after 120 s, so what waits for that comes too late here.
_CROWD = 150
_PATIENCE_S = 30
_WRITERS, _RUNS_EACH = 6, 10


@contextlib.contextmanager
def connected(url: str, said: bytes) -> Iterator[socket.socket]:
    """A connection on which so much of a request has been sent."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=_PATIENCE_S) as connection:
        connection.sendall(said)
        yield connection


def test_a_crowd_that_is_connected_keeps_nobody_out(serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with contextlib.ExitStack() as stack:
        for _ in range(_CROWD):
            stack.enter_context(connected(server.url, b"GET / HTTP/1.1\r\nHost: "))
        with urllib.request.urlopen(server.url, timeout=_PATIENCE_S) as reply:
            assert reply.status == 200


def test_only_connections_between_requests_are_closed(
    serve: Serve, tiny_zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_IDLE_S", 0)
    server = serve(tiny_zoo)
    with (
        connected(server.url, b"GET /api/fleets HTTP/1.1\r\nHost: here\r\n") as slow,
        connected(server.url, b"GET /api/fleets HTTP/1.1\r\nHost: here\r\n\r\n") as idle,
    ):
        answer = b"".join(iter(lambda: idle.recv(4096), b""))
        slow.sendall(b"\r\n")
        late = slow.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" not in answer
    assert late.startswith(b"HTTP/1.1 200 OK")


def test_threads_that_write_at_once_wait_for_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself is told not to wait here: a thread that came out of turn would be refused."""
    prepare = database._prepare_sqlite

    def prepare_without_patience(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        prepare(connection, entry)
        connection.execute("PRAGMA busy_timeout = 0")

    monkeypatch.setattr(database, "_prepare_sqlite", prepare_without_patience)
    stored: list[bool] = []
    with Store(str(tmp_path / "runs.sqlite")) as store:

        def write() -> None:
            stored.extend([store.add(make_run()) for _ in range(_RUNS_EACH)])

        threads = [threading.Thread(target=write) for _ in range(_WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(store.runs())) == _WRITERS * _RUNS_EACH
    assert stored == [True] * (_WRITERS * _RUNS_EACH)
