"""Playwright's asynchronous API beside pytest-playwright's synchronous one, which holds this thread: in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

from playwright.async_api import Browser, Playwright, async_playwright

from fleet.browsers import LocalBrowser

T = TypeVar("T")
_PATIENCE_S = 300


class Loop:
    """Runs coroutines in its thread. `playwright` is there from the first `run` that asks for it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="the tests' event loop")
        self._thread.start()
        self._manager = async_playwright()
        self._playwright: Playwright | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Its result, or its exception."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_PATIENCE_S)

    async def playwright(self) -> Playwright:
        """The one Playwright of this loop."""
        if self._playwright is None:
            self._playwright = await self._manager.start()
        return self._playwright

    def close(self) -> None:
        """End Playwright, then the thread."""
        if self._playwright:
            self.run(self._playwright.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@contextlib.contextmanager
def running_loop() -> Iterator[Loop]:
    """A loop until the end of the block."""
    loop = Loop()
    try:
        yield loop
    finally:
        loop.close()


@contextlib.asynccontextmanager
async def launched(loop: Loop, local: LocalBrowser) -> AsyncIterator[Browser]:
    """A browser of this machine, driven asynchronously."""
    playwright = await loop.playwright()
    browser = await getattr(playwright, local.kind).launch(**local.launch_options(), handle_sigint=False)
    try:
        yield browser
    finally:
        await browser.close()
