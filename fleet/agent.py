"""`python -m fleet agent`: lends this machine's browser to a fleet elsewhere, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import platform
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

from builder.errors import ZooError
from fleet.gate import Gate
from fleet.playwright_server import KINDS, PLAYWRIGHT_VERSION, Kind, playwright_server, release, servable

Say = Callable[[str], None]

# A browser that ends sooner than this, so many times in a row, would never stay.
_STEADY_S = 10.0
_TRIES = 5
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@dataclass(frozen=True)
class AgentOptions:
    """What `python -m fleet agent` was asked for. port 0 is any that is free; without a name, the machine's and the browser's is used."""

    browser: Kind = "chromium"
    host: str = "127.0.0.1"
    port: int = 0
    name: str | None = None
    headed: bool = False


def add_agent_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `python -m fleet agent`; agent_options reads them."""
    add = parser.add_argument
    add("--browser", choices=KINDS, default="chromium", help="default: %(default)s")
    add(
        "--host",
        type=_host,
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 lets other machines in; default: %(default)s, this machine only",
    )
    add("--port", type=_port, default=0, help="default: any that is free")
    add("--name", type=_name, help="the device's name in fleet.toml; default: machine and browser")
    add("--headed", action="store_true", help="show the browser's window")


def agent_options(namespace: argparse.Namespace) -> AgentOptions:
    """The arguments as one record."""
    return AgentOptions(namespace.browser, namespace.host, namespace.port, namespace.name, namespace.headed)


def serve_agent(options: AgentOptions, say: Say) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit status. `say` gets one text at a time and should show it at once.

    To be called in the main thread, since it listens to signals. Raises ZooError if there is no such browser, it does not start
    or does not stay, or the port is taken.
    """
    return asyncio.run(_serve(options, say))


async def _serve(options: AgentOptions, say: Say) -> int:
    stop = asyncio.Event()
    with _signals_set(stop):
        serving = asyncio.create_task(_lend(options, say))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    say("stopped; its browser is closed")
    return 0


@contextlib.contextmanager
def _signals_set(event: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def note(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(event.set)

    numbers = [number for name in _SIGNALS if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        # Where one is switched off, as for a job in the background, it stays so.
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _lend(options: AgentOptions, say: Say) -> None:
    now = asyncio.get_running_loop().time
    gate = Gate(f"/{secrets.token_urlsafe(24)}", options.browser)
    async with gate.listening(options.host, options.port) as (address, port):
        browser = await asyncio.to_thread(servable, options.browser)
        say(f"starting {options.browser}: {browser.executable if browser else 'build of Playwright'}")
        announcement = _announcement(options, address, port, gate.path)
        early, first = 0, True
        while True:
            ready_at = now()
            try:
                async with playwright_server(options.browser, browser, headed=options.headed) as server:
                    gate.open(server.inner)
                    say(announcement if first else "the browser is back, at the same endpoint")
                    ready_at, first = now(), False
                    await server.ended()
                    gate.shut()
            except ZooError:
                if first:
                    raise
                ready_at = now()
            early = 0 if now() - ready_at >= _STEADY_S else early + 1
            if early == _TRIES:
                raise _does_not_stay(options.browser)
            say("the browser has ended; starting it again")


def _announcement(options: AgentOptions, address: str, port: int, path: str) -> str:
    reached_at = reachable(address)
    endpoints = [f"ws://{_bracketed(host)}:{port}{path}" for host in reached_at]
    lines = [
        f"Playwright {PLAYWRIGHT_VERSION}: the machine that drives this browser needs {release(PLAYWRIGHT_VERSION)} too",
        *(f"endpoint: {endpoint}" for endpoint in endpoints),
        _who_can(address),
        "for fleet.toml:",
        "",
        "[[device]]",
        f"name = {_toml(options.name or f'{_machine()} {options.browser}')}",
        'kind = "playwright"',
        f"browser = {_toml(options.browser)}",
        f"endpoint = {_toml(endpoints[0])}",
        f"host = {_toml(_machine())}",
        "",
        "Ctrl-C stops it.",
    ]
    return "\n".join(lines)


def _who_can(address: str) -> str:
    if ipaddress.ip_address(address).is_loopback:
        return "It listens for this machine only; --host 0.0.0.0 lets others in."
    return (
        "Anybody who knows this address can now drive this browser, and through it reach what this machine reaches; "
        "it goes over the network unencrypted."
    )


def reachable(address: str) -> list[str]:
    """The addresses under which others reach a server that listens on `address`: itself, or for a wildcard those of this machine."""
    ours = ipaddress.ip_address(address)
    if not ours.is_unspecified:
        return [address]
    family = socket.AF_INET if ours.version == 4 else socket.AF_INET6
    found = [*_towards_others(family), *_of_our_name(family)]
    outside = [each for each in found if not ipaddress.ip_address(each).is_loopback]
    return list(dict.fromkeys(outside)) or [_machine()]


def _towards_others(family: socket.AddressFamily) -> Iterator[str]:
    """The address that goes out by the default route. Nothing is sent: these are addresses that documents use as examples."""
    elsewhere = "198.51.100.1" if family == socket.AF_INET else "2001:db8::1"
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((elsewhere, 9))
        yield str(probe.getsockname()[0])


def _of_our_name(family: socket.AddressFamily) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in socket.getaddrinfo(socket.gethostname(), None, family, socket.SOCK_STREAM):
            yield str(entry[4][0]).partition("%")[0]


def _does_not_stay(kind: Kind) -> ZooError:
    return ZooError(
        f"{kind} does not stay up",
        got=f"it ended within {_STEADY_S:g} s of its start, {_TRIES} times in a row",
        expected="a browser that runs until it is stopped",
        next_step="start it by hand on this machine and see what it says; memory may be short",
    )


def _machine() -> str:
    return platform.node() or "this machine"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _toml(text: str) -> str:
    """A TOML string: JSON's escapes are among TOML's, but for the one character that JSON leaves bare."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _host(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("an address of this machine, such as 127.0.0.1 or 0.0.0.0")
    return text.strip()


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 0 to 65535, not {text!r}")
    return int(text)


def _name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("a name has at least one character")
    return text.strip()
