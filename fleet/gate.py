"""The only way from outside to a Playwright server: a connection that asks for the secret path.

Playwright's server has a path of its own, but tells it to everybody who asks for /json (seen with 1.62.0). So that server
listens on loopback behind this gate, which also keeps its port and its path while the browser behind it is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from builder.errors import ZooError

_HEAD_BYTES = 16 * 1024
_HEAD_S = 10.0
# As long as a browser may take to come back.
_WAIT_S = 30.0
_CHUNK_BYTES = 64 * 1024
# A client that is cut off never says goodbye. Its page must end before a fleet takes up the same runs again, which it does after ten
# seconds at the soonest: so long Playwright's own client waits (seen with 1.62.0).
_SILENT_S, _PROBE_EVERY_S, _PROBES = 4, 1, 5


@dataclass(frozen=True)
class Inner:
    """Where the Playwright server listens on loopback just now; path begins with a slash."""

    port: int
    path: str


@dataclass
class Gate:
    """Passes on whoever asks for `path`, which begins with a slash; anybody else gets a 404.

    browser: the kind that is lent. Who asks for another is told so, since Playwright would drive this one under the other's name.
    """

    path: str
    browser: str
    _inner: Inner | None = None
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _visits: set[asyncio.Task[None]] = field(default_factory=set)

    def open(self, inner: Inner) -> None:
        """A Playwright server is ready."""
        self._inner = inner
        self._opened.set()

    def shut(self) -> None:
        """It has ended; who comes now waits for the next one, half a minute at most."""
        self._inner = None
        self._opened.clear()

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        """Listen, and give the address and the port that this came to. Raises ZooError if that cannot be had."""
        try:
            server = await asyncio.start_server(self._arrived, host, port, limit=_HEAD_BYTES)
        except (OSError, OverflowError) as error:
            raise _cannot_listen(host, port, error) from error
        address = server.sockets[0].getsockname()
        try:
            yield str(address[0]), int(address[1])
        finally:
            server.close()
            for visit in tuple(self._visits):
                visit.cancel()
            await asyncio.gather(*self._visits, return_exceptions=True)

    def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.get_running_loop().create_task(self._visit(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_S)
                if not self._may_pass(head):
                    await _answer(writer, "404 Not Found", "This is not the agent's endpoint.")
                elif (asked := _browser_asked(head)) not in (None, self.browser):
                    await _answer(writer, "409 Conflict", f"This agent lends {self.browser}, not {asked}.")
                elif (inner := await self._ready()) is None:
                    await _answer(writer, "503 Service Unavailable", "The browser is being started again.")
                else:
                    _end_when_cut_off(writer.get_extra_info("socket"))
                    await _pass_on(_with_path(head, inner.path), inner, reader, writer)
            finally:
                writer.close()

    def _may_pass(self, head: bytes) -> bool:
        """A web page, which names its origin, may not, even if it knows the path."""
        method, _, rest = head.partition(b" ")
        asked = rest.split(b" ", 1)[0].partition(b"?")[0]
        right = hmac.compare_digest(asked, self.path.encode("ascii"))
        return method == b"GET" and right and b"\r\norigin:" not in head.lower()

    async def _ready(self) -> Inner | None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._opened.wait(), _WAIT_S)
        return self._inner


def _end_when_cut_off(connection: socket.socket) -> None:
    """Let the system break the connection when nothing of the other side is heard any more. Names that it does not know are left out."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    limits = {
        "TCP_KEEPIDLE": _SILENT_S,
        "TCP_KEEPINTVL": _PROBE_EVERY_S,
        "TCP_KEEPCNT": _PROBES,
        # In milliseconds: probes are not sent while something else waits for its acknowledgement.
        "TCP_USER_TIMEOUT": (_SILENT_S + _PROBES * _PROBE_EVERY_S) * 1000,
    }
    for name, value in limits.items():
        if (option := getattr(socket, name, None)) is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _browser_asked(head: bytes) -> str | None:
    """What Playwright's client says in a header, among the kinds that it knows."""
    found = re.search(rb"\r\nx-playwright-browser: *(chromium|firefox|webkit) *\r\n", head, re.IGNORECASE)
    return found[1].decode("ascii").lower() if found else None


def _with_path(head: bytes, path: str) -> bytes:
    method, rest = head.split(b" ", 1)
    target, rest = rest.split(b" ", 1)
    query = target.partition(b"?")[1] + target.partition(b"?")[2]
    return b" ".join((method, path.encode("ascii") + query, rest))


async def _answer(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode("ascii") + body)
    await writer.drain()


async def _pass_on(head: bytes, inner: Inner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Both ways until either side is through."""
    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", inner.port)
    there_writer.write(head)
    ways = {asyncio.create_task(_copy(reader, there_writer)), asyncio.create_task(_copy(there_reader, writer))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        there_writer.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK_BYTES):
        sink.write(data)
        await sink.drain()


def _cannot_listen(host: str, port: int, error: Exception) -> ZooError:
    return ZooError(
        f"the agent cannot listen on {host}, port {port}",
        got=getattr(error, "strerror", None) or str(error),
        expected="an address of this machine and a port that is free",
        next_step="choose another with --port, 0 for any; --host 127.0.0.1 is this machine alone, --host 0.0.0.0 all of its networks",
    )
