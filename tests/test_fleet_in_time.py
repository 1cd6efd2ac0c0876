"""Calls that do not end, and do not let themselves be cancelled either, as Playwright's do towards a machine that was cut off."""

from __future__ import annotations

import asyncio

import pytest

from fleet.in_time import NoAnswerError, in_time
from tests.support.agents import apart


async def deaf() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


async def answering() -> int:
    return 42


def test_an_answer_is_passed_on() -> None:
    assert apart(lambda: in_time(answering(), 20)) == 42


def test_a_call_that_does_not_answer_is_left_behind() -> None:
    async def wait() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(NoAnswerError, match=r"within 0\.1 s"):
            await in_time(deaf(), 0.1)
        return loop.time() - began

    assert apart(wait) < 20


def test_a_cancellation_does_not_wait_for_it() -> None:
    async def wait() -> float:
        loop = asyncio.get_running_loop()
        waiting = asyncio.create_task(in_time(deaf()))
        await asyncio.sleep(0.1)
        began = loop.time()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return loop.time() - began

    assert apart(wait) < 20
