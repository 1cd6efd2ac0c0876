"""Has one browser open the page, lets it measure, and waits for the end of it."""

from __future__ import annotations

import contextlib
import json
import platform
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator

from playwright.sync_api import Error, Page, Playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from pydantic import TypeAdapter

from builder.errors import ZooError
from fleet.browsers import LocalBrowser
from fleet.records import Job, Outcome, Snapshot

PATIENCE_S = 600.0
_LOAD_S = 60
_OPENINGS = 2
_SENDING_S = 30
_LOOK_EVERY_MS = 500

# Runs in the page and calls back when what it shows has changed. The page tells, and is not asked: a question to a page that hangs is
# never answered, and Playwright 1.62 does not time it out either (seen with evaluate and wait_for_function, in both browsers).
# The names are the page's contract with its drivers.
_TELL = """
{
  const text = element => element?.textContent.trim().replace(/\\s+/g, " ") ?? "";
  const leaves = element => element.children.length ? [...element.children].flatMap(leaves) : [element];
  let before;
  setInterval(() => {
    const root = document.documentElement;
    const now = JSON.stringify({
      state: root.dataset.state,
      progress: text(document.querySelector("#progress")),
      problem: [...document.querySelectorAll("[role=alert]")].flatMap(leaves).map(text).filter(Boolean).join("; "),
      rows: [...document.querySelectorAll("#results tbody tr[data-run-id]")].map(row => ({
        run_id: row.dataset.runId,
        model: row.dataset.model,
        backend: row.dataset.backend,
        threads: row.dataset.threads,
        outcome: row.dataset.outcome,
        median_ms: text(row.querySelector("[data-field=median_ms]")),
        notes: text(row.querySelector("[data-field=notes]")),
      })),
      failed: Number(root.dataset.runsFailed ?? 0),
      unsent: Number(root.dataset.runsUnsent ?? 0),
    });
    if (root.dataset.state && now !== before) tellFleet(before = now);
  }, 500);
}
"""
# A driven browser has a fresh profile each time, so the page would take it for another device each time.
_REMEMBER_DEVICE = (
    "try { localStorage.setItem('browser-zoo.device-id', %s) } catch { /* about:blank has no storage */ }"
)
_SNAPSHOT = TypeAdapter(Snapshot)

Report = Callable[[Snapshot], None]


class Stopped(Exception):  # noqa: N818 - it is no error: somebody asked for it
    """The measurement was stopped from outside."""


@contextlib.contextmanager
def page_in(playwright: Playwright, browser: LocalBrowser, *, swiftshader: bool = False) -> Iterator[Page]:
    """A page in a fresh profile of this machine's browser. Raises ZooError if the browser does not start."""
    try:
        running = browser.launch(playwright, swiftshader=swiftshader)
    except Error as error:
        raise ZooError(
            f"{browser.kind} does not start",
            got=_first_line(error),
            expected=f"{browser.executable} to start without a window",
            next_step="run: make setup; or name another browser with ZOO_CHROMIUM or ZOO_FIREFOX",
        ) from error
    try:
        yield browser.new_context(running).new_page()
    finally:
        # One that crashed cannot be closed; that it crashed is told already.
        with contextlib.suppress(Error):
            running.close()


def measure(
    page: Page, job: Job, report: Report, *, patience_s: float = PATIENCE_S, stop: Callable[[], bool] = lambda: False
) -> Outcome:
    """Open the page with `job`, call `report` whenever what it shows has changed, and return what came of it.

    Works on any page of Playwright's, wherever its browser runs. A page that does not come up is opened once more. Raises ZooError if
    the server or the page cannot be used, if the page refuses the job, if it crashes, and if it shows nothing new for `patience_s`
    seconds; raises Stopped soon after `stop()` has become true. Runs that were over by then are stored.
    """
    watch = _Watch(page)
    page.add_init_script(_REMEMBER_DEVICE % json.dumps(_device_id(page, job)))
    _open(page, job, watch, stop)
    last = _follow(watch, report, patience_s, stop)
    if last.state == "invalid":
        raise ZooError(
            "the page refuses this job",
            got=last.problem or last.progress or "no reason shown",
            expected="models, backends and numbers that the page knows",
            next_step=f"correct the options, or open {job.url()} in a browser to see the choices",
        )
    timed = sum(row.outcome == "ok" for row in last.rows)
    return Outcome(timed=timed, failed=last.failed, unsent=last.unsent)


