"""A run is sent as soon as it is over, and kept in the browser until the server has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Serve
from tests.support.pages import address, counts, rows, run_fake, stored, wait_until_done
from tests.support.proxy import Answer, Network, network_to, unreachable

pytestmark = pytest.mark.browser_errors("Failed to load resource", "NetworkError")


def posts(network: Network) -> int:
    return network.requests.count("POST /api/runs")


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

        network.faults.clear()
        page.goto(network.url)
        expect(page.locator("#unsent")).to_be_hidden()
        for run_id in kept:
            assert page.request.get(f"{server.url}/api/runs/{run_id}").ok
        assert page.evaluate("Object.keys(localStorage).filter(key => key.includes('unsent'))") == []


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
        run_fake(page, network.url, models="echo,echo_ssd")
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
        run_fake(page, network.url, models="echo,echo_ssd")
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


def test_where_nothing_can_be_stored_the_page_asks_to_stay_open(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }")
    with network_to(serve(tiny_zoo, accept_fake=True).url) as network:
        network.faults["/api/runs"] = unreachable
        run_fake(page, network.url)
        expect(page.locator("#unsent")).to_contain_text("keep this tab open")
        network.faults.clear()
        page.get_by_role("button", name="Send again").click()
        expect(page.locator("#unsent")).to_be_hidden()


def test_the_first_run_is_stored_while_the_second_is_on(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    script = {"pace_ms": 100}
    both = "echo,echo_ssd"
    page.goto(
        address(server.url, autorun=1, runtime="fake", models=both, backends="wasm-1", iterations=10, fake=script)
    )
    expect(page.locator("#progress")).to_contain_text("Run 2 of 2")
    assert stored(server.url, rows(page).first).model == "echo"
    expect(page.locator("html")).to_have_attribute("data-state", "running")
    wait_until_done(page)
