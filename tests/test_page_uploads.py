"""A run is sent as soon as it is over, and kept in the browser until the server has it."""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Serve
from tests.support.pages import counts, fake_address, rows, run_fake, stored, wait_until_done, wait_until_true
from tests.support.proxy import Answer, Network, network_to, unreachable
from tests.support.runs import fits

pytestmark = pytest.mark.browser_errors("Failed to load resource", "NetworkError")


def posts(network: Network) -> int:
    return network.requests.count("POST /api/runs")


# Resolves to the ids of the runs that the browser keeps on its disk.
KEPT = """() => new Promise((resolve, reject) => {
  const opened = indexedDB.open('browser-zoo', 1);
  opened.onerror = () => reject(opened.error);
  opened.onsuccess = () => {
    const keys = opened.result.transaction('unsent').objectStore('unsent').getAllKeys();
    keys.onsuccess = () => { opened.result.close(); resolve(keys.result); };
  };
})"""


def kept_runs(page: Page) -> list[str]:
    ids: list[str] = page.evaluate(KEPT)
    return ids


def until_sent(page: Page) -> None:
    """Wait until nothing is kept any more."""
    wait_until_true(page, f"async () => (await ({KEPT})()).length === 0")


def timings(server: str) -> list[dict[str, str]]:
    with urllib.request.urlopen(f"{server}/api/timings.csv") as reply:
        return list(csv.DictReader(io.StringIO(reply.read().decode(), newline="")))


