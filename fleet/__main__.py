"""python -m fleet: drive browsers through the page's measurements."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from playwright.sync_api import sync_playwright
from rich.console import Console

from builder.errors import ZooError
from fleet.browsers import KINDS, find, need
from fleet.config import ListBrowsers, RunJob, parse
from fleet.drive import Stopped, measure, page_in
from fleet.progress import Progress
from fleet.records import Outcome


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for; the exit status."""
    request = parse(arguments)
    try:
        return _list() if isinstance(request, ListBrowsers) else _run(request)
    except ZooError as error:
        print(error, file=sys.stderr)
        return 1


def _list() -> int:
    """Start each browser, so that what is listed is known to work."""
    with sync_playwright() as playwright:
        for kind in KINDS:
            browser = find(kind)
            if browser is None:
                print(f"{kind:10}none; make setup installs one")
                continue
            with page_in(playwright, browser) as page:
                version = page.context.browser.version if page.context.browser else "unknown"
                print(f"{kind:10}{version:20}{browser.executable}")
    return 0


def _run(request: RunJob) -> int:
    with _ctrl_c_noticed() as pressed:
        try:
            outcome = _measure(request, pressed.is_set)
        except Stopped:
            print("stopped; runs that were over are stored", file=sys.stderr)
            return 130
    print(f"{request.job.device_name}: {outcome.timed} timed, {outcome.failed} failed, {outcome.unsent} not sent")
    if not outcome.succeeded:
        raise _failure(outcome)
    return 0


def _measure(request: RunJob, stop: Callable[[], bool]) -> Outcome:
    browser = need(request.kind)
    progress = Progress(Console(), request.job.device_name)
    with (
        sync_playwright() as playwright,
        page_in(playwright, browser, swiftshader=request.swiftshader) as page,
        progress,
    ):
        return measure(page, request.job, progress, patience_s=request.patience_s, stop=stop)


@contextlib.contextmanager
def _ctrl_c_noticed() -> Iterator[threading.Event]:
    """Ctrl-C sets this event. Raised as KeyboardInterrupt in the midst of Playwright's event loop it would leave Playwright waiting for
    ever, about every second time. A second Ctrl-C ends the program there and then."""
    pressed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    before = signal.getsignal(signal.SIGINT)
    # Where it is switched off, as for a job in the background, it stays so.
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _failure(outcome: Outcome) -> ZooError:
    return ZooError(
        "not every run came to a timing that the server has",
        got=f"{outcome.timed} timed, {outcome.failed} failed, {outcome.unsent} not sent",
        expected="at least one timed, none failed, none not sent",
        next_step="the error column of /api/timings.csv says why a run failed; a run that was not sent must be run again",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
