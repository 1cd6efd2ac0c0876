"""Has one page measure: opens it with a job and follows it to its end. It works on any page of Playwright's, wherever its browser runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from playwright.async_api import Error, Page
from playwright.async_api import TimeoutError as PlaywrightTimeout

from builder.errors import ZooError
from fleet.in_time import NoAnswerError, in_time
from fleet.page_watch import Gone, PageWatch, first_line
from fleet.records import Job, Outcome, Snapshot

PATIENCE_S = 600.0
_LOAD_S = 60
# A browser far away tells a little later that its time is up.
_LATE_S = 5
_OPENINGS = 2
_SENDING_S = 30
# So long a silence of a page, and the machine that it runs on is asked whether it can still be reached.
_SILENCE_S = 15

Report = Callable[[Snapshot], None]
Reachable = Callable[[], Awaitable[bool]]


class VisitLostError(ZooError):
    """A page that did not come to its end: it crashed, hung, was closed, or its machine cannot be reached any more.

    last: what it showed last. page_crashed: only the page's own process died, and its browser may live.
    """

    last: Snapshot | None = None
    page_crashed: bool = False


async def _always_reachable() -> bool:
    return True


async def measure(
    page: Page,
    job: Job,
    report: Report,
    *,
    patience_s: float = PATIENCE_S,
    reachable: Reachable = _always_reachable,
) -> Outcome:
    """Open the page with `job`, call `report` whenever what it shows has changed, and return what came of it.

    A page that does not come up is opened once more. Raises ZooError if the server or the page cannot be used, or if the page refuses
    the job; VisitLostError if it crashes, if it shows nothing new for `patience_s` seconds, and if `reachable` says no while it is silent.
    Runs that were over by then are stored.
    """
    watch = PageWatch(page)
    await in_time(watch.begin(), _LOAD_S)
    await _open(page, job, watch)
    try:
        last = await _follow(watch, report, patience_s, reachable)
    except VisitLostError as error:
        error.last = watch.last
        raise
    if last.state == "invalid":
        raise ZooError(
            "the page refuses this job",
            got=last.problem or last.progress or "no reason shown",
            expected="models, backends and numbers that the page knows",
            next_step=f"correct the options, or open {job.url()} in a browser to see the choices",
        )
    timed = sum(row.outcome == "ok" for row in last.rows)
    return Outcome(timed=timed, failed=last.failed, unsent=last.unsent)


async def _open(page: Page, job: Job, watch: PageWatch) -> None:
    """Open the page, until it has left `loading`.

    Firefox 153 under WebDriver BiDi now and then never delivers a document or a script (about 1 of 40 pages), so a page that shows
    nothing for a minute is opened once more.
    """
    loop = asyncio.get_running_loop()
    for opening in range(_OPENINGS):
        if opening:
            await _leave(page)
        watch.forget()
        deadline = loop.time() + _LOAD_S
        trouble = await _trouble_opening(page, job)
        while not trouble and loop.time() < deadline:
            if await watch.is_up(deadline - loop.time()):
                return
        if trouble:
            raise _unusable(job, trouble)
    showed = "does not say data-state" if watch.last is None else f"stays at data-state={watch.last.state}"
    raise _unusable(job, f"a page that {showed} for {_LOAD_S} s, opened {_OPENINGS} times")


async def _leave(page: Page) -> None:
    """Break off what the page still waits for: Chromium else reports the end of that navigation as the failure of the next one."""
    with contextlib.suppress(Error):
        await in_time(page.goto("about:blank", timeout=_LOAD_S * 1000), _LOAD_S + _LATE_S)


async def _trouble_opening(page: Page, job: Job) -> str:
    """Ask for the page. What is wrong with the answer; nothing, if it is right or has not come in time."""
    try:
        response = await in_time(page.goto(job.url(), timeout=_LOAD_S * 1000, wait_until="commit"), _LOAD_S + _LATE_S)
    except PlaywrightTimeout:
        return ""
    except NoAnswerError:
        raise
    except Error as error:
        return first_line(error)
    if response is None or not response.ok:
        return f"status {response.status}" if response else "no response"
    return ""


def _unusable(job: Job, trouble: str) -> ZooError:
    return ZooError(
        f"the page at {job.server} cannot be used",
        got=trouble,
        expected="the page of this project's server",
        next_step="start the server (python server.py) and give the address that it prints as --server",
    )


async def _follow(watch: PageWatch, report: Report, patience_s: float, reachable: Reachable) -> Snapshot:
    """Report each change of the page up to the state that ends it; that last one.

    The page tries again by itself to send what the server has not got, and its profile may end with it: it is given time for that.
    """
    loop = asyncio.get_running_loop()
    changed = loop.time()
    ended: Snapshot | None = None
    while True:
        told = await watch.next(min(_SILENCE_S, patience_s, _SENDING_S))
        silence = loop.time() - changed
        if isinstance(told, Snapshot):
            report(told)
            changed = loop.time()
            if told.state == "invalid" or (told.state == "done" and told.unsent == 0):
                return told
            ended = told if told.state == "done" else None
        elif isinstance(told, Gone):
            raise _lost(watch, told.why, crashed=told.page_crashed)
        elif ended and silence >= _SENDING_S:
            return ended
        elif silence >= patience_s:
            raise _lost(watch, f"nothing new for {patience_s:g} s")
        elif not await reachable():
            raise _lost(watch, f"nothing new for {silence:.0f} s, and its machine does not answer any more")


def _lost(watch: PageWatch, why: str, *, crashed: bool = False) -> VisitLostError:
    got = [why, f"it showed last: {watch.shown}", *(f"it threw: {message}" for message in watch.thrown)]
    error = VisitLostError(
        "the page did not come to an end",
        got="; ".join(got),
        expected="the page to go on until every run is over",
        next_step="runs that were over are stored; run the rest again, one model at a time (--models) to find the one that does it",
    )
    error.page_crashed = crashed
    return error
