"""What Playwright's client says when it cannot connect, each produced for real, and what we make of it."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Error, async_playwright

from builder.errors import ZooError
from fleet.agent import reachable
from fleet.connect_errors import PLAYWRIGHT_VERSION, explain_connect_error, public_part, release
from fleet.gate import Gate, Inner
from fleet.playwright_server import playwright_server
from tests.support.agents import apart

SECRET = "/secret-of-this-device"


async def explained(endpoint: str, timeout_s: float = 60) -> ZooError:
    """Connect as the fleet does, to what will not have it."""
    (error,) = await all_explained([endpoint], timeout_s)
    return error


async def all_explained(endpoints: list[str], timeout_s: float = 60) -> list[ZooError]:
    errors = []
    async with async_playwright() as playwright:
        for endpoint in endpoints:
            with pytest.raises(Error) as raised:
                await playwright.firefox.connect(endpoint, timeout=timeout_s * 1000)
            errors.append(explain_connect_error(raised.value.message, endpoint))
    for error in errors:
        assert SECRET not in str(error)
        assert "Call log" not in str(error)
        assert str(error).count("\n") == 3
    return errors


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = apart(lambda: explained(f"ws://127.0.0.1:{port}{SECRET}"))
    assert error.what == f"nothing listens at ws://127.0.0.1:{port}"
    assert "python -m fleet agent" in error.next_step


def test_a_device_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        error = apart(lambda: explained(f"ws://127.0.0.1:{port}{SECRET}", timeout_s=1))
    assert error.what == f"ws://127.0.0.1:{port} cannot be reached"
    assert "firewall" in error.next_step


def test_a_name_that_nobody_knows() -> None:
    error = apart(lambda: explained(f"ws://no-such-host.invalid:9331{SECRET}"))
    assert error.what == "ws://no-such-host.invalid:9331: there is no host of this name"


def test_another_path_than_the_agents() -> None:
    paths = ["/another", f"{SECRET}x", "/", "/json", SECRET.upper()]

    async def ask() -> list[ZooError]:
        async with Gate(SECRET, "firefox").listening("127.0.0.1", 0) as (host, port):
            return await all_explained([f"ws://{host}:{port}{path}" for path in paths])

    errors = apart(ask)
    assert len(errors) == len(paths)
    for error in errors:
        assert re.fullmatch(r"ws://127\.0\.0\.1:\d+ does not know the path of this endpoint", error.what)
        assert "404 Not Found" in error.got


def test_another_browser_than_the_agent_lends() -> None:
    """Playwright itself would drive it, and call it by the wrong name."""

    async def ask() -> ZooError:
        async with Gate(SECRET, "chromium").listening("127.0.0.1", 0) as (host, port):
            return await explained(f"ws://{host}:{port}{SECRET}?more=1")

    error = apart(ask)
    assert error.what.endswith("lends chromium, not firefox")
    assert 'browser = "chromium"' in error.next_step


def test_another_path_than_playwrights_own_server_has() -> None:
    async def ask() -> ZooError:
        async with playwright_server("webkit", None, headed=False) as server:
            return await explained(f"ws://127.0.0.1:{server.inner.port}/another")

    error = apart(ask)
    assert "does not know the path" in error.what
    assert "400 Bad Request" in error.got


def test_another_version_of_playwright() -> None:
    """A relay makes this client's version an older one on the way to the real server, which then says what it says."""

    async def ask() -> ZooError:
        async with playwright_server("webkit", None, headed=False) as server, _made_older(server.inner) as port:
            return await explained(f"ws://127.0.0.1:{port}{server.inner.path}")

    here = release(PLAYWRIGHT_VERSION)
    error = apart(ask)
    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+ has another version of Playwright than this machine", error.what)
    assert error.got == f"{here} there, 1.41 here"
    assert "every 1.41.x works with every other 1.41.x" in error.expected
    assert f'pip install "playwright=={PLAYWRIGHT_VERSION}"' in error.next_step


@contextlib.asynccontextmanager
async def _made_older(inner: Inner) -> AsyncIterator[int]:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        changed = re.sub(rb"Playwright/\d+\.\d+\.\d+", b"Playwright/1.41.2", head)
        assert changed != head
        there, to_there = await asyncio.open_connection("127.0.0.1", inner.port)
        to_there.write(changed)
        writer.write(await there.read())
        await writer.drain()
        to_there.close()
        writer.close()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def test_a_server_without_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))

    async def ask() -> ZooError:
        async with playwright_server("webkit", None, headed=False) as server:
            return await explained(f"ws://127.0.0.1:{server.inner.port}{server.inner.path}", timeout_s=5)

    error = apart(ask)
    assert error.what.endswith("gave no browser")
    assert "playwright install" in error.next_step


