"""Agents, Playwright servers and their clients, as tests start them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from playwright.async_api import Browser, BrowserType, Page, async_playwright

from fleet.browsers import LocalBrowser
from scripts.serving import ROOT
from tests.support.processes import PATIENCE_S, Program, plain_environment, running_program

T = TypeVar("T")
_COMMAND = (sys.executable, "-m", "fleet", "agent")


class Agent(Program):
    """An agent that runs as a process."""

    def device(self) -> dict[str, Any]:
        """Wait until it is ready; the table that it printed for fleet.toml."""
        printed = self.until("Ctrl-C stops it.")
        table = "[[device]]" + printed.partition("[[device]]")[2].replace("Ctrl-C stops it.", "")
        (device,) = tomllib.loads(table)["device"]
        return dict(device)

    def its_browser(self, browser: LocalBrowser) -> int:
        """The id of the browser's first process, which leads a group of its own."""
        (pid,) = (
            pid
            for pid, command in self.its_processes().items()
            if os.getpgid(pid) == pid and "playwright" not in command.split(" --")[0]
        )
        assert browser.kind in self.its_processes()[pid].lower()
        return pid


@contextlib.contextmanager
def running_agent(*arguments: str, inside: Sequence[str] = (), **environment: str) -> Iterator[Agent]:
    """An agent with these arguments, stopped at the end if it still runs. inside: what comes before it, such as `ip netns exec NAME`."""
    with running_program([*inside, *_COMMAND, *arguments], **environment) as program:
        yield Agent(program.process, program.mark, program.lines)


def run_agent(*arguments: str, **environment: str) -> tuple[int, str]:
    """An agent that is expected to give up: its exit status, and what it printed."""
    done = subprocess.run(
        [*_COMMAND, *arguments],
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
