"""Playwright's own server for one browser of this machine: how it is started, when it is ready, how it ends and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from builder.errors import ZooError
from fleet.browsers import LocalBrowser, need
from fleet.connect_errors import PLAYWRIGHT_VERSION, explain_connect_error, public_part, release
from fleet.gate import Inner

__all__ = [
    "KINDS",
    "PLAYWRIGHT_VERSION",
    "Kind",
    "PlaywrightServer",
    "explain_connect_error",
    "playwright_server",
    "public_part",
    "release",
    "servable",
]

Kind = Literal["chromium", "firefox", "webkit"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_MARK = "ZOO_AGENT_OF"
_READY = re.compile(r"ws://127\.0\.0\.1:(\d+)/")
_NO_SCREEN = re.compile(r"XServer|DISPLAY|open display")
_READY_S = 120.0
_END_S = 3.0
_LINES = 60


@dataclass
class PlaywrightServer:
    """A server that is ready, or has been."""

    inner: Inner
    _printing: asyncio.Task[None] = field(repr=False)

    async def ended(self) -> None:
        """Come back when it is no more; it goes when its browser does."""
        await asyncio.shield(self._printing)


def servable(kind: Kind) -> LocalBrowser | None:
    """The browser of this kind to serve; None stands for Playwright's own WebKit. Raises ZooError if there is none."""
    if kind != "webkit":
        return need(kind)
    question = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.webkit.executable_path)"
    done = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 0 and Path(done.stdout.strip()).exists():
        return None
    raise ZooError(
        "there is no webkit browser on this machine",
        got="none of Playwright's; no other WebKit can be driven by it",
        expected="Playwright's own build",
        next_step="run: python -m playwright install webkit; Safari and MiniBrowser are devices of the kind command instead",
    )


@contextlib.asynccontextmanager
async def playwright_server(
    kind: Kind, browser: LocalBrowser | None, *, headed: bool
) -> AsyncIterator[PlaywrightServer]:
    """Have Playwright serve this browser on loopback; at the end, no process of either is left. Raises ZooError if it does not start."""
    mark = secrets.token_hex(16)
    printed: deque[str] = deque(maxlen=_LINES)
    # 0700, so nobody else reads the path in the file; it is gone once the server is ready.
    with tempfile.TemporaryDirectory(prefix="zoo-agent-") as folder:
        path = f"/{secrets.token_urlsafe(24)}"
        process = await _started(_command(kind, browser, path, Path(folder), headed=headed), mark)
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        printing = asyncio.create_task(_read(process, printed, ready))
        try:
            port = await _port(ready, kind, printed, headed=headed)
        except BaseException:
            await _end(process, printing, mark)
            raise
    try:
        yield PlaywrightServer(Inner(port, path), printing)
    finally:
        await _end(process, printing, mark)


def _command(kind: Kind, browser: LocalBrowser | None, path: str, folder: Path, *, headed: bool) -> list[str]:
    """run-server starts Playwright's own build afresh for each client, without a window; launch-server serves one process of any build."""
    playwright = [sys.executable, "-m", "playwright"]
    if (browser is None or browser.patched) and not headed:
        return [*playwright, "run-server", "--host", "127.0.0.1", "--port", "0", "--path", path]
    config: dict[str, object] = {"host": "127.0.0.1", "port": 0, "wsPath": path, "headless": not headed}
    if browser is not None:
        options = browser.launch_options()
        config |= {"executablePath": str(options["executable_path"]), "args": options["args"]}
        config |= {"channel": options["channel"]} if "channel" in options else {}
    file = folder / "launch.json"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
        json.dump(config, output)
    return [*playwright, "launch-server", "--browser", kind, "--config", str(file)]


async def _started(command: list[str], mark: str) -> asyncio.subprocess.Process:
    """In a session of its own, so that Ctrl-C reaches only the agent. run-server ends when its standard input does."""
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, _MARK: mark},
        start_new_session=True,
    )


async def _read(process: asyncio.subprocess.Process, printed: deque[str], ready: asyncio.Future[int]) -> None:
    """Until Playwright's process has closed its output, which is when it has ended; python -m playwright may end before it."""
    assert process.stdout is not None
    while line := await _line(process.stdout):
        text = line.decode(errors="replace").rstrip()
        printed.append(text)
        found = _READY.search(text)
        if found and not ready.done():
            ready.set_result(int(found[1]))
    if not ready.done():
        ready.cancel()


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # A line longer than the stream's limit; the rest of it comes as the next one.
        return b"(a very long line)\n"


async def _port(ready: asyncio.Future[int], kind: Kind, printed: deque[str], *, headed: bool) -> int:
    done, _ = await asyncio.wait({ready}, timeout=_READY_S)
    if done and not ready.cancelled():
        return ready.result()
    if headed and any(_NO_SCREEN.search(line) for line in printed):
        raise ZooError(
            f"{kind} cannot open a window: there is no screen here",
            got="no X server, or DISPLAY is not set",
            expected="a desktop, or the browser without a window",
            next_step="leave --headed out, or put xvfb-run before the command",
        )
    raise ZooError(
        f"Playwright's server for {kind} did not start",
        got=_reason(printed) if done else f"nothing within {_READY_S:g} s",
        expected="a browser that starts, and Playwright's driver as it was installed",
        next_step=f'start the browser by hand to see more; if it is the driver: python -m pip install --force-reinstall "playwright=={PLAYWRIGHT_VERSION}"',
    )


def _reason(printed: deque[str]) -> str:
    """The line that says most: what Playwright or Python calls the error."""
    errors = [line for line in printed if re.match(r"\w*Error: ", line)]
    return errors[-1][:300] if errors else next((line for line in reversed(printed) if line), "it printed nothing")


async def _end(process: asyncio.subprocess.Process, printing: asyncio.Task[None], mark: str) -> None:
    """Ask first, since only Playwright removes its browser's profile; then leave no process of the group, nor one with our mark."""
    assert process.stdin is not None
    process.stdin.close()
    _signal_group(process.pid, forcibly=False)
    await asyncio.wait({printing}, timeout=_END_S)
    _signal_group(process.pid, forcibly=True)
    for pid in _marked(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    await process.wait()
    printing.cancel()


def _signal_group(pid: int, *, forcibly: bool) -> None:
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/PID", str(pid), "/T", "/F"], capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL if forcibly else signal.SIGTERM)


def _marked(mark: str) -> list[int]:
    """Processes that inherited our mark: the browsers, which are in groups of their own. Where there is no /proc, none can be told."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{_MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found
