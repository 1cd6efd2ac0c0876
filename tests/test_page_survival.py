"""A page that is ended in the midst of a run, by the system or by a person: what was measured stays, and the rest is measured."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shlex
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Error, Page, expect

from tests.conftest import Serve
from tests.support.pages import counts, fake_address, rows, wait_until_done
from tests.support.proxy import network_to
from tests.support.server_here import Served

THREE = "echo,echo_ssd,echo_boxes"
SLOW = {"pace_ms": 150}
SAMPLES = 20  # so that there is time to end a page while it takes them
ENDED = "The browser or the system ended the page during this run"
OPENED_SOON_MS = 30_000
TABS_TO_TRY = 5

# Every count of runs that the panel shows.
FOLLOW = """
window.told = [];
addEventListener('DOMContentLoaded', () => {
  const place = document.querySelector('#progress-count');
  new MutationObserver(() => place.textContent && told.push(place.textContent)).observe(place, {childList: true});
});
"""

Killer = Callable[[Page], None]


@pytest.fixture
def profile(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    browser_context_args: dict[str, Any],
    tmp_path: Path,
) -> Iterator[BrowserContext]:
    """A browser of its own with a profile on the disk, as people have it.

    Playwright has Firefox end with the first of its processes that does; people's does not.
    """
    started = tmp_path / "started"
    quoted = shlex.quote(str(browser_type_launch_args["executable_path"]))
    started.write_text(f'#!/bin/sh\nunset MOZ_CRASHREPORTER_SHUTDOWN\nexec {quoted} "$@"\n')
    started.chmod(0o755)
    options = {**browser_type_launch_args, **browser_context_args, "executable_path": started}
    context = browser_type.launch_persistent_context(tmp_path / "profile", **options)
    yield context
    context.close()


@pytest.fixture
def server(serve: Serve, tiny_zoo: Path) -> Served:
    return serve(tiny_zoo, accept_fake=True)


def content_processes(profile: Path) -> set[int]:
    """The processes in which Firefox draws and runs the pages of this profile."""
    parents, commands = {}, {}
    for folder in Path("/proc").iterdir():
        # One that ends while this looks has nothing to read any more.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            process = int(folder.name)
            commands[process] = (folder / "cmdline").read_bytes().decode(errors="replace")
            parents[process] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
    ours = {process for process, command in commands.items() if str(profile) in command}
    while more := {process for process, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return {process for process in ours if "-isForBrowser" in commands[process]}


@pytest.fixture
def end(browser_name: str, tmp_path: Path) -> Killer:
    """Ends the process that draws and runs the page, as a system does that wants its memory; the page hears nothing of it."""

    def crash(page: Page) -> None:
        with page.expect_event("crash"), contextlib.suppress(Error):
            page.goto("chrome://crash")

    def kill(page: Page) -> None:
        found = content_processes(tmp_path / "profile")
        assert found
        for process in found:
            os.kill(process, signal.SIGKILL)

    return crash if browser_name == "chromium" else kill


def opened_after_a_kill(profile: BrowserContext) -> Page:
    """Playwright 1.62 now and then cannot hold a Firefox tab whose process ended while it was opened; the next tab it can."""
    for _ in range(TABS_TO_TRY - 1):
        try:
            return profile.new_page()
        except Error:
            time.sleep(1)
    return profile.new_page()


def timings(server: Served) -> list[dict[str, str]]:
    with urllib.request.urlopen(f"{server.url}/api/timings.csv") as reply:
        return list(csv.DictReader(io.StringIO(reply.read().decode(), newline="")))


def until_sampling(page: Page) -> None:
    expect(page.locator("#progress-detail")).to_contain_text("ample", timeout=OPENED_SOON_MS)


def test_the_run_that_ended_its_page_is_recorded_and_the_rest_is_timed(
    profile: BrowserContext, server: Served, end: Killer
) -> None:
    address = fake_address(server.url, SLOW, models=THREE, iterations=SAMPLES)
    page = profile.new_page()
    page.goto(address)
    until_sampling(page)
    end(page)

    again = opened_after_a_kill(profile)
    again.add_init_script(FOLLOW)
    again.goto(address)
    wait_until_done(again)
    assert counts(again) == (3, 1, 0)
    told = again.evaluate("told")
    assert "0 of 3 runs over" in told
    assert "1 of 3 runs over" in told
    assert "2 of 3 runs over" in told
    assert told == sorted(told)
    expect(again.locator("#progress-run")).to_have_text("2 of 3 runs timed, 1 failed")
    expect(rows(again)).to_have_count(3)
    expect(again.locator("tr[data-outcome=failed]")).to_contain_text(ENDED)
    stored = timings(server)
    assert sorted(row["model"] for row in stored) == ["echo", "echo_boxes", "echo_ssd"]
    (failed,) = [row for row in stored if row["error_stage"]]
    assert failed["error_stage"] == "sampling"
    assert failed["error_message"].startswith(ENDED)
    assert "memory" in failed["error_message"]
    assert (failed["n"], failed["order_mode"], failed["wake_lock"]) == ("0", "interleaved", "")
    rest = [row for row in stored if not row["error_stage"]]
    assert [(row["n"], row["order_mode"]) for row in rest] == [(str(SAMPLES), "sequential")] * 2
    assert all("ended by the browser or the system" in row["order_reason"] for row in rest)
    assert len({row["batch_id"] for row in stored}) == 1
    assert {row["order_position"] for row in stored} == {"1", "2", "3"}


def test_what_was_over_before_is_neither_lost_nor_done_again(
    profile: BrowserContext, server: Served, end: Killer
) -> None:
    address = fake_address(server.url, SLOW, models=THREE, iterations=SAMPLES, order="sequential")
    page = profile.new_page()
    page.goto(address)
    expect(page.locator("tr[data-outcome=ok]")).to_have_count(1, timeout=OPENED_SOON_MS)
    expect(page.locator("tr[data-outcome=running]")).to_have_count(1, timeout=OPENED_SOON_MS)
    first = page.locator("tr[data-outcome=ok]").get_attribute("data-run-id")
    until_sampling(page)
    end(page)

    again = opened_after_a_kill(profile)
    again.goto(server.url)  # Without autorun: a person opens the page again.
    wait_until_done(again)
    assert counts(again) == (2, 1, 0)
    stored = timings(server)
    assert [bool(row["error_stage"]) for row in stored] == [False, True, False]
    assert stored[0]["run_id"] == first
    assert len({row["model"] for row in stored}) == 3
    again.reload()
    again.wait_for_selector("html[data-state=ready]")
    expect(again.locator("#left-behind")).to_be_hidden()


def test_a_page_that_was_left_claims_no_failure_and_offers_the_rest(profile: BrowserContext, server: Served) -> None:
    page = profile.new_page()
    page.goto(fake_address(server.url, SLOW, models=THREE, iterations=SAMPLES))
    until_sampling(page)
    page.goto(server.url)
    page.wait_for_selector("html[data-state=ready]")
    expect(page.locator("#left-behind")).to_contain_text("3 runs of an earlier visit not measured")
    expect(page.locator("#left-behind")).to_contain_text("echo_boxes on WebAssembly")
    assert timings(server) == []
    page.reload()
    page.get_by_role("button", name="Go on with them").click()
    wait_until_done(page)
    expect(page.locator("#left-behind")).to_be_hidden()
    stored = timings(server)
    assert [(row["n"], row["error_stage"], row["order_mode"]) for row in stored] == [
        (str(SAMPLES), "", "sequential")
    ] * 3
    assert all("the page that measured the runs before was left" in row["order_reason"] for row in stored)


def test_an_offer_can_be_turned_down(profile: BrowserContext, server: Served) -> None:
    page = profile.new_page()
    page.goto(fake_address(server.url, SLOW, iterations=SAMPLES))
    until_sampling(page)
    page.goto(server.url)
    page.get_by_role("button", name="Forget them").click()
    expect(page.locator("#left-behind")).to_be_hidden()
    page.reload()
    page.wait_for_selector("html[data-state=ready]")
    expect(page.locator("#left-behind")).to_be_hidden()
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes('journal'))") == []


def test_an_address_that_is_opened_again_begins_again(profile: BrowserContext, server: Served) -> None:
    page = profile.new_page()
    page.goto(fake_address(server.url, SLOW, iterations=SAMPLES))
    until_sampling(page)
    page.reload()
    wait_until_done(page)
    assert counts(page) == (1, 0, 0)
    expect(page.locator("#left-behind")).to_be_hidden()
    assert [row["order_mode"] for row in timings(server)] == ["alone"]


def test_a_run_that_was_alone_is_gone_on_with_alone(profile: BrowserContext, server: Served) -> None:
    page = profile.new_page()
    page.goto(fake_address(server.url, SLOW, iterations=SAMPLES))
    until_sampling(page)
    page.goto(server.url)
    page.get_by_role("button", name="Go on with them").click()
    wait_until_done(page)
    assert [(row["n"], row["order_mode"], row["order_reason"]) for row in timings(server)] == [
        (str(SAMPLES), "alone", "")
    ]
    expect(page.locator("#progress-run")).to_have_text("1 of 1 runs timed")


FULL = """
const set = Storage.prototype.setItem;
Storage.prototype.setItem = function (key, text) {
  if (key.endsWith('.progress') && text.includes('"active":{')) throw new DOMException('full', 'QuotaExceededError');
  return set.call(this, key, text);
};
"""


def test_progress_that_cannot_be_written_is_told_and_never_believed(page: Page, server: Served) -> None:
    page.add_init_script(FULL)
    page.goto(fake_address(server.url, SLOW, models=THREE, iterations=SAMPLES))
    until_sampling(page)
    expect(page.locator("#problems")).to_contain_text("these runs cannot be gone on with")
    expect(page.locator("#problems li")).to_have_count(1)
    expect(page.locator("#problems")).to_contain_text("full")
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes('journal'))") == []
    wait_until_done(page)
    assert counts(page) == (3, 0, 0)


def test_a_stopped_batch_leaves_nothing_behind(profile: BrowserContext, server: Served) -> None:
    page = profile.new_page()
    page.goto(fake_address(server.url, SLOW, models=THREE, iterations=SAMPLES))
    until_sampling(page)
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    page.goto(server.url)
    page.wait_for_selector("html[data-state=ready]")
    expect(page.locator("#left-behind")).to_be_hidden()


@pytest.mark.parametrize("is_secure", [True, False], ids=["with locks", "without locks"])
def test_a_batch_of_a_living_tab_is_left_alone(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    browser_context_args: dict[str, Any],
    server: Served,
    *,
    is_secure: bool,
) -> None:
    with network_to(server.url) as network:
        options = {**browser_type_launch_args}
        if not is_secure:
            options["proxy"] = {"server": network.url}
        browser = browser_type.launch(**options)
        context = browser.new_context(**browser_context_args)
        origin = server.url if is_secure else "http://zoo.test"
        page = context.new_page()
        page.goto(fake_address(origin, SLOW, iterations=40))
        until_sampling(page)
        assert page.evaluate("isSecureContext") == is_secure
        other = context.new_page()
        other.goto(origin)
        other.wait_for_selector("html[data-state=ready]")
        expect(other.locator("#left-behind")).to_be_hidden()
        other.close()
        page.bring_to_front()
        wait_until_done(page)
        browser.close()
    assert [row["error_stage"] for row in timings(server)] == [""]


# Playwright 1.62 opens no further tab in a Firefox whose content processes were all ended twice.
@pytest.mark.only_browser("chromium")
def test_a_batch_that_ends_its_page_again_and_again_is_left_to_a_person(
    profile: BrowserContext, server: Served, end: Killer
) -> None:
    """Each run hangs, and its page is ended: once, and after each of three resumptions."""
    hanging = {"faults": {"1": "hang"}}
    address = fake_address(server.url, hanging, models="echo", repeat=6)
    for ended in range(4):
        page = profile.new_page()
        page.goto(address)
        expect(page.locator("tr[data-outcome=failed]")).to_have_count(min(ended, 1), timeout=OPENED_SOON_MS)
        expect(page.locator("#progress-detail")).to_contain_text("Warming up", timeout=OPENED_SOON_MS)
        end(page)
    page = profile.new_page()
    page.goto(address)
    wait_until_done(page)
    assert counts(page) == (1, 1, 0)
    expect(page.locator("#left-behind")).to_contain_text("2 runs of an earlier visit not measured")
    stored = timings(server)
    assert [row["error_stage"] for row in stored] == ["warm_up"] * 4
    assert len({row["run_id"] for row in stored}) == 4
