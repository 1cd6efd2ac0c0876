"""The page in a fleet: what it tells drivers and the server of itself, and the page on which a fleet is watched."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.conftest import Serve
from tests.support.fleets import FLEET, fleet_line, fleet_table
from tests.support.pages import counts, fake_address, only_run, rows, run_fake, wait_until_done, wait_until_true
from tests.support.proxy import network_to, unreachable
from tests.test_page_design import LEAST_CONTRAST, VIEWPORTS, assert_no_sideways_scrolling

SLOW = {"durations_ms": [900, 20, 20, 20, 30], "pace_ms": 40}
EMULATED = "Pixel 7, CPU slowed 4 times"
OTHER = "33333333-4444-4555-8666-888888888888"
LONG_MS = 30_000


def read(server: str, path: str) -> Any:
    with urllib.request.urlopen(f"{server}{path}") as reply:
        return json.loads(reply.read())


def put(server: str, table: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{server}/api/fleets/{table['fleet_id']}",
        data=json.dumps(table).encode(),
        method="PUT",
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()


# ---- the page that measures ----


def test_a_run_says_which_fleet_and_what_is_emulated_and_how_far_the_clock_is_off(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, iterations=5, fleet=FLEET, device="A phone", emulated=EMULATED)
    run = only_run(page, server.url)
    assert (run.fleet_id, run.device.emulated, run.device.device_name) == (FLEET, EMULATED, "A phone")
    assert run.clock_offset_s is not None
    assert abs(run.clock_offset_s) < 30  # one clock, asked by a machine that may be busy
    assert "clock_skew" not in [warning.code for warning in run.warnings]
    assert len(read(server.url, f"/api/runs?fleet_id={FLEET}")["runs"]) == 1
    assert read(server.url, "/api/progress") == {"devices": []}  # it was not asked to tell


def test_without_a_fleet_a_run_names_none(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, iterations=1)
    run = only_run(page, server.url)
    assert (run.fleet_id, run.device.emulated) == (None, None)


@pytest.mark.parametrize(("ahead_s", "said"), [(3600, "ahead of"), (-3600, "behind")])
def test_a_clock_that_is_far_off_is_a_doubt_beside_the_run(
    page: Page, serve: Serve, tiny_zoo: Path, ahead_s: int, said: str
) -> None:
    page.add_init_script(f"const now = Date.now; Date.now = () => now() + {1000 * ahead_s};")
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, iterations=5)
    run = only_run(page, server.url)
    assert run.clock_offset_s == pytest.approx(ahead_s, abs=30)
    (message,) = [warning.message for warning in run.warnings if warning.code == "clock_skew"]
    assert re.search(rf"clock is 3[56]\d\d s {said} the server's", message)
    expect(rows(page).locator("[data-code=clock_skew]")).to_be_attached()
    assert [sample.duration_ms for sample in run.samples] == [1] * 5


def over(page: Page) -> dict[str, int]:
    """What #progress tells of a batch that is done: nothing of a run."""
    told: dict[str, str] = page.locator("#progress").evaluate("node => ({...node.dataset})")
    return {name: int(text) for name, text in told.items()}


def warnings_of(page: Page) -> list[int]:
    """How many each row tells; a machine that is busy adds to those that the test is about."""
    return [int(row.get_attribute("data-warnings") or "") for row in rows(page).all()]


