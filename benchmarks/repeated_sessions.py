"""Whether one model gives one number: python -m benchmarks.repeated_sessions [--browser chromium] [--sessions 8].

The page is visited again and again, each time in a fresh profile, and times mobilenet_v1 in a new worker with a new session: as somebody
does who comes back to repeat the measurement. Medians of such sessions are to lie within 3 % of each other on a machine that does nothing
else; visits during which it did are set aside, and counted.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.machine import machine, verdict
from benchmarks.page_runs import idle_visits, versions, visits
from fleet.browsers import KINDS
from timings.statistics import summarise

LIMIT_PERCENT = 3.0


def main() -> int:
    """Print each session's median and the greatest spread; 0 if it keeps the limit, else 1."""
    parser = argparse.ArgumentParser(description="Compare the medians of repeated sessions of one model.")
    parser.add_argument("--browser", choices=KINDS, default="chromium")
    parser.add_argument("--sessions", type=int, default=8, help="how many (default: 8)")
    parser.add_argument("--min-time", type=float, default=5, help="seconds of samples in each (default: 5)")
    parser.add_argument("--model", default="mobilenet_v1", help="which model (default: mobilenet_v1)")
    parser.add_argument("--backend", default="wasm", help="which backend, as in the page's address (default: wasm)")
    arguments = parser.parse_args()
    print(machine())
    asked = {"models": arguments.model, "backends": arguments.backend, "min_time": arguments.min_time, "end_to_end": 0}
    medians: list[float] = []
    with visits(arguments.browser) as visit:
        for (run,) in idle_visits(visit, arguments.sessions, **asked):
            if not medians:
                print(versions(run))
            summary = summarise([sample.duration_ms for sample in run.samples])
            assert summary.median_ms is not None
            medians.append(summary.median_ms)
            interval = f"{summary.median_low_ms or 0:.2f} to {summary.median_high_ms or 0:.2f}"
            doubts = ", ".join(warning.code for warning in run.warnings)
            print(
                f"session {len(medians)}: median {summary.median_ms:.2f} ms ({interval}) of {summary.n} samples"
                f"{f'; {doubts}' if doubts else ''}",
                flush=True,
            )
    kept = verdict("greatest median over the least", 100 * (max(medians) / min(medians) - 1), LIMIT_PERCENT, "% more")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
