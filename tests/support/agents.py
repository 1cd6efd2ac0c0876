"""Agents, Playwright servers and their clients, as tests start them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import tomllib
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from playwright.async_api import Browser, BrowserType, Page, async_playwright

from fleet.browsers import LocalBrowser
from scripts.serving import ROOT
from tests.support.processes import plain_environment

T = TypeVar("T")
PATIENCE_S = 90.0
_MARK = "ZOO_TEST_AGENT"
_PROGRAM = """
import argparse, functools, sys
from builder.errors import ZooError
from fleet.agent import add_agent_arguments, agent_options, serve_agent
parser = argparse.ArgumentParser()
add_agent_arguments(parser)
options = agent_options(parser.parse_args())
try:
    sys.exit(serve_agent(options, functools.partial(print, flush=True)))
except ZooError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""


@dataclass
class Agent:
    """An agent that runs as a process; everything that it started carries `mark` in its environment."""

    process: subprocess.Popen[str]
    mark: str
    lines: queue.Queue[str | None]
    seen: list[str] = field(default_factory=list)

    def until(self, text: str) -> str:
        """Wait for a line that has this text; what was printed from the last wait up to it."""
        start, deadline = len(self.seen), time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                line = self.lines.get(timeout=1)
                assert line is not None, "the agent ended, and printed: " + "".join(self.seen)
                self.seen.append(line)
                if text in line:
                    return "".join(self.seen[start:])
        raise AssertionError(f"no {text!r} in: {''.join(self.seen)}")

    def device(self) -> dict[str, Any]:
        """Wait until it is ready; the table that it printed for fleet.toml."""
        printed = self.until("Ctrl-C stops it.")
        table = "[[device]]" + printed.partition("[[device]]")[2].replace("Ctrl-C stops it.", "")
        (device,) = tomllib.loads(table)["device"]
        return dict(device)

    def its_processes(self) -> dict[int, str]:
        """Every process that it started and that lives, by id: its command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{_MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        found.pop(self.process.pid, None)
        return found

    def its_browser(self, browser: LocalBrowser) -> int:
        """The id of the browser's first process, which leads a group of its own."""
        (pid,) = (
            pid
            for pid, command in self.its_processes().items()
            if os.getpgid(pid) == pid and "playwright" not in command.split(" --")[0]
        )
        assert browser.kind in self.its_processes()[pid].lower()
        return pid

    def stop(self) -> float:
        """SIGTERM, as a service manager sends it; the seconds until it had ended."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        return time.monotonic() - started


@contextlib.contextmanager
def running_agent(*arguments: str, **environment: str) -> Iterator[Agent]:
    """An agent with these arguments, stopped at the end if it still runs."""
    mark = uuid.uuid4().hex
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=ROOT,
        env=plain_environment(**environment, **{_MARK: mark}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        agent = Agent(process, mark, queue.Queue())
        assert process.stdout is not None
        reading = threading.Thread(target=_read, args=(process.stdout, agent.lines))
        reading.start()
        try:
            yield agent
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
            reading.join()


def run_agent(*arguments: str, **environment: str) -> tuple[int, str]:
    """An agent that is expected to give up: its exit status, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=ROOT,
        env=plain_environment(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout


def apart(work: Callable[[], Awaitable[T]]) -> T:
    """Asynchronous work in a thread: in the tests' own, pytest-playwright may hold an event loop already."""

    async def whole() -> T:
        return await work()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, whole()).result()


async def with_browser(endpoint: str, browser: LocalBrowser, use: Callable[[Browser], Awaitable[T]]) -> T:
    """Connect as a fleet would, use the browser, close."""
    async with async_playwright() as playwright:
        browser_type: BrowserType = getattr(playwright, browser.kind)
        remote = await browser_type.connect(endpoint, timeout=PATIENCE_S * 1000)
        try:
            return await use(remote)
        finally:
            await remote.close()


async def fresh_page(remote: Browser, browser: LocalBrowser) -> Page:
    """A page in a fresh profile."""
    return await (await remote.new_context(**browser.context_options())).new_page()


def _read(source: IO[str], sink: queue.Queue[str | None]) -> None:
    for line in source:
        sink.put(line)
    sink.put(None)