def test_drivers_read_how_far_it_is_from_attributes(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    script = SLOW | {"durations_ms": [20]}
    page.goto(fake_address(serve(tiny_zoo, accept_fake=True).url, script, models="echo,echo_ssd", iterations=60))
    root, progress = page.locator("html"), page.locator("#progress")
    expect(root).to_have_attribute("data-runs", "2", timeout=LONG_MS)
    expect(progress).to_have_attribute("data-last-ms", "20", timeout=LONG_MS)
    expect(progress).to_have_attribute("data-remaining-s", re.compile(r"^\d+$"), timeout=LONG_MS)
    told = progress.evaluate("node => ({...node.dataset})")
    assert told["model"] in {"echo", "echo_ssd"}
    assert (told["backend"], told["samples"]) == ("wasm-1", "60")
    assert 0 < int(told["sample"]) <= 60
    assert {row.get_attribute("data-warnings") for row in rows(page).all()} <= {"0"}
    wait_until_done(page)
    assert over(page) == {"runsOver": 2, "runsFailed": 0, "warnings": sum(warnings_of(page))}
    assert root.get_attribute("data-runs-done") == "2"


def test_what_went_wrong_is_counted_anew_in_each_batch(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """Four samples are a doubt; a backend that cannot run is a failure, and the form does not offer it again."""
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, iterations=4, backends="wasm-1,wasm-4000")
    assert over(page) == {"runsOver": 2, "runsFailed": 1, "warnings": sum(warnings_of(page))}
    assert page.locator("tr[data-outcome=ok] [data-code]").count() == sum(warnings_of(page)) >= 1
    page.get_by_role("button", name="Time again").click()
    expect(rows(page)).to_have_count(3)
    wait_until_done(page)
    assert over(page) == {"runsOver": 1, "runsFailed": 0, "warnings": sum(warnings_of(page)[2:])}


# Whether what the server heard last of the only page is that state.
TOLD = "async state => (await (await fetch('/api/progress')).json()).devices[0]?.state === state"
# The bodies of what the page reports; Playwright does not show them of an installed Firefox.
RECORD_REPORTS = """
window.reports = [];
const whole = window.fetch;
window.fetch = (path, options) => {
  if (options?.method === 'POST' && path === '/api/progress') reports.push(options.body);
  return whole(path, options);
};
"""


def test_a_page_that_is_asked_to_tells_the_server_how_far_it_is(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.add_init_script(RECORD_REPORTS)
    # Something over five seconds: two reports in between at least.
    page.goto(fake_address(server.url, SLOW, iterations=120, fleet=FLEET, device="A phone", report=1))
    begun = page.evaluate("performance.now()")
    wait_until_done(page)
    took_s = (page.evaluate("performance.now()") - begun) / 1000
    wait_until_true(page, TOLD, "done")
    (device,) = read(server.url, f"/api/progress?fleet_id={FLEET}")["devices"]
    assert (device["device_name"], device["device_id"]) == ("A phone", only_run(page, server.url).device.device_id)
    assert (device["runs_over"], device["runs"], device["runs_failed"], device["model"]) == (1, 1, 0, None)
    told: list[dict[str, Any]] = [json.loads(body) for body in page.evaluate("reports")]
    states = [one["state"] for one in told]
    assert states == sorted(states, key=["ready", "running", "done"].index)
    assert (states[-1], states.count("done"), states.count("ready") <= 1) == ("done", 1, True)
    # One at once and then one every two seconds; a slow machine has fewer.
    assert 3 <= states.count("running") <= 2 + took_s / 2
    (under_way, *_) = [one for one in told if one["sample"]]
    assert (under_way["model"], under_way["backend"], under_way["samples"]) == ("echo", "wasm-1", 120)
    assert under_way["last_ms"] in {20, 30, 900}
    assert max(len(json.dumps(one)) for one in told) < 1000


@pytest.mark.browser_errors("Failed to load resource", "NetworkError")
@pytest.mark.parametrize("fault", ["refused", "away", "silent", "no code"])
def test_whatever_becomes_of_its_reports_a_page_times_as_it_would(
    page: Page, serve: Serve, tiny_zoo: Path, fault: str
) -> None:
    held: list[Route] = []
    what = {
        "refused": lambda route: route.fulfill(status=500, body="no"),
        "away": lambda route: route.abort(),
        "silent": lambda route: held.append(route),
        "no code": lambda route: route.abort() if "reporting.js" in route.request.url else route.continue_(),
    }[fault]
    page.route(re.compile("/api/progress|/reporting.js$") if fault == "no code" else "**/api/progress", what)
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [20], "pace_ms": 20}, iterations=10, fleet=FLEET, report=1)
    assert counts(page) == (1, 0, 0)
    run = only_run(page, server.url)
    assert (run.fleet_id, [sample.duration_ms for sample in run.samples]) == (FLEET, [20] * 10)
    assert page.get_by_role("alert").count() == 0