def test_runs_measured_while_the_server_is_away_are_sent_by_the_next_visit(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        network.faults["/api/runs"] = unreachable
        run_fake(page, network.url, models="echo,echo_ssd")
        assert counts(page) == (2, 0, 2)
        expect(page.locator("#unsent")).to_contain_text("2 runs not sent yet")
        expect(page.locator("tr[data-outcome=ok]")).to_have_count(2)
        kept = [row.get_attribute("data-run-id") for row in rows(page).all()]

        assert kept_runs(page) == sorted(str(run_id) for run_id in kept)
        network.faults.clear()
        page.goto(network.url)
        until_sent(page)
        expect(page.locator("#unsent")).to_be_hidden()
        assert {row["run_id"] for row in timings(server.url)} == set(kept)


def test_a_kept_run_is_sent_when_the_network_comes_back(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        network.faults["/api/runs"] = unreachable
        run_fake(page, network.url)
        assert counts(page) == (1, 0, 1)
        network.faults.clear()
        page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(page.locator("html")).to_have_attribute("data-runs-unsent", "0")
        expect(page.locator("#unsent")).to_be_hidden()
        assert stored(server.url, rows(page)).model == "echo"


def test_a_kept_run_is_sent_with_the_next_one(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)

    def busy_once(answer: Answer) -> Answer:
        network.faults.clear()
        return Answer(503, answer.headers, b"", 0)

    with network_to(server.url) as network:
        network.faults["/api/runs"] = busy_once
        run_fake(page, network.url, models="echo,echo_ssd", order="sequential")
        assert counts(page) == (2, 0, 0)
        # The reply to the first was lost, though the server had stored it: sending it again does no harm.
        assert posts(network) == 3
        assert {stored(server.url, row).model for row in rows(page).all()} == {"echo", "echo_ssd"}


def test_a_refusal_that_breaks_off_stops_neither_the_page_nor_later_uploads(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)

    def breaks_off_once(answer: Answer) -> Answer:
        network.faults.clear()
        return Answer(400, answer.headers, b'{"error', 200)

    with network_to(server.url) as network:
        network.faults["/api/runs"] = breaks_off_once
        run_fake(page, network.url, models="echo,echo_ssd", order="sequential")
        assert counts(page) == (2, 0, 0)
        assert {stored(server.url, row).model for row in rows(page).all()} == {"echo", "echo_ssd"}


def _offers_the_fake(answer: Answer) -> Answer:
    return answer.with_body(answer.body.replace(b'["onnxruntime-web"]', b'["onnxruntime-web","fake"]'))


def test_a_run_that_the_server_refuses_is_kept_and_shown_but_not_sent_for_ever(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo)  # takes no runs of the fake
    with network_to(server.url) as network:
        network.faults["/api/config"] = _offers_the_fake
        run_fake(page, network.url)
        assert counts(page) == (1, 0, 1)
        notice = page.locator("#unsent")
        expect(notice).to_contain_text("1 run not sent yet")
        expect(notice).to_contain_text(re.compile(r"echo, wasm: refused by the server\. .*fake"))
        assert posts(network) == 1

        page.goto(network.url)
        page.wait_for_selector("html[data-state=ready]")
        expect(notice).to_contain_text("refused by the server")
        assert posts(network) == 1

        page.get_by_role("button", name="Send again").click()
        expect(notice).to_contain_text("refused by the server")
        page.wait_for_function("() => !document.querySelector('#unsent').hidden")
        assert posts(network) == 2
        page.get_by_role("button", name="Discard the refused").click()
        expect(notice).to_be_hidden()
        page.reload()
        page.wait_for_selector("html[data-state=ready]")
        expect(notice).to_be_hidden()


BLOCKED = "IDBFactory.prototype.open = () => { throw new DOMException('blocked', 'SecurityError') }"
FULL = "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError') }"


@pytest.mark.parametrize(
    ("trouble", "named"), [(BLOCKED, "SecurityError: blocked"), (FULL, "QuotaExceededError: full")]
)
def test_where_nothing_can_be_stored_the_page_asks_to_stay_open(
    page: Page, serve: Serve, tiny_zoo: Path, trouble: str, named: str
) -> None:
    page.add_init_script(trouble)
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        network.faults["/api/runs"] = unreachable
        run_fake(page, network.url)
        expect(page.locator("#unsent")).to_contain_text(f"stores nothing more ({named}), so keep this tab open")
        network.faults.clear()
        page.get_by_role("button", name="Send again").click()
        expect(page.locator("#unsent")).to_be_hidden()
        assert stored(server.url, rows(page)).model == "echo"


@pytest.mark.only_browser("chromium")
def test_a_full_disk_is_told_and_loses_nothing(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """Chromium's own quota, not a stand-in: 1 kB is less than a run."""
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        page.goto(network.url)
        session = page.context.new_cdp_session(page)
        session.send("Storage.overrideQuotaForOrigin", {"origin": network.url, "quotaSize": 1000})
        network.faults["/api/runs"] = unreachable
        run_fake(page, network.url)
        expect(page.locator("#unsent")).to_contain_text(
            re.compile(r"stores nothing more \(.*Quota.*keep this tab open")
        )
        network.faults.clear()
        page.get_by_role("button", name="Send again").click()
        expect(page.locator("#unsent")).to_be_hidden()
        assert stored(server.url, rows(page)).model == "echo"


def test_what_an_older_page_kept_is_taken_over_and_sent_once(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    known = fits(tiny_zoo)
    old = json.loads((Path(__file__).parent / "vectors" / "runs_of_page_0.2.0.jsonl").read_text().splitlines()[0])
    old |= {name: known[name] for name in ("model_sha256", "model_bytes", "weights")}
    key = f"browser-zoo.unsent.{old['run_id']}"
    with network_to(server.url) as network:
        page.goto(f"{network.url}/icon.svg")
        page.evaluate(
            "([key, kept]) => localStorage.setItem(key, JSON.stringify(kept))", [key, {"run": old, "refused": None}]
        )
        network.faults["/api/runs"] = unreachable
        page.goto(network.url)
        expect(page.locator("#unsent")).to_contain_text("1 run not sent yet")
        page.wait_for_function(
            "key => localStorage.getItem(key) === null", arg=key
        )  # that is once it is on the disk elsewhere
        assert kept_runs(page) == [old["run_id"]]
        network.faults.clear()
        page.reload()
        until_sent(page)
    assert [row["run_id"] for row in timings(server.url)] == [old["run_id"]]


def test_a_run_is_tried_again_by_itself(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        network.faults["/api/runs"] = unreachable
        run_fake(page, network.url)
        assert counts(page) == (1, 0, 1)
        network.faults.clear()
        expect(page.locator("html")).to_have_attribute("data-runs-unsent", "0", timeout=40_000)
        assert stored(server.url, rows(page)).model == "echo"


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98], ids=["before", "in the midst of", "at the end of"])
def test_an_upload_that_breaks_off_loses_and_doubles_nothing(
    page: Page, serve: Serve, tiny_zoo: Path, share: float
) -> None:
    """The server has stored the run; its answer is cut off, so that the page cannot know. It asks again, and is told."""
    server = serve(tiny_zoo, accept_fake=True)

    def cut_once(answer: Answer) -> Answer:
        network.faults.clear()
        return Answer(answer.status, answer.headers, answer.body[: int(share * len(answer.body))], len(answer.body))

    with network_to(server.url) as network:
        network.faults["/api/runs"] = cut_once
        run_fake(page, network.url)
        expect(page.locator("html")).to_have_attribute("data-runs-unsent", "0", timeout=40_000)
        assert posts(network) == 2
    assert [row["run_id"] for row in timings(server.url)] == [rows(page).get_attribute("data-run-id")]


def test_a_network_that_answers_for_the_server_is_not_believed(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """As in a hotel: every request is answered with 200 and a page to log in."""
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        network.faults["/api/runs"] = lambda answer: Answer(200, (), b"<h1>Welcome</h1>", 16)
        run_fake(page, network.url)
        assert counts(page) == (1, 0, 1)
        network.faults.clear()
        page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(page.locator("html")).to_have_attribute("data-runs-unsent", "0")


def test_two_tabs_send_what_both_know_of_once(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        network.faults["/api/runs"] = unreachable
        run_fake(page, network.url, models="echo,echo_ssd")
        other = page.context.new_page()
        other.goto(network.url)
        expect(other.locator("#unsent")).to_contain_text("2 runs not sent yet")
        expect(other.locator("html")).to_have_attribute("data-state", "ready")
        while posts(network) < 2:
            other.wait_for_timeout(100)
        other.wait_for_timeout(500)  # the answer to its attempt is lost within milliseconds
        tried = posts(network)
        network.faults.clear()
        for tab in (page, other):
            tab.evaluate("window.dispatchEvent(new Event('online'))")
        for tab in (page, other):
            expect(tab.locator("#unsent")).to_be_hidden()
        assert posts(network) == tried + 2
    assert len(timings(server.url)) == 2


def test_of_runs_one_after_another_the_first_is_stored_while_the_second_is_on(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    script = {"pace_ms": 100}
    page.goto(fake_address(server.url, script, models="echo,echo_ssd", iterations=40, order="sequential"))
    expect(page.locator("#progress")).to_contain_text("Run 2 of 2", timeout=20_000)
    assert stored(server.url, rows(page).first).run_id == rows(page).first.get_attribute("data-run-id")
    expect(page.locator("html")).to_have_attribute("data-state", "running")
    wait_until_done(page)
