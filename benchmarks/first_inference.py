"""How long a visitor waits for the first inference: python -m benchmarks.first_inference [--browser chromium] [-n 5].

From the start of the navigation, with an empty cache and profile each time, on loopback, until the page has finished a whole run of one
timed inference of mobilenet_v1: page, runtime, model, session, first inference, its verification, a timed inference, its check, and the
upload. So the figure is an upper bound of the time to the first inference; the parts that the run itself recorded stand beside it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Playwright, sync_playwright

from benchmarks.machine import ROOT, machine, verdict
from fleet.browsers import KINDS, LocalBrowser, need
from scripts.serving import RunningServer, running_server
from timings.records import Run
from timings.store import Store

LIMIT_S = 3.0
_URL_PARAMETERS = {
    "autorun": 1,
    "models": "mobilenet_v1",
    "backends": "wasm",
    "iterations": 1,
    "warmup": 0,
    "min_time": 0,
    "end_to_end": 0,
}
_WHEN_DONE = """
new MutationObserver(() => {
  if (document.documentElement.dataset.state === "done") window.doneAtMs ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
"""


def visit(playwright: Playwright, browser: LocalBrowser, server: RunningServer) -> float:
    """Milliseconds from the start of the navigation to the end of the run, in a browser started for this."""
    running = browser.launch(playwright)
    try:
        page = browser.new_context(running).new_page()
        page.add_init_script(_WHEN_DONE)
        page.goto(f"{server.url}/?{urlencode(_URL_PARAMETERS)}")
        page.wait_for_selector("html[data-state=done]", state="attached", timeout=60_000)
        if page.get_attribute("html", "data-runs-failed") != "0":
            raise SystemExit("the run failed: " + (page.text_content("#results") or ""))
        return float(page.evaluate("window.doneAtMs"))
    finally:
        running.close()


def parts(database: Path) -> list[Run]:
    """The runs that were stored, the oldest first."""
    store = Store(str(database))
    return sorted(store.runs(), key=lambda run: run.started_at)


def main() -> int:
    """Print each visit and the median; 0 if it keeps the limit, else 1."""
    parser = argparse.ArgumentParser(description="Time a visitor's first inference of mobilenet_v1 from a cold cache.")
    parser.add_argument("--browser", choices=KINDS, default="chromium")
    parser.add_argument("-n", type=int, default=5, help="how many visits (default: 5)")
    arguments = parser.parse_args()
    browser = need(arguments.browser)
    print(machine())
    with tempfile.TemporaryDirectory(prefix="zoo-first-") as scratch, sync_playwright() as playwright:
        database = Path(scratch) / "runs.sqlite"
        with running_server(ROOT / "models", database) as server:
            seconds = [visit(playwright, browser, server) / 1000 for _ in range(arguments.n)]
        for second, run in zip(seconds, parts(database), strict=True):
            print(
                f"{run.device.browser} {run.device.browser_version}: {second:.2f} s, of which download {run.download_ms:.0f} ms, "
                f"starting the runtime {run.runtime_ms:.0f} ms, session {run.session_ms:.0f} ms, first inference {run.first_ms:.0f} ms"
            )
    kept = verdict(f"median of {arguments.n} visits", statistics.median(seconds), LIMIT_S, "s")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
