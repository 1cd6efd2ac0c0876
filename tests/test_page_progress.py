"""While it measures, the page tells what is true: which run is on, how far each is, why nothing moves, and roughly when it ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Serve
from tests.support.pages import cells, counts, fake_address, rows, run_fake, stored, wait_until_done, wait_until_sent

SLOW = {"durations_ms": [20], "pace_ms": 40}
LONG_MS = 30_000
BOTH = {"models": "echo,echo_ssd", "iterations": 20}
LONG = {**BOTH, "iterations": 80}  # so that there is time to look, and to press a button, while they are measured


def test_runs_that_take_turns_are_all_running_and_one_is_on(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.goto(fake_address(serve(tiny_zoo, accept_fake=True).url, SLOW, **LONG))
    running = page.locator("tr[data-outcome=running]")
    expect(running).to_have_count(2, timeout=LONG_MS)
    for row in running.all():
        expect(row.locator("[data-field=n]")).to_have_text(re.compile(r"^\d+ of 80$"), timeout=LONG_MS)
    expect(page.locator("tr[data-on]")).to_have_count(1)
    expect(running.filter(has_text="measured now")).to_have_count(1)
    expect(running.filter(has_text="waits for its turn")).to_have_count(1)
    expect(page.locator("#progress-count")).to_have_text("0 of 2 runs over")
    expect(page.locator("#progress")).to_have_text(
        re.compile(r"Run [12] of 2: Echo.*, WebAssembly, 1 thread\s+Sample \d+ of 80")
    )
    wait_until_done(page)
    expect(page.locator("#progress")).to_have_text(re.compile("2 of 2 runs timed"))
    for row in rows(page).all():
        assert cells(row)["n"] == "80"
        assert cells(row)["notes"].startswith("in turns with others")


# Every value of the bar, and every text of the estimate, from now on.
FOLLOW = """() => {
  window.followed = {bar: [], left: []};
  const look = () => {
    followed.bar.push(document.querySelector('#progress-bar').value);
    followed.left.push(document.querySelector('#progress-left').textContent);
  };
  new MutationObserver(look).observe(document.querySelector('#live'), {subtree: true, childList: true, attributes: true, characterData: true});
}"""


def test_the_bar_only_grows_and_the_time_left_is_said_once_it_is_known(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.goto(fake_address(serve(tiny_zoo, accept_fake=True).url, SLOW, autorun=0, **BOTH))
    page.wait_for_selector("html[data-state=ready]")
    page.evaluate(FOLLOW)
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)
    followed = page.evaluate("followed")
    assert followed["bar"] == sorted(followed["bar"])
    assert 0 < followed["bar"][len(followed["bar"]) // 2] < 1
    told = [text for text in followed["left"] if text]
    assert told
    assert all(re.fullmatch(r"(a few seconds|about \d+ (s|min)) left", text) for text in told)
    assert followed["left"][0] == ""


def test_paused_nothing_moves_and_the_page_says_why(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(fake_address(server.url, SLOW, **LONG))
    expect(page.locator("#progress-detail")).to_have_text(re.compile("Sample"), timeout=LONG_MS)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("html")).to_have_attribute("data-paused", "")
    expect(page.locator("#said")).to_have_text(re.compile("^Paused"))
    expect(page.locator("#progress-left")).to_have_text("")
    before = [cells(row)["n"] for row in rows(page).all()]
    page.wait_for_timeout(700)
    assert [cells(row)["n"] for row in rows(page).all()] == before
    assert page.locator("html").get_attribute("data-state") == "running"
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#said")).to_be_hidden()
    wait_until_done(page)
    assert counts(page) == (2, 0, 0)
    assert [len(stored(server.url, row).samples) for row in rows(page).all()] == [80, 80]
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)


def test_a_paused_batch_can_be_stopped_and_keeps_what_was_proven(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(fake_address(server.url, SLOW, **LONG))
    for index in range(2):
        expect(rows(page).nth(index).locator("[data-field=n]")).to_have_text(re.compile("of 80"), timeout=LONG_MS)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#said")).to_have_text(re.compile("^Paused"))
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    wait_until_sent(page)
    assert counts(page) == (2, 0, 0)
    for row in rows(page).all():
        run = stored(server.url, row)
        assert run.stopped_by == "user"
        assert 0 < len(run.samples) < 80
        assert cells(row)["n"] == f"{len(run.samples)} of 80: stopped"
    expect(page.locator("#plot .chart-dots")).to_have_count(1)


def test_a_batch_can_follow_another_and_begins_with_a_clean_panel(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, SLOW, iterations=80)
    page.get_by_role("button", name="Time again").click()
    expect(page.locator("html")).to_have_attribute("data-state", "running")
    expect(page.locator("#progress-run")).to_have_text("Run 1 of 1: Echo, WebAssembly, 1 thread")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    wait_until_done(page)
    assert rows(page).count() == 2
    assert counts(page) == (1, 0, 0)


def test_what_a_screen_reader_hears_is_what_happened_and_not_every_step(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.goto(fake_address(serve(tiny_zoo, accept_fake=True).url, SLOW, autorun=0, **BOTH))
    page.wait_for_selector("html[data-state=ready]")
    page.evaluate(
        """() => {
          window.heard = [];
          const place = document.querySelector('#announcements');
          new MutationObserver(() => heard.push(place.textContent)).observe(place, {childList: true, characterData: true, subtree: true});
        }"""
    )
    assert page.locator("#live [aria-live]:not([aria-live=off]), #live [role=status]").count() == 1
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)
    heard = page.evaluate("heard")
    assert heard[-1] == "2 of 2 runs timed"
    assert len(heard) <= 4


@pytest.mark.browser_errors("Failed to load resource", "NetworkError")
def test_code_that_cannot_be_loaded_ends_the_batch_with_a_message(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.route("**/batch.js", lambda route: route.abort())
    page.goto(fake_address(serve(tiny_zoo, accept_fake=True).url, autorun=0))
    page.wait_for_selector("html[data-state=ready]")
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The runs ended before their time")
    expect(alert).to_contain_text("Next: reload the page and start again.")
    assert counts(page) == (0, 1, 0)
