"""A tab that another tab covers for a while, in browsers as people have them: what was measured meanwhile is measured again."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from fleet.browsers import LocalBrowser
from tests.conftest import Serve
from tests.support.pages import fake_address, only_run, wait_until_done
from tests.support.proxy import Network, network_to
from timings.records import Run

# Some seconds of sampling, so that the other tab comes while there is something to disturb.
SLOW = {"durations_ms": [20], "pace_ms": 100}
SAMPLES = 60
COVERED_S = 1.5
START_S = 60
RUN_S = 120


class Tabs:
    """Chromium's tabs, through its debugging port: Playwright would have it call every page visible."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", method=method)
        with urllib.request.urlopen(request) as reply:
            return bytes(reply.read())

    def first(self) -> str:
        """The id of the tab that shows a page of a server."""
        found: list[dict[str, Any]] = json.loads(self.ask("GET", "/json/list"))
        return next(str(one["id"]) for one in found if one["type"] == "page" and one["url"].startswith("http:"))


@contextlib.contextmanager
def chromium(browser: LocalBrowser, profile: Path, url: str) -> Iterator[Tabs]:
    """Chromium with nothing around it, opened at an address."""
    command = [str(browser.executable), "--headless", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0"]
    with subprocess.Popen(
        [*command, f"--user-data-dir={profile}", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            told = profile / "DevToolsActivePort"
            until(lambda: told.exists() and "\n" in told.read_text(), START_S)
            yield Tabs(int(told.read_text().splitlines()[0]))
        finally:
            process.terminate()


def until(condition: Any, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_worker(network: Network) -> None:
    until(lambda: any(request.startswith("GET /worker.js") for request in network.requests), START_S)


def stored_runs(server: str) -> list[Run]:
    with urllib.request.urlopen(f"{server}/api/runs") as reply:
        return [Run.model_validate_json(json.dumps(run)) for run in json.loads(reply.read())["runs"]]


def assert_measured_again(run: Run) -> None:
    assert (run.error, len(run.samples), run.stopped_by) == (None, SAMPLES, "iterations")
    assert run.conditions is not None
    assert (run.conditions.times_hidden, run.conditions.repeats) == (1, 1)
    assert "tab_hidden" in [warning.code for warning in run.warnings]
    # None from before: the first sample that counts came after the tab was seen again.
    assert run.samples[0].start_ms == 0
    assert sum(sample.round == run.samples[0].round for sample in run.samples) == SAMPLES // 10


@pytest.mark.only_browser("chromium")
def test_a_tab_behind_another_one_is_measured_again_in_chromium(
    serve: Serve, tiny_zoo: Path, local_browser: LocalBrowser, tmp_path: Path
) -> None:
    if local_browser.patched:
        pytest.skip("Playwright's own Chromium has no tabs without a window")
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        address = fake_address(network.url, SLOW, iterations=SAMPLES)
        with chromium(local_browser, tmp_path / "profile", address) as tabs:
            wait_for_worker(network)
            ours = tabs.first()
            time.sleep(2)
            tabs.ask("PUT", "/json/new?about:blank")
            time.sleep(COVERED_S)
            assert stored_runs(server.url) == []
            tabs.ask("GET", f"/json/activate/{ours}")
            until(lambda: stored_runs(server.url), RUN_S)
    (run,) = stored_runs(server.url)
    assert_measured_again(run)


@pytest.mark.only_browser("firefox")
def test_a_tab_behind_another_one_is_measured_again_in_firefox(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        page.goto(fake_address(network.url, SLOW, iterations=SAMPLES))
        wait_for_worker(network)
        page.wait_for_timeout(2000)
        with page.context.expect_page() as opened:
            page.evaluate("void window.open('about:blank')")
        page.wait_for_function("() => document.hidden")
        page.wait_for_timeout(1000 * COVERED_S)
        opened.value.close()
        page.wait_for_function("() => !document.hidden")
        wait_until_done(page)
        run = only_run(page, network.url)
    assert_measured_again(run)
