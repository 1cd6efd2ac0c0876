"""How long until the page can be used, and how much JavaScript that takes: python -m benchmarks.page_load [-n 5].

From the start of the navigation until the manifest's networks are shown and the button starts something, with an empty cache and
profile each time: in Chromium and Firefox on loopback, and in Chromium at 10 Mbit/s with 40 ms of latency. Then the JavaScript that is
fetched until the page can be used, by file, in bytes as they stand in web/; and, for comparison, what the first press of the button
adds until the first worker starts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, Playwright, sync_playwright

from benchmarks.machine import ROOT, machine, verdict
from fleet.browsers import KINDS, Kind, LocalBrowser, need
from scripts.serving import running_server

LOOPBACK_LIMIT_S = 1.0
SLOW_LIMIT_S = 3.0
SCRIPTS_LIMIT_KB = 150.0
SLOW_NETWORK = {"offline": False, "latency": 40, "downloadThroughput": 10e6 / 8, "uploadThroughput": 10e6 / 8}

_WHEN_USABLE = """
new MutationObserver(() => {
  const isUsable = document.documentElement.dataset.state === "ready" && document.querySelector("input[name=model]:checked");
  if (isUsable && window.usableAtMs === undefined) {
    window.usableAtMs = performance.now();
    document.documentElement.dataset.seenUsable = "";
  }
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
const begun = Worker;
window.Worker = class extends begun {
  constructor(...given) {
    window.scriptsBeforeWorkers ??= scriptsSoFar();
    document.documentElement.dataset.seenWorker = "";
    super(...given);
  }
};
window.scriptsSoFar = () => performance.getEntriesByType("resource")
  .filter(({ name }) => new URL(name).origin === location.origin && /\\.m?js$/.test(new URL(name).pathname))
  .map(({ name, decodedBodySize }) => [new URL(name).pathname.slice(1), decodedBodySize]);
"""


@dataclass(frozen=True)
class Visit:
    """One look at the page: when it could be used, and the scripts fetched until then and until the first worker, in bytes."""

    usable_s: float
    until_usable: dict[str, int]
    until_worker: dict[str, int]


def visit(playwright: Playwright, browser: LocalBrowser, server: str, *, slow: bool = False) -> Visit:
    """Open the page in a browser started for this, then press the button, so that the code that measures is fetched too."""
    running = browser.launch(playwright)
    try:
        page = browser.new_context(running).new_page()
        page.add_init_script(_WHEN_USABLE)
        if slow:
            page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_NETWORK)
        page.goto(f"{server}/?backends=wasm-1&preset=quick")
        page.wait_for_selector("html[data-seen-usable]", state="attached")
        usable_ms = float(page.evaluate("usableAtMs"))
        until_usable = dict(page.evaluate("scriptsSoFar()"))
        return Visit(usable_ms / 1000, until_usable, _until_worker(page))
    finally:
        running.close()


def _until_worker(page: Page) -> dict[str, int]:
    page.locator("#start").click()
    page.wait_for_selector("html[data-seen-worker]", state="attached")
    return dict(page.evaluate("scriptsBeforeWorkers"))


def measure(playwright: Playwright, server: str, visits: int, kind: Kind, *, slow: bool) -> tuple[bool, Visit]:
    """Print the median of some visits; whether it is within its limit, and one of the visits."""
    browser = need(kind)
    seen = [visit(playwright, browser, server, slow=slow) for _ in range(visits)]
    network = "10 Mbit/s, 40 ms" if slow else "loopback"
    each = ", ".join(f"{one.usable_s:.2f}" for one in seen)
    print(f"{kind}, {network}: {each} s")
    limit = SLOW_LIMIT_S if slow else LOOPBACK_LIMIT_S
    median = statistics.median(one.usable_s for one in seen)
    return verdict(
        f"{kind}, {network}: median of {visits} visits until the page can be used", median, limit, "s"
    ), seen[0]


def print_scripts(seen: Visit) -> bool:
    """Print the files and their sum; whether it is within the limit."""
    for name, size in sorted(seen.until_usable.items(), key=lambda item: -item[1]):
        print(f"{size:8,d}  {name}")
    added = {name: size for name, size in seen.until_worker.items() if name not in seen.until_usable}
    print(f"once the button is pressed, {len(added)} files more: {sum(added.values()) / 1000:.1f} KB")
    total = sum(seen.until_usable.values()) / 1000
    return verdict("JavaScript until the page can be used", total, SCRIPTS_LIMIT_KB, "KB")


def main() -> int:
    """Print every figure beside its limit; 0 if all are kept, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page_load",
        description="Time how long until the page can be used, from a cold cache, and weigh its JavaScript.",
    )
    parser.add_argument("-n", type=int, default=5, help="how many visits each (default: 5)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="the models folder (default: models/)")
    arguments = parser.parse_args()
    print(machine())
    with (
        tempfile.TemporaryDirectory(prefix="zoo-load-") as scratch,
        sync_playwright() as playwright,
        running_server(arguments.models, Path(scratch) / "runs.sqlite") as server,
    ):
        cases: list[tuple[Kind, bool]] = [*((kind, False) for kind in KINDS), ("chromium", True)]
        results = [measure(playwright, server.url, arguments.n, kind, slow=slow) for kind, slow in cases]
    kept = [kept for kept, _ in results]
    kept.append(print_scripts(results[0][1]))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
