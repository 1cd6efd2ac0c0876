"""What the page's measuring loop costs: python -m benchmarks.harness_overhead [--browser chromium] [--rounds 20].

In one worker of the real page, on one session of mobilenet_v1, the page's own code (web/benchmark.js) and a bare loop of session.run
take turns. The loops are also compared on a session whose inferences take no time at all: that gives the cost per inference itself,
far below what the noise of a real inference lets one see.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, sync_playwright

from benchmarks.machine import ROOT, machine, verdict
from fleet.browsers import KINDS, need
from scripts.serving import running_server

LIMIT_PERCENT = 1.0
_WORKER = ROOT / "benchmarks" / "harness_overhead.js"
_COMPARE = """
async ({ rounds, iterations }) => {
  const config = await (await fetch('/api/config')).json();
  const model = (await (await fetch('/models/manifest.json')).json()).models.find(({ id }) => id === 'mobilenet_v1');
  const job = {
    model, variant: model.variants[0], backend: 'wasm', threads: navigator.hardwareConcurrency, iterations, warmup: 0,
    timeBudgetS: 3600, runtime: 'onnxruntime-web', onnxruntimeWeb: config.onnxruntime_web, fake: null,
  };
  const worker = new Worker('/harness_overhead.js', { type: 'module' });
  try {
    return await new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message || 'the worker did not load'));
      worker.onmessage = ({ data }) => {
        if (data.error) reject(new Error(data.error));
        if (data.real) resolve(data);
      };
      worker.postMessage({ job, rounds });
    });
  } finally {
    worker.terminate();
  }
}
"""


def serve_worker(route: Route) -> None:
    """Answer as the server does, with a script that is not part of the page. A worker must be isolated like the page that starts it."""
    headers = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin"}
    route.fulfill(path=_WORKER, content_type="text/javascript", headers=headers)


def compare(page: Page, url: str, rounds: int, iterations: int) -> Any:
    """Milliseconds per inference: {"real": {"bare": [...], "harness": [...]}, "empty": {...}}."""
    page.route("**/harness_overhead.js", serve_worker)
    page.goto(url)
    return page.evaluate(_COMPARE, {"rounds": rounds, "iterations": iterations})


def main() -> int:
    """Print both comparisons; 0 if the overhead keeps the limit, else 1."""
    parser = argparse.ArgumentParser(description="Compare the page's measuring loop with a bare loop of session.run.")
    parser.add_argument("--browser", choices=KINDS, default="chromium")
    parser.add_argument("--rounds", type=int, default=20, help="how often the two take turns (default: 20)")
    parser.add_argument("--iterations", type=int, default=30, help="inferences in a round (default: 30)")
    arguments = parser.parse_args()
    print(machine())
    browser = need(arguments.browser)
    with (
        tempfile.TemporaryDirectory(prefix="zoo-overhead-") as scratch,
        sync_playwright() as playwright,
        running_server(ROOT / "models", Path(scratch) / "runs.sqlite") as server,
    ):
        running = browser.launch(playwright)
        try:
            page = browser.new_context(running).new_page()
            found = compare(page, server.url, arguments.rounds, arguments.iterations)
        finally:
            running.close()
    bare, harness = (statistics.median(found["real"][kind]) for kind in ("bare", "harness"))
    ratios = [h / b - 1 for b, h in zip(found["real"]["bare"], found["real"]["harness"], strict=True)]
    cost = statistics.median(found["empty"]["harness"]) - statistics.median(found["empty"]["bare"])
    print(f"{arguments.browser}, mobilenet_v1, wasm, {arguments.rounds} rounds of {arguments.iterations} inferences")
    print(f"median per inference: bare loop {bare:.3f} ms, harness {harness:.3f} ms")
    print(f"cost of the harness on inferences that take no time: {1000 * cost:.2f} us each")
    kept = [
        verdict(
            "median difference of paired rounds", 100 * statistics.median(ratios), LIMIT_PERCENT, "% of a bare loop"
        ),
        verdict("that cost", 100 * cost / bare, LIMIT_PERCENT, "% of a bare session.run"),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
