"""How long until the page can be used, and how much JavaScript that takes: python -m benchmarks.page_load [-n 5].

From the start of the navigation until the manifest's networks are shown and the button starts something, with an empty cache and
profile each time: in Chromium and Firefox on loopback, and in Chromium at 10 Mbit/s with 40 ms of latency. Then the JavaScript that the page
and its workers fetch until a first run is over, by file, uncompressed and as the server sends it (brotli; gzip where the page is not served
from this machine or over HTTPS): what is sent is held to the limit. onnxruntime-web is left out.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Playwright, sync_playwright

from benchmarks.machine import ROOT, machine, verdict
from fleet.browsers import KINDS, Kind, LocalBrowser, need
from scripts.serving import running_server

LOOPBACK_LIMIT_S = 1.0
SLOW_LIMIT_S = 3.0
SCRIPTS_LIMIT_KB = 150.0
_PATIENCE_MS = 120_000
SLOW_NETWORK = {"offline": False, "latency": 40, "downloadThroughput": 10e6 / 8, "uploadThroughput": 10e6 / 8}

_WHEN_USABLE = """
new MutationObserver(() => {
  const isUsable = document.documentElement.dataset.state === "ready" && document.querySelector("input[name=model]:checked");
  if (isUsable && window.usableAtMs === undefined) {
    window.usableAtMs = performance.now();
    document.documentElement.dataset.seenUsable = "";
  }
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
window.scriptsSoFar = () => performance.getEntriesByType("resource")
  .filter(({ name }) => new URL(name).origin === location.origin && /\\.m?js$/.test(new URL(name).pathname))
  .map(({ name, decodedBodySize }) => [new URL(name).pathname.slice(1), decodedBodySize]);
"""


@dataclass(frozen=True)
class Visit:
    """One look at the page: when it could be used, and the scripts fetched until then, by name, in bytes as they stand in web/."""

    usable_s: float
    until_usable: dict[str, int]


def visit(playwright: Playwright, browser: LocalBrowser, server: str, *, slow: bool = False) -> Visit:
    """Open the page in a browser started for this."""
    running = browser.launch(playwright)
    try:
        page = browser.new_context(running).new_page()
        page.add_init_script(_WHEN_USABLE)
        if slow:
            page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_NETWORK)
        page.goto(server)
        page.wait_for_selector("html[data-seen-usable]", state="attached")
        usable_ms = float(page.evaluate("usableAtMs"))
        return Visit(usable_ms / 1000, dict(page.evaluate("scriptsSoFar()")))
    finally:
        running.close()


@dataclass(frozen=True)
class Weight:
    """The bytes of one script: as it stands in web/, and as the server sends it to a browser that takes that encoding."""

    plain: int
    brotli: int
    gzip: int


def weigh(page: Page, address: str) -> dict[str, Weight]:
    """Let the page time one network, and weigh each script that it and its workers ask for until that is over, by its path.

    That is a little more than until the first inference: what follows it is asked for once that is proven. onnxruntime-web, under /vendor/, is
    left out. The bytes are those of the bodies; they are asked for again, because browsers do not tell how large a worker's own script was.
    """
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto(address)
    page.locator("#start").click()
    page.wait_for_selector("html[data-state=done]", state="attached", timeout=_PATIENCE_MS)
    scripts = {url: urlsplit(url).path for url in asked if re.search(r"\.m?js$", urlsplit(url).path)}
    ours = {path: url for url, path in scripts.items() if not path.startswith("/vendor/")}
    return {
        path.lstrip("/"): Weight(*(_sent(url, coding) for coding in ("identity", "br", "gzip")))
        for path, url in ours.items()
    }


def _sent(url: str, coding: str) -> int:
    request = urllib.request.Request(url, headers={"Accept-Encoding": coding})  # noqa: S310 - of our own server
    with urllib.request.urlopen(request) as reply:  # noqa: S310
        return len(reply.read())


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


def print_scripts(until_usable: dict[str, int], until_run: dict[str, Weight]) -> bool:
    """Print the files and their sums; whether what is sent until the first run is within the limit."""
    for name, weight in sorted(until_run.items(), key=lambda item: -item[1].brotli):
        when = "at once" if name in until_usable else ""
        print(f"{weight.plain:8,d} -> {weight.brotli:6,d}  {name:32s}{when}")
    print(
        f"uncompressed until the page can be used: {sum(until_usable.values()) / 1000:.1f} KB in {len(until_usable)} files"
    )
    plain, brotli, gzip = (
        sum(getattr(weight, kind) for weight in until_run.values()) / 1000 for kind in ("plain", "brotli", "gzip")
    )
    print(f"uncompressed until the first run is over: {plain:.1f} KB in {len(until_run)} files; {gzip:.1f} KB as gzip")
    return verdict("JavaScript sent until the first run is over, onnxruntime-web apart", brotli, SCRIPTS_LIMIT_KB, "KB")


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
        running = need("chromium").launch(playwright)
        until_run = weigh(running.new_page(), f"{server.url}/?backends=wasm-1&preset=quick&models=mobilenet_v1")
        running.close()
    kept = [kept for kept, _ in results]
    kept.append(print_scripts(results[0][1].until_usable, until_run))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