def _device_id(page: Page, job: Job) -> str:
    """The same for the same name, browser and machine."""
    browser = page.context.browser
    kind = browser.browser_type.name if browser else ""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"browser-zoo:{platform.node()}/{kind}/{job.device_name}"))


class _Watch:
    """Collects what a page tells, from its first script on."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._told: deque[str] = deque()
        self._thrown: list[str] = []
        self._crashed = False
        self.shown = "nothing"
        page.on("pageerror", lambda error: self._thrown.append(error.message))
        page.on("crash", self._note_crash)
        page.expose_function("tellFleet", lambda text: self._told.append(text))
        page.add_init_script(_TELL)

    def look(self) -> list[Snapshot]:
        """What the page has told since the last look, after a moment's wait. Raises ZooError if the page is gone."""
        self._wait()
        snapshots = [_SNAPSHOT.validate_json(text) for text in self._told]
        self._told.clear()
        if snapshots:
            self.shown = snapshots[-1].progress or snapshots[-1].state
        return snapshots

    def is_up(self) -> bool:
        """Whether the page has told, a moment from now, that it is not loading any more; `look` still gives that."""
        self._wait()
        if self._told:
            self.shown = _SNAPSHOT.validate_json(self._told[-1]).state
        return self.shown not in ("nothing", "loading")

    def begin(self) -> None:
        """The page is opened anew: what it told before does not count."""
        self._told.clear()
        self.shown = "nothing"

    def _wait(self) -> None:
        try:
            self._page.wait_for_timeout(_LOOK_EVERY_MS)
        except Error as error:
            raise self.trouble(f"the page or its browser is gone ({_first_line(error)})") from error
        if self._crashed and not self._told:
            raise self.trouble("the page crashed")

    def trouble(self, what: str) -> ZooError:
        """The error that says `what` ended the page, and what the page showed and threw before."""
        got = [what, f"it showed last: {self.shown}", *(f"it threw: {message}" for message in self._thrown)]
        return ZooError(
            "the page did not come to an end",
            got="; ".join(got),
            expected="the page to go on until every run is over",
            next_step="runs that were over are stored; run the rest again, one model at a time (--models) to find the one that does it",
        )

    def _note_crash(self, page: Page) -> None:
        self._crashed = True


def _open(page: Page, job: Job, watch: _Watch, stop: Callable[[], bool]) -> None:
    """Open the page, until it has left `loading`.

    Firefox 153 under WebDriver BiDi now and then never delivers a document or a script (about 1 of 40 pages), so a page that shows
    nothing for a minute is opened once more.
    """
    for opening in range(_OPENINGS):
        if opening:
            _leave(page)
        watch.begin()
        deadline = time.monotonic() + _LOAD_S
        trouble = _trouble_opening(page, job)
        while not trouble and time.monotonic() < deadline:
            if stop():
                raise Stopped
            if watch.is_up():
                return
        if trouble:
            raise _unusable(job, trouble)
    showed = "does not say data-state" if watch.shown == "nothing" else f"stays at data-state={watch.shown}"
    raise _unusable(job, f"a page that {showed} for {_LOAD_S} s, opened {_OPENINGS} times")


def _leave(page: Page) -> None:
    """Break off what the page still waits for: Chromium else reports the end of that navigation as the failure of the next one."""
    with contextlib.suppress(Error):
        page.goto("about:blank", timeout=_LOAD_S * 1000)


def _trouble_opening(page: Page, job: Job) -> str:
    """Ask for the page. What is wrong with the answer; nothing, if it is right or has not come in time."""
    try:
        response = page.goto(job.url(), timeout=_LOAD_S * 1000, wait_until="commit")
    except PlaywrightTimeout:
        return ""
    except Error as error:
        return _first_line(error)
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


def _follow(watch: _Watch, report: Report, patience_s: float, stop: Callable[[], bool]) -> Snapshot:
    """Report each change of the page up to the state that ends it; that last one.

    The page tries again by itself to send what the server has not got, and its profile ends with it: it is given time for that.
    """
    changed = time.monotonic()
    ended: Snapshot | None = None
    while not stop():
        for snapshot in watch.look():
            report(snapshot)
            changed = time.monotonic()
            if snapshot.state == "invalid" or (snapshot.state == "done" and snapshot.unsent == 0):
                return snapshot
            ended = snapshot if snapshot.state == "done" else None
        if ended and time.monotonic() - changed > _SENDING_S:
            return ended
        if time.monotonic() - changed > patience_s:
            raise watch.trouble(f"nothing new for {patience_s:g} s")
    raise Stopped


def _first_line(error: Error) -> str:
    return error.message.strip().splitlines()[0]
