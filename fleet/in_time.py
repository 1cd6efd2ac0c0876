"""Calls of Playwright's that end in time, whether the other side answers or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from playwright.async_api import Error

T = TypeVar("T")


class NoAnswerError(Error):
    """The browser did not answer in time."""


async def in_time(call: Awaitable[T], seconds: float | None = None) -> T:
    """What the call gives. Raises NoAnswerError after so many seconds (None: it has a limit of its own); cancelled, it ends at once.

    asyncio.timeout and a cancellation do not help: Playwright 1.62 then waits until the other side has agreed to it, which a machine that
    was cut off never does, or turns the cancellation into an error. So the call has a task of its own, which is left behind.
    """
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise NoAnswerError(f"the browser did not answer within {seconds:g} s")
        return task.result()
    finally:
        if not task.done():
            task.add_done_callback(_hear)
            task.cancel()


def _hear(task: asyncio.Future[T]) -> None:
    """An error that nobody asks for any more is no news."""
    if not task.cancelled():
        task.exception()