def test_a_browser_that_is_being_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet.gate._WAIT_S", 0.05)

    async def ask() -> ZooError:
        async with Gate(SECRET, "firefox").listening("127.0.0.1", 0) as (host, port):
            return await explained(f"ws://{host}:{port}{SECRET}")

    assert "has no browser just now" in apart(ask).what


def test_another_protocol(web_server: int) -> None:
    assert "is not a Playwright server" in apart(lambda: explained(f"ws://127.0.0.1:{web_server}/")).what
    error = apart(lambda: explained(f"wss://127.0.0.1:{web_server}{SECRET}"))
    assert error.what == f"wss://127.0.0.1:{web_server} is not a Playwright server"
    assert "ws:// for our agent" in error.expected


def test_what_is_no_endpoint() -> None:
    wrong = ["rubbish", "ws://127.0.0.1:99999/x", "ws:///x", "", "tcp://127.0.0.1:1/x", "ws://[::1/x"]
    for error in apart(lambda: all_explained(wrong)):
        assert error.what == "this is not the endpoint of a Playwright server"


def test_what_nobody_foresaw_is_passed_on_in_one_line() -> None:
    error = explain_connect_error("BrowserType.connect: the moon is full\nCall log:\n  - more", f"ws://a:1{SECRET}")
    assert error.got == "the moon is full"


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("ws://10.0.0.5:9331/secret?token=1", "ws://10.0.0.5:9331"),
        ("wss://user:key@cdp.example.com/playwright", "wss://cdp.example.com"),
        ("ws://[fd00::2]:9331/secret", "ws://[fd00::2]:9331"),
    ],
)
def test_what_may_be_shown_of_an_endpoint(endpoint: str, shown: str) -> None:
    assert public_part(endpoint) == shown


@pytest.fixture
def web_server() -> Iterator[int]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"a page")

        def log_message(self, *arguments: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


async def _status(port: int, head: str, host: str = "127.0.0.1") -> str:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(head.encode())
    try:
        return (await reader.readline()).decode().strip()
    except ConnectionResetError:
        return ""
    finally:
        writer.close()


def test_only_the_secret_path_leads_to_playwrights_server() -> None:
    """Its own server tells its path to everybody who asks for /json."""
    host = "Host: localhost\r\n"
    answers = {
        f"GET {SECRET} HTTP/1.1\r\n{host}\r\n": "HTTP/1.1 200 OK",
        f"GET /json HTTP/1.1\r\n{host}\r\n": "HTTP/1.1 404 Not Found",
        f"POST {SECRET} HTTP/1.1\r\n{host}\r\n": "HTTP/1.1 404 Not Found",
        f"GET {SECRET} HTTP/1.1\r\n{host}Origin: http://127.0.0.1\r\n\r\n": "HTTP/1.1 404 Not Found",
        f"GET {SECRET} HTTP/1.1\r\n{host}X-Playwright-Browser: webkit\r\n\r\n": "HTTP/1.1 409 Conflict",
        "\r\n\r\n": "HTTP/1.1 404 Not Found",
        f"GET {SECRET} HTTP/1.1\r\nX: {'x' * 40_000}\r\n\r\n": "",
    }

    async def ask() -> dict[str, str]:
        async with playwright_server("webkit", None, headed=False) as server:
            assert "200 OK" in await _status(server.inner.port, f"GET /json HTTP/1.1\r\n{host}\r\n")
            gate = Gate(SECRET, "firefox")
            gate.open(server.inner)
            async with gate.listening("127.0.0.1", 0) as (_, port):
                return {head: await _status(port, head) for head in answers}

    assert apart(ask) == answers


def test_a_wildcard_is_announced_as_addresses_that_others_can_use() -> None:
    async def ask() -> list[str]:
        async with Gate(SECRET, "firefox").listening("0.0.0.0", 0) as (address, port):
            return [await _status(port, "GET / HTTP/1.1\r\n\r\n", host) for host in reachable(address)]

    found = apart(ask)
    assert found
    assert set(found) == {"HTTP/1.1 404 Not Found"}
    assert not {"0.0.0.0", "127.0.0.1"} & set(reachable("0.0.0.0"))
    assert reachable("127.0.0.1") == ["127.0.0.1"]
