"""Driving a page, in a real browser: small pages that keep the contract of data-state, each with another fate."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page

from builder.errors import ZooError
from fleet import drive
from fleet.browsers import LocalBrowser
from fleet.records import Job, Outcome, Row, Snapshot
from tests.support.aio import Loop, launched, running_loop

ROW = '<tr data-run-id="{0}" data-model="echo" data-backend="wasm" data-threads="2" data-outcome="{1}"><td data-field="median_ms">{2}</td>'
SKELETON = """<!doctype html><html data-state="loading"><link rel="icon" href="data:,"><p id="progress"></p>
<table id="results"><tbody></tbody></table><script>
const root = document.documentElement, progress = document.querySelector("#progress"), body = document.querySelector("tbody");
const steps = [%s];
const next = () => { const step = steps.shift(); if (step) { step(); setTimeout(next, 700); } };
next();
</script>"""

Host = Callable[[str], str]


@dataclass
class Drive:
    """`drive.measure`, in a page of its own."""

    loop: Loop
    browser: Browser
    page: Page
    later: asyncio.Future[Any] | None = None

    def __call__(self, job: Job, report: drive.Report, **options: Any) -> Outcome:
        return self.loop.run(drive.measure(self.page, job, report, **options))

    def soon(self, work: Coroutine[Any, Any, Any]) -> None:
        """For a report, which runs in the loop itself."""
        self.later = asyncio.ensure_future(work)


@pytest.fixture(scope="module")
def loop_and_browser(local_browser: LocalBrowser) -> Iterator[tuple[Loop, Browser]]:
    with running_loop() as loop:
        stack = contextlib.AsyncExitStack()
        browser = loop.run(stack.enter_async_context(launched(loop, local_browser)))
        yield loop, browser
        loop.run(stack.aclose())


@pytest.fixture
def drive_page(loop_and_browser: tuple[Loop, Browser], local_browser: LocalBrowser) -> Iterator[Drive]:
    loop, browser = loop_and_browser
    context = loop.run(browser.new_context(**local_browser.context_options()))
    yield Drive(loop, browser, loop.run(context.new_page()))
    loop.run(context.close())


def page_that(*steps: str) -> str:
    """A page that does these steps of JavaScript one after the other, slowly enough for each to be seen."""
    return SKELETON % ", ".join(f"() => {{ {step} }}" for step in steps)


def show(row_id: str, outcome: str, median: str = "") -> str:
    return f"body.innerHTML += `{ROW.format(row_id, outcome, median)}`"


@pytest.fixture
def host() -> Iterator[Host]:
    """Serves one document for every path, and returns the address."""
    servers: list[tuple[http.server.ThreadingHTTPServer, threading.Thread]] = []

    def start(document: str) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if document else 500)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(document.encode() or b"it broke")

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing: pytest shows enough."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_every_change_is_reported_up_to_the_end(drive_page: Drive, host: Host) -> None:
    address = host(
        page_that(
            "root.dataset.state = 'running'; progress.textContent = ' sample  1 of 2 '",
            show("one", "ok", "12.5"),
            "Object.assign(root.dataset, {state: 'done', runsDone: 1, runsFailed: 0, runsUnsent: 0})",
        )
    )
    seen: list[Snapshot] = []
    outcome = drive_page(Job(address, "here", models=("echo",), iterations=2), seen.append, patience_s=20)
    assert outcome == Outcome(timed=1, failed=0, unsent=0)
    assert outcome.succeeded
    assert seen[-1].state == "done"
    assert "sample 1 of 2" in [snapshot.progress for snapshot in seen]
    assert seen[-1].finished() == (Row("one", "echo", "wasm", "2", "ok", "12.5", ""),)
    assert parse_qs(urlsplit(drive_page.page.url).query)["models"] == ["echo"]


def test_runs_that_are_sent_late_are_waited_for(drive_page: Drive, host: Host) -> None:
    """The page tries again by itself, and a driven browser's profile is gone when it is closed."""
    done = "Object.assign(root.dataset, {state: 'done', runsDone: 1, runsFailed: 0, runsUnsent: 1})"
    address = host(page_that(show("one", "ok", "1"), done, "", "", "root.dataset.runsUnsent = 0"))
    outcome = drive_page(Job(address, "here"), lambda snapshot: None, patience_s=20)
    assert outcome == Outcome(timed=1, failed=0, unsent=0)