def test_a_page_that_cannot_do_what_its_address_asks_for_tells_that_too(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(fake_address(server.url, models="vgg", fleet=FLEET, report=1))
    expect(page.locator("html")).to_have_attribute("data-state", "invalid")
    wait_until_true(page, TOLD, "invalid")


# ---- the page on which a fleet is watched ----

RUNNING = fleet_line(
    state="running", model="mobilenet_v2", backend="wasm-2", sample=12, samples=30, last_ms=41.237, runs_over=3, warnings=2, remaining_s=130
)  # fmt: skip
GONE = fleet_line(device="kiosk", kind="command", browser=None, state="unreachable", runs_failed=1, note="<b>nothing</b> answers")  # fmt: skip


def in_state(page: Page, state: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-state", state)


def texts(page: Page, device: str) -> dict[str, str]:
    """A device's cells by field."""
    row = page.locator("#lines tbody tr", has=page.get_by_role("rowheader", name=device, exact=True))
    found: dict[str, str] = row.evaluate(
        "row => Object.fromEntries([...row.cells].map(c => [c.dataset.field, c.textContent]))"
    )
    return found


def test_without_a_fleet_it_says_how_to_start_one_and_shows_the_first_that_begins(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo)
    page.goto(f"{server.url}/fleet")
    in_state(page, "empty")
    expect(page.get_by_role("region", name="No fleet yet")).to_contain_text("python -m fleet run")
    put(server.url, fleet_table(RUNNING, GONE))
    in_state(page, "live")
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator("#summary")).to_have_text("2 devices: 1 running, 1 unreachable. 3 of 12 runs over, 1 failed.")
    running = texts(page, "Kim's laptop")
    assert re.fullmatch(r"\d\d:\d\d", running.pop("ends"))
    assert running == {
        "device": "Kim's laptop",
        "host": "here",
        "browser": "Chromium 156 (local)",
        "state": "running",
        "model": "mobilenet_v2",
        "backend": "wasm-2",
        "sample": "12 of 30",
        "last_ms": "41.2",
        "runs": "3 of 6",
        "runs_failed": "0",
        "warnings": "2",
        "note": "",
    }
    gone = texts(page, "kiosk")
    assert (gone["note"], gone["ends"], gone["sample"], gone["browser"]) == (
        "<b>nothing</b> answers",
        "",
        "",
        "command",
    )
    assert page.locator("#lines b").count() == 0


def test_it_follows_the_fleet_until_it_is_over(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    put(server.url, fleet_table(RUNNING, GONE))
    page.goto(f"{server.url}/fleet")
    in_state(page, "live")
    page.evaluate("document.querySelector('#lines tbody tr').dataset.mark = 'same row'")
    put(server.url, fleet_table(fleet_line(state="done", runs_over=6), over=True))
    in_state(page, "over")
    expect(page.locator("#summary")).to_have_text("Over. 1 device: 1 done. 6 of 6 runs over.")
    expect(page.get_by_role("status")).to_have_text("Over. 1 device: 1 done.")
    expect(page.locator("#lines tbody tr")).to_have_count(1)
    assert page.locator("#lines tbody tr").get_attribute("data-mark") == "same row"
    assert texts(page, "Kim's laptop")["ends"] == ""


def test_the_newest_fleet_is_shown_unless_another_one_is_named(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    put(server.url, fleet_table(fleet_line(device="early")))
    put(server.url, fleet_table(fleet_line(device="late"), fleet_id=OTHER, started_at="2026-11-22T02:00:00Z"))
    page.goto(f"{server.url}/fleet")
    expect(page.get_by_role("rowheader", name="late")).to_be_visible()
    page.goto(f"{server.url}/fleet?id={FLEET}")
    expect(page.get_by_role("rowheader", name="early")).to_be_visible()


@pytest.mark.browser_errors("Failed to load resource")
def test_a_fleet_that_the_server_does_not_know_is_waited_for(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.goto(f"{server.url}/fleet?id={FLEET}")
    in_state(page, "empty")
    expect(page.get_by_role("region", name="This fleet is not known here")).to_be_visible()
    put(server.url, fleet_table())
    in_state(page, "live")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?id=newest", "id=newest is not a UUID in lower case."),
        ("?fleet=1", "fleet is unknown here"),
        (f"?id={FLEET}&id={OTHER}", "id is unknown here, or stands twice"),
    ],
)
def test_an_address_that_is_off_is_named(page: Page, serve: Serve, tiny_zoo: Path, query: str, said: str) -> None:
    page.goto(f"{serve(tiny_zoo).url}/fleet{query}")
    in_state(page, "invalid")
    expect(page.get_by_role("alert")).to_contain_text(said)


@pytest.mark.browser_errors("Failed to load resource", "NetworkError")
def test_a_server_that_is_gone_is_said_and_what_was_known_stays(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    put(server.url, fleet_table(RUNNING))
    with network_to(server.url) as network:
        page.goto(f"{network.url}/fleet")
        in_state(page, "live")
        network.faults["/api/fleets"] = unreachable
        in_state(page, "away")
        expect(page.locator("#away")).to_contain_text(re.compile(r"The server is out of reach since \d\d:\d\d"))
        expect(page.get_by_role("status")).to_have_text("The server is out of reach.")
        assert texts(page, "Kim's laptop")["model"] == "mobilenet_v2"
        network.faults.clear()
        in_state(page, "live")
        expect(page.locator("#away")).to_be_hidden()


def test_a_command_that_is_silent_is_told(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """A table that is 20 s old, as the server would tell it."""
    table = fleet_table(RUNNING) | {"age_s": 20.0}
    page.route(f"**/api/fleets/{FLEET}", lambda route: route.fulfill(json=table))
    server = serve(tiny_zoo)
    put(server.url, fleet_table(RUNNING))
    page.goto(f"{server.url}/fleet")
    expect(page.locator("#told")).to_contain_text("Its command has been silent for about 20 s: it may have ended.")


def test_a_hidden_page_asks_nobody(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.goto(f"{server.url}/fleet")
    in_state(page, "empty")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.wait_for_timeout(4500)  # what was under way is over
    put(server.url, fleet_table())
    page.wait_for_timeout(2500)
    in_state(page, "empty")
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    in_state(page, "live")


LONG = "a_device_with_a_very_long_name_" * 6


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", VIEWPORTS, ids=["phone", "laptop"])
def test_it_fits_and_can_be_read(
    page: Page, serve: Serve, tiny_zoo: Path, browser_name: str, viewport: ViewportSize, scheme: str
) -> None:
    if browser_name == "chromium":
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    elif scheme == "dark":
        pytest.skip("Playwright cannot switch an installed Firefox to another colour scheme")
    page.set_viewport_size(viewport)
    server = serve(tiny_zoo)
    page.goto(f"{server.url}/fleet")
    in_state(page, "empty")
    assert_no_sideways_scrolling(page)
    lines = [RUNNING, GONE, fleet_line(device=LONG, host=LONG, state="done", runs_over=6, runs_failed=2), fleet_line()]
    put(server.url, fleet_table(*lines))
    in_state(page, "live")
    assert_no_sideways_scrolling(page)
    ratio, text = page.evaluate(LEAST_CONTRAST)
    assert ratio >= 4.5, text
    table = page.get_by_role("table", name="Devices of this fleet")
    expect(table).to_be_visible()
    expect(table.get_by_role("rowheader")).to_have_count(4)
    expect(table.get_by_role("cell", name="41.2")).to_be_visible()
    assert page.locator("[aria-live]:not([aria-live=off])").count() == 1


def test_it_can_be_reached_and_scrolled_with_the_keyboard(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    put(server.url, fleet_table(RUNNING))
    page.goto(f"{server.url}/")
    page.wait_for_selector("html[data-state=ready]")
    link = page.get_by_role("link", name="Fleets")
    assert link.get_attribute("target") == "_blank"  # to leave this page would end what is being timed
    with page.context.expect_page() as opened:
        link.press("Enter")
    fleet = opened.value
    in_state(fleet, "live")
    fleet.locator("#lines-scroll").focus()
    expect(fleet.get_by_role("region", name="Devices of this fleet")).to_be_focused()
