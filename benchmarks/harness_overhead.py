"""What the page's instrument adds to what it measures: python -m benchmarks.harness_overhead [--browser chromium] [--rounds 100].

In one worker of the real page, on one session of mobilenet_v1, rounds of the page's own code (web/benchmark.js: with its check of the
outputs, and its messages to the page, which shows them in its live panel) and a bare loop with nothing but the clock around session.run
take turns, each after one inference that settles. Their medians are compared round by round. The same on a session whose inferences take no time at all gives what the
instrument costs outside of the clock, far below what the noise of a real inference lets one see.
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
from builder.errors import ZooError
from fleet.browsers import KINDS, need
from scripts.serving import running_server

LIMIT_PERCENT = 1.0
_WORKER = ROOT / "benchmarks" / "harness_overhead.js"
_COMPARE = """
async ({ rounds, iterations, modelId }) => {
  const config = await (await fetch('/api/config')).json();
  const model = (await (await fetch('/models/manifest.json')).json()).models.find(({ id }) => id === modelId);
  if (!model) throw new Error(`models/ has no ${modelId}: run python -m builder ${modelId}`);
  const job = {
    model, variant: model.variants[0], backend: 'wasm', deviceType: null, threads: navigator.hardwareConcurrency, iterations,
    minTimeS: 0, precision: null, warmup: 10, timeBudgetS: 86400, endToEnd: 0, placement: false,
    runtime: 'onnxruntime-web', onnxruntimeWeb: config.onnxruntime_web, fake: null,
  };
  const { BatchView } = await import('/batch_view.js');
  const view = new BatchView();
  document.documentElement.dataset.state = 'running';
  view.panel.open(1);
  view.begin('shown', { model, variant: job.variant, option: { ...job, title: 'WebAssembly', value: 'wasm', blocked: null } },
    { position: 1, iterations, precision: null, heldTo: 'PyTorch' });
  const worker = new Worker('/harness_overhead.js', { type: 'module' });
  try {
    return await new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message || 'the worker did not load'));
      worker.onmessage = ({ data }) => {
        if (data.error) reject(new Error(data.error));
        if (data.kind === 'progress') view.panel.progress('shown', data.progress, { share: 0.5, remainingMs: 1000 });
        if (data.kind === 'round_over') view.panel.drawNow();
        if (data.real) resolve({ ...data, drawn: document.querySelectorAll('#plot svg').length });
      };
      worker.postMessage({ job, rounds, iterations });
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


def compare(page: Page, url: str, model: str, rounds: int, iterations: int) -> Any:
    """Milliseconds, in {"real": ..., "empty": ...}: of each inference of each round under "bare" and "instrument"; of each round from
    outside, per inference, under "bareWall" and "instrumentWall".
    """
    page.route("**/harness_overhead.js", serve_worker)
    page.goto(url)
    return page.evaluate(_COMPARE, {"rounds": rounds, "iterations": iterations, "modelId": model})


def main() -> int:
    """Print both comparisons; 0 if the overhead keeps the limit, else 1."""
    parser = argparse.ArgumentParser(description="Compare the page's instrument with a bare loop of session.run.")
    parser.add_argument("--browser", choices=KINDS, default="chromium")
    parser.add_argument("--model", default="mobilenet_v1", help="a light one shows most (default: mobilenet_v1)")
    parser.add_argument("--rounds", type=int, default=100, help="how often the two take turns (default: 100)")
    parser.add_argument("--iterations", type=int, default=10, help="inferences in a round (default: 10)")
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
            found = compare(page, server.url, arguments.model, arguments.rounds, arguments.iterations)
        finally:
            running.close()
    return report(found, arguments)


def report(found: Any, arguments: argparse.Namespace) -> int:
    """Print the medians and the verdicts."""
    real, empty = found["real"], found["empty"]
    if not found["drawn"]:
        raise ZooError(
            "the page did not show what was measured",
            got="no plot of the samples",
            expected="the live panel at work, since its cost belongs to the measurement",
            next_step="see what the page's console says",
        )
    medians = {kind: [statistics.median(round_) for round_ in real[kind]] for kind in ("bare", "instrument")}
    differences = [100 * (i / b - 1) for b, i in zip(medians["bare"], medians["instrument"], strict=True)]
    bare, instrument = (statistics.median(medians[kind]) for kind in ("bare", "instrument"))
    cost = statistics.median(empty["instrumentWall"]) - statistics.median(empty["bareWall"])
    print(
        f"{arguments.browser}, {arguments.model}, wasm, {arguments.rounds} pairs of rounds of {arguments.iterations} inferences"
    )
    print(f"median of the rounds' medians: bare loop {bare:.3f} ms, instrument {instrument:.3f} ms")
    spread = statistics.quantiles(differences, n=4) if len(differences) > 1 else [differences[0]] * 3
    print(f"differences of paired rounds: quartiles {spread[0]:+.2f} %, {spread[1]:+.2f} %, {spread[2]:+.2f} %")
    print(f"the instrument outside of the clock: {1000 * cost:.2f} us an inference, its check and messages included")
    kept = [
        verdict("median difference", abs(statistics.median(differences)), LIMIT_PERCENT, "% of a bare loop's median"),
        verdict("cost outside of the clock", 100 * cost / bare, LIMIT_PERCENT, "% of a bare session.run"),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