def test_failed_and_unsent_runs_are_no_success(drive_page: Drive, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_SENDING_S", 2)
    done = "Object.assign(root.dataset, {state: 'done', runsDone: 3, runsFailed: 1, runsUnsent: 2})"
    address = host(page_that(show("one", "ok", "1") + ";" + show("two", "failed"), done))
    outcome = drive_page(Job(address, "here"), lambda snapshot: None, patience_s=20)
    assert outcome == Outcome(timed=1, failed=1, unsent=2)
    assert not outcome.succeeded


def test_a_page_that_measured_nothing_is_no_success(drive_page: Drive, host: Host) -> None:
    address = host(page_that("Object.assign(root.dataset, {state: 'done', runsFailed: 0, runsUnsent: 0})"))
    assert not drive_page(Job(address, "here"), lambda snapshot: None, patience_s=20).succeeded


def test_a_refused_job_is_told_in_the_pages_words(drive_page: Drive, host: Host) -> None:
    parts = "<h2>unknown here</h2><ul><li>models: got lenet, choices are echo</li></ul>"
    alert = f"document.body.insertAdjacentHTML('beforeend', '<p role=alert>no</p><div role=alert>{parts}</div>')"
    address = host(page_that(f"{alert}; root.dataset.state = 'invalid'"))
    with pytest.raises(ZooError, match="the page refuses this job") as raised:
        drive_page(Job(address, "here"), lambda snapshot: None, patience_s=20)
    assert raised.value.got == "no; unknown here; models: got lenet, choices are echo"


def test_a_page_that_falls_silent_is_given_up(drive_page: Drive, host: Host) -> None:
    address = host(
        page_that("root.dataset.state = 'running'; progress.textContent = 'sample 7 of 30'", "throw Error('bang')")
    )
    with pytest.raises(ZooError, match="the page did not come to an end") as raised:
        drive_page(Job(address, "here"), lambda snapshot: None, patience_s=2)
    assert raised.value.got == "nothing new for 2 s; it showed last: sample 7 of 30; it threw: bang"


def test_a_page_that_hangs_is_given_up(
    loop_and_browser: tuple[Loop, Browser], local_browser: LocalBrowser, host: Host
) -> None:
    """In a browser of its own, which is ended: a page that hangs does not hear that it is to close."""
    loop, _ = loop_and_browser
    address = host(page_that("root.dataset.state = 'running'", "for (;;);"))

    async def hang() -> None:
        async with launched(loop, local_browser) as browser:
            page = await (await browser.new_context(**local_browser.context_options())).new_page()
            await drive.measure(page, Job(address, "here"), lambda snapshot: None, patience_s=3)

    with pytest.raises(drive.VisitLostError, match="the page did not come to an end") as raised:
        loop.run(hang())
    assert raised.value.got == "nothing new for 3 s; it showed last: running"
    assert raised.value.last is not None
    assert not raised.value.page_crashed


def test_a_page_that_is_closed_is_told(drive_page: Drive, host: Host) -> None:
    address = host(page_that("root.dataset.state = 'running'; progress.textContent = 'warm-up'"))
    with pytest.raises(ZooError, match="the page did not come to an end") as raised:
        drive_page(Job(address, "here"), lambda snapshot: drive_page.soon(drive_page.page.close()), patience_s=20)
    assert "the page or its browser is gone" in raised.value.got


@pytest.mark.only_browser("chromium")
def test_a_page_whose_process_dies_is_told_at_once(drive_page: Drive, host: Host) -> None:
    async def kill() -> None:
        session = await drive_page.browser.new_browser_cdp_session()
        for process in (await session.send("SystemInfo.getProcessInfo"))["processInfo"]:
            if process["type"] == "renderer":
                os.kill(process["id"], signal.SIGKILL)

    address = host(page_that("root.dataset.state = 'running'"))
    with pytest.raises(ZooError, match="the page did not come to an end") as raised:
        drive_page(Job(address, "here"), lambda snapshot: drive_page.soon(kill()), patience_s=60)
    assert "crashed" in raised.value.got
    assert isinstance(raised.value, drive.VisitLostError)
    assert raised.value.page_crashed


def test_a_server_that_answers_with_an_error_is_told(drive_page: Drive, host: Host) -> None:
    with pytest.raises(ZooError, match="cannot be used") as raised:
        drive_page(Job(host(""), "here"), lambda snapshot: None)
    assert "status 500" in raised.value.got


def test_a_server_that_is_not_there_is_told(drive_page: Drive, host: Host) -> None:
    with pytest.raises(ZooError, match=r"the page at http://127\.0\.0\.1:2 cannot be used") as raised:
        drive_page(Job("http://127.0.0.1:2", "here"), lambda snapshot: None)
    assert "python server.py" in raised.value.next_step


def test_another_projects_page_is_told(drive_page: Drive, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_LOAD_S", 2)
    with pytest.raises(ZooError, match="cannot be used") as raised:
        drive_page(Job(host("<!doctype html><link rel=icon href='data:,'><h1>Welcome</h1>"), "here"), lambda s: None)
    assert raised.value.got == "a page that does not say data-state for 2 s, opened 2 times"


def test_a_page_that_never_comes_up_is_told(drive_page: Drive, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_LOAD_S", 5)
    with pytest.raises(ZooError, match="cannot be used") as raised:
        drive_page(Job(host(page_that("progress.textContent = 'warm-up'")), "here"), lambda s: None)
    assert raised.value.got == "a page that stays at data-state=loading for 5 s, opened 2 times"


def test_it_can_be_cancelled_while_a_page_does_not_come_up(drive_page: Drive, host: Host) -> None:
    async def briefly() -> None:
        async with asyncio.timeout(2):
            await drive.measure(drive_page.page, Job(host(page_that("")), "here"), lambda snapshot: None)

    with pytest.raises(TimeoutError):
        drive_page.loop.run(briefly())


def test_a_silent_page_whose_machine_is_gone_is_given_up_early(
    drive_page: Drive, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "_SILENCE_S", 1)
    asked: list[bool] = []

    async def reachable() -> bool:
        asked.append(len(asked) < 2)
        return asked[-1]

    address = host(page_that("root.dataset.state = 'running'"))
    with pytest.raises(drive.VisitLostError) as raised:
        drive_page(Job(address, "here"), lambda snapshot: None, patience_s=300, reachable=reachable)
    assert asked == [True, True, False]
    assert "its machine does not answer any more" in raised.value.got


MODULE_PAGE = """<!doctype html><html data-state="loading"><link rel="icon" href="data:,"><p id="progress"></p>
<script type="module" src="main.js"></script>"""
DONE = "Object.assign(document.documentElement.dataset, {state: 'done', runsDone: 0, runsFailed: 0, runsUnsent: 0})"


@pytest.mark.parametrize("stalling", ["/", "/main.js"])
def test_a_page_whose_document_or_script_stalls_is_opened_once_more(
    drive_page: Drive, monkeypatch: pytest.MonkeyPatch, stalling: str
) -> None:
    """As Firefox does it now and then: the answer to the first request never comes, the one to the second does."""
    monkeypatch.setattr(drive, "_LOAD_S", 6)
    asked: list[str] = []
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            asked.append(path)
            if path == stalling and asked.count(path) == 1:
                over.wait(60)
                return
            body, kind = (MODULE_PAGE, "text/html") if path == "/" else (DONE, "text/javascript")
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: pytest shows enough."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        job = Job(f"http://127.0.0.1:{server.server_address[1]}", "here")
        outcome = drive_page(job, lambda snapshot: None, patience_s=20)
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
    assert outcome == Outcome(timed=0, failed=0, unsent=0)
    assert asked.count(stalling) == 2
