"""A device whose browser Playwright drives: what local browsers, Playwright servers, debugging ports and grids have in common."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from playwright.async_api import Browser, BrowserContext, CDPSession, Error, Page

from builder.errors import ZooError
from fleet.devices.device import Around, Facts
from fleet.drive import Report, VisitLostError, measure
from fleet.in_time import NoAnswerError, in_time
from fleet.page_watch import first_line
from fleet.records import Job, Outcome, Row, Snapshot

_CLOSING_S = 3
# A run that ends its page each time is recorded as failed by the page itself; more than this many is the browser's own trouble.
_REOPENINGS = 3
_ASKING_S = 30
# What the page's own modules keep of runs that the server has not got. Read through them, as the page does.
_UNSENT = (
    """import("/run_store.js").then(store => store.allRuns()).then(kept => JSON.stringify(kept.map(({run}) => run)))"""
)
_BACKENDS = """(async () => {
  const found = ["wasm"];
  if (navigator.gpu && await navigator.gpu.requestAdapter()) found.push("webgpu");
  if (document.createElement("canvas").getContext("webgl2")) found.push("webgl");
  if (navigator.ml) found.push("webnn-cpu");
  return [navigator.userAgent, found, crossOriginIsolated];
})()"""

PrepareDriver = Callable[[CDPSession], Awaitable[None]]
KeepUnsent = Callable[[str], None]


@dataclass(frozen=True)
class Reached:
    """A browser that answers. context_options: for each new window. owned: it was started for us, so it is ours to close."""

    browser: Browser
    context_options: dict[str, Any] = field(default_factory=dict)
    prepare: PrepareDriver | None = None


class Way(Protocol):
    """How to get to a browser."""

    def __call__(self, around: Around) -> AbstractAsyncContextManager[Reached]: ...


async def answers() -> bool:
    """A browser of this very machine is always reachable."""
    return True


@dataclass
class DrivenSession:
    """A fresh profile in a browser that was reached."""

    browser: str | None
    context: BrowserContext
    reached: Reached
    reachable: Callable[[], Awaitable[bool]]
    keep_unsent: KeepUnsent
    deaf: bool = False

    async def visit(self, job: Job, report: Report, patience_s: float) -> Outcome:
        """See fleet/devices/device.py.

        A page whose process died is opened again in the same profile, where it finds its own journal: it records the run that was on as
        failed and goes on with the rest. Runs that the server has not got are handed over before a page is closed.
        """
        seen: dict[str, Row] = {}

        def merged(snapshot: Snapshot) -> None:
            seen.update((row.run_id, row) for row in snapshot.rows)
            report(dataclasses.replace(snapshot, rows=tuple(seen.values())))

        for reopening in range(_REOPENINGS + 1):
            try:
                outcome = await self._visit_once(job, merged, patience_s)
            except VisitLostError as error:
                if error.last:
                    error.last = dataclasses.replace(error.last, rows=tuple(seen.values()))
                if not error.page_crashed or reopening == _REOPENINGS or not self.reached.browser.is_connected():
                    raise
            else:
                timed = sum(row.outcome == "ok" for row in seen.values())
                failed = sum(row.outcome == "failed" for row in seen.values())
                return Outcome(timed=timed, failed=max(failed, outcome.failed), unsent=outcome.unsent)
        raise AssertionError("the last attempt returns or raises")

    async def _visit_once(self, job: Job, report: Report, patience_s: float) -> Outcome:
        page = await in_time(self.context.new_page(), _ASKING_S)
        try:
            if self.reached.prepare:
                await self.reached.prepare(await self.context.new_cdp_session(page))
            outcome = await measure(page, job, report, patience_s=patience_s, reachable=self.reachable)
            if outcome.unsent:
                await self._hand_over(page)
            return outcome
        finally:
            self.deaf = not await quietly(page.close())

    async def _hand_over(self, page: Page) -> None:
        with contextlib.suppress(Error):
            for run in json.loads(await in_time(page.evaluate(_UNSENT), _ASKING_S)):
                self.keep_unsent(json.dumps(run))


@dataclass(frozen=True)
class DrivenDevice:
    """way: to its browser. version: what its browser's version must begin with. reachable: whether its machine still answers."""

    name: str
    kind: str
    host: str
    way: Way
    version: str | None = None
    emulated: str | None = None
    reachable: Callable[[], Awaitable[bool]] = answers
    keep_unsent: KeepUnsent = lambda run: None
    at_once: bool = False

    @contextlib.asynccontextmanager
    async def session(self, around: Around) -> AsyncIterator[DrivenSession]:
        """See fleet/devices/device.py."""
        async with self.way(around) as reached:
            browser = f"{reached.browser.browser_type.name} {reached.browser.version}"
            self._check(reached.browser.version)
            try:
                context = await in_time(reached.browser.new_context(**reached.context_options), _ASKING_S)
            except Error as error:
                raise _no_window(self.name, error) from error
            session = DrivenSession(browser, context, reached, self.reachable, self.keep_unsent)
            try:
                yield session
            finally:
                # What does not hear that a page is to close does not hear this either; its connection's end tells it.
                if not session.deaf:
                    await quietly(context.close())

    async def facts(self, around: Around) -> Facts:
        """See fleet/devices/device.py. The page is opened, but not started."""
        async with self.session(around) as session:
            try:
                page = await in_time(session.context.new_page(), _ASKING_S)
                await in_time(page.goto(around.server.url), _ASKING_S)
                agent, backends, isolated = await in_time(page.evaluate(_BACKENDS), _ASKING_S)
            except Error as error:
                raise _no_page(around, error) from error
            self._check_engine(session.context, agent)
            more = "" if isolated else ", not isolated: one thread, coarse timer"
            return Facts(f"{session.browser}{more}", tuple(backends))

    def _check_engine(self, context: BrowserContext, agent: str) -> None:
        """Playwright 1.62 connects to a server of another browser without a word, and calls it what it was asked for."""
        asked = context.browser.browser_type.name if context.browser else ""
        found = "firefox" if "Firefox/" in agent else "chromium" if "Chrome/" in agent else "webkit"
        if self.emulated is None and asked != found:
            raise ZooError(
                f"{self.name} is another browser than its entry says",
                got=f"{found} ({agent})",
                expected=asked,
                next_step=f'write browser = "{found}"',
            )

    def _check(self, version: str) -> None:
        if self.version and not version.startswith(self.version):
            raise ZooError(
                f"{self.name} has another browser version than its entry asks for",
                got=version,
                expected=f"a version that begins with {self.version}",
                next_step=f'write version = "{version}" (or only its first number), leave version out, or change the browser',
            )


async def quietly(ending: Awaitable[object]) -> bool:
    """Let it end within 3 s; whether it answered. What is broken already cannot be closed; that it broke is told elsewhere."""
    try:
        await in_time(ending, _CLOSING_S)
    except NoAnswerError:
        return False
    except Error:
        pass
    return True


def _no_window(name: str, error: Error) -> ZooError:
    return ZooError(
        f"{name}: the browser opens no window",
        got=first_line(error),
        expected="a browser that answers",
        next_step="see that its machine is on and in the network, and look at it with: python -m fleet check",
    )


def _no_page(around: Around, error: Error) -> ZooError:
    return ZooError(
        f"the browser does not get the page from {around.server.url}",
        got=first_line(error),
        expected="the zoo's page",
        next_step='give the device an address under which it reaches the server: server = "http://..." in its table',
    )
