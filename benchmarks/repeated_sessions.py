"""Whether one model gives one number: python -m benchmarks.repeated_sessions [--browser chromium] [--sessions 8].

The page is visited again and again, each time in a fresh profile, and times mobilenet_v1 in a new worker with a new session: as somebody
does who comes back to repeat the measurement. Medians of such sessions are to lie within 3 % of each other on a machine that does nothing
else; visits during which it did are set aside, and counted.

A machine that shares its caches and memory with others, as rented ones do, is not steady though nothing runs on it. So a control stands
beside the sessions, in turns with them: one session of native onnxruntime, made once, over as many seconds each time. What its medians lie apart
is the machine's doing, and no browser's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import onnxruntime

from benchmarks.machine import ROOT, machine, verdict
from benchmarks.page_runs import idle_visits, versions, visits
from builder import manifest
from fleet.browsers import KINDS
from timings.statistics import summarise

LIMIT_PERCENT = 3.0


def native(model: str, seconds: float) -> Callable[[], float]:
    """Gives a function that times one native session of that model for so many seconds and returns the median, in milliseconds."""
    entry = manifest.find(manifest.read(ROOT / "models"), model)
    assert entry is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    session = onnxruntime.InferenceSession(
        ROOT / "models" / entry.variants[0].path, options, providers=["CPUExecutionProvider"]
    )
    noise = np.random.default_rng(0).standard_normal(session.get_inputs()[0].shape, dtype=np.float32)
    feeds = {session.get_inputs()[0].name: noise}

    def median() -> float:
        session.run(None, feeds)
        durations: list[float] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            session.run(None, feeds)
            durations.append(1000 * (time.perf_counter() - begin))
        return statistics.median(durations)

    return median


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
    controls: list[float] = []
    control = native(arguments.model, arguments.min_time)
    with visits(arguments.browser) as visit:
        for (run,) in idle_visits(visit, arguments.sessions, **asked):
            if not medians:
                print(versions(run))
            summary = summarise([sample.duration_ms for sample in run.samples])
            assert summary.median_ms is not None
            medians.append(summary.median_ms)
            interval = f"{summary.median_low_ms or 0:.2f} to {summary.median_high_ms or 0:.2f}"
            controls.append(control())
            doubts = ", ".join(warning.code for warning in run.warnings)
            print(
                f"session {len(medians)}: median {summary.median_ms:.2f} ms ({interval}) of {summary.n} samples"
                f"{f'; {doubts}' if doubts else ''}; control {controls[-1]:.2f} ms",
                flush=True,
            )
    print(f"control: greatest median over the least {_apart(controls):.3g} % more")
    kept = verdict("sessions: greatest median over the least", _apart(medians), LIMIT_PERCENT, "% more")
    if not kept and _apart(controls) > LIMIT_PERCENT:
        print(
            "NOT STEADY: one native session differs from itself by more than the limit on this machine; measure on a steadier one"
        )
    return 0 if kept else 1


def _apart(medians: list[float]) -> float:
    """How much more the greatest is than the least, in percent."""
    return 100 * (max(medians) / min(medians) - 1)


if __name__ == "__main__":
    sys.exit(main())
