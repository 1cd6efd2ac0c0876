"""The fleet's questions to the server, where the server or its clock is not as it should be."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from builder.errors import ZooError
from fleet.zoo_server import ZooServer
from tests.support.agents import apart

Reply = Callable[[http.server.BaseHTTPRequestHandler], None]
Start = Callable[[Reply], str]


@pytest.fixture
def start() -> Iterator[Start]:
    """Answers every GET with what the reply writes; keeps connections open, as the real server does."""
    servers: list[tuple[http.server.ThreadingHTTPServer, threading.Thread]] = []

    def begin(reply: Reply) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                reply(self)

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing: pytest shows enough."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield begin
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler: http.server.BaseHTTPRequestHandler, content: object) -> None:
    body = json.dumps(content).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.mark.parametrize("ahead_s", [0, 3600, -120])
def test_a_clock_that_is_off_is_seen(start: Start, ahead_s: int) -> None:
    def config(handler: http.server.BaseHTTPRequestHandler) -> None:
        send(handler, {"server_time": (datetime.now(UTC) - timedelta(seconds=ahead_s)).isoformat()})

    assert apart(lambda: ZooServer(start(config)).clock_offset_s()) == pytest.approx(ahead_s, abs=20)


def test_a_connection_that_was_closed_just_now_is_made_anew(start: Start) -> None:
    """The second request on a connection is met by its end, once."""
    asked: list[str] = []

    def runs(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        if len(asked) == 2:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        send(handler, {"runs": []})

    server = ZooServer(start(runs))

    async def twice() -> None:
        for _ in range(2):
            assert await server.runs("11111111-2222-4333-8444-555555555555") == []

    apart(twice)
    assert len(asked) == 3


def test_another_projects_server_is_told(start: Start) -> None:
    with pytest.raises(ZooError, match="cannot be used") as raised:
        apart(lambda: ZooServer(start(lambda handler: handler.send_error(404))).manifest())
    assert "status 404" in raised.value.got
    assert "--serve" in raised.value.next_step


@pytest.mark.parametrize("content", [{}, {"server_time": "noon"}, [], {"server_time": 3}])
def test_a_server_of_another_version_is_told(start: Start, content: object) -> None:
    with pytest.raises(ZooError) as raised:
        apart(lambda: ZooServer(start(lambda handler: send(handler, content))).clock_offset_s())
    assert "/api/config answers otherwise" in raised.value.got
    assert "of this version" in raised.value.expected


def test_runs_of_another_form_are_told(start: Start) -> None:
    with pytest.raises(ZooError) as raised:
        apart(lambda: ZooServer(start(lambda handler: send(handler, {"runs": [{"run_id": 1}]}))).runs("x"))
    assert "schema_version: Field required" in raised.value.got
