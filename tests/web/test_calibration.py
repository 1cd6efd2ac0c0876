"""The calibration loop: what it makes of passes, and that it is quick, repeatable, and gives way."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.javascript import JavaScript

# A clock in steps of `step` ms, and passes that take the scripted times, begun again when used up.
SCRIPTED = """({measurePasses}, {passes, step}) => {
  let [time, pass] = [0, 0];
  const now = () => { time += 1e-4; return Math.floor(time / step) * step; };
  return measurePasses(now, () => { time += passes[pass % passes.length]; pass += 1; return 0; });
}"""


@pytest.mark.parametrize(
    ("passes", "step", "fastest", "lost"),
    [
        ([1.0], 0.005, 1.0, 0.0),
        ([1.0, 3.0], 0.005, 1.0, 0.5),
        ([2.0, 2.0, 2.0, 14.0], 0.005, 2.0, 0.6),
        # So coarse that single passes cannot be timed: twenty steps at a time can.
        ([1.0], 1.0, 1.0, 0.0),
        ([0.6], 1.0, 0.6, 0.0),
    ],
)
def test_the_loop_tells_its_fastest_pass_and_what_it_lost(
    javascript: JavaScript, passes: list[float], step: float, fastest: float, lost: float
) -> None:
    found = javascript("calibration_loop.js", SCRIPTED, {"passes": passes, "step": step})
    assert found["fastest_ms"] == pytest.approx(fastest, rel=0.06)
    assert found["lost_share"] == pytest.approx(lost, abs=0.06)


def test_a_calibration_is_the_fastest_pass_and_the_median_workers_loss(javascript: JavaScript) -> None:
    passes = [
        {"fastest_ms": 1.25, "lost_share": 0.5},
        {"fastest_ms": 1.0, "lost_share": 0.0},
        {"fastest_ms": 1.5, "lost_share": 0.25},
    ]
    found = javascript("calibration.js", "(m, passes) => m.summary(passes)", passes)
    assert found == {"workers": 3, "loop_ms": 1.0, "lost_share": 0.25}


TIMED = """async ({calibrate}, cores) => {
  const begin = performance.now();
  const found = await calibrate(cores);
  return {...found, took: performance.now() - begin};
}"""


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 2), (8, 8), (64, 8), (None, 1)])
def test_there_is_a_worker_for_each_core_up_to_eight(javascript: JavaScript, cores: int | None, workers: int) -> None:
    found = javascript("calibration.js", TIMED, cores)
    assert found["workers"] == workers
    assert 0 < found["loop_ms"] < 100
    assert 0 <= found["lost_share"] < 1
    assert 200 <= found["took"] < 10_000  # a machine that is busy takes seconds to start eight workers


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Other programs that compute without end."""
    spin = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    # Each in a session of its own: Linux shares the processor out among sessions first, and all of these would count as one.
    running = [subprocess.Popen(spin, stdout=subprocess.PIPE, start_new_session=True) for _ in range(processes)]
    try:
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in running:
            process.kill()
            process.communicate()


def test_a_loop_that_shares_its_cores_loses_time_and_is_as_fast_at_its_fastest(javascript: JavaScript) -> None:
    alone = javascript("calibration.js", TIMED, 1)
    with busy(2 * (os.cpu_count() or 1)):
        shared = javascript(
            "calibration.js", TIMED, javascript("calibration.js", "() => navigator.hardwareConcurrency")
        )
    assert shared["lost_share"] > 0.3
    assert shared["loop_ms"] == pytest.approx(alone["loop_ms"], rel=0.5)


STOPPED = """async ({calibrate}, late) => {
  const control = new AbortController();
  if (!late) control.abort();
  const begin = performance.now();
  setTimeout(() => control.abort(), 20);
  return {found: await calibrate(2, control.signal), took: performance.now() - begin};
}"""


@pytest.mark.parametrize("late", [False, True])
def test_it_can_be_stopped(javascript: JavaScript, late: bool) -> None:
    stopped = javascript("calibration.js", STOPPED, late)
    assert stopped["found"] is None
    assert stopped["took"] < 2000


IMPOSSIBLE = """async ({calibrate}, how) => {
  const Real = Worker;
  const console_warn = console.warn;
  const said = [];
  console.warn = (...words) => said.push(words.join(' '));
  window.Worker = how === 'refused' ? class { constructor() { throw new Error('no workers here'); } }
    : class extends Real { constructor() { super('data:text/javascript,throw new Error("a worker that fails")'); } };
  try { return {found: await calibrate(2), said}; } finally { window.Worker = Real; console.warn = console_warn; }
}"""


@pytest.mark.parametrize(("how", "why"), [("refused", "no workers here"), ("fails", "could not be loaded or run")])
def test_where_workers_cannot_be_had_there_is_none_and_the_console_says_why(
    javascript: JavaScript, how: str, why: str
) -> None:
    found = javascript("calibration.js", IMPOSSIBLE, how)
    assert found["found"] is None
    assert len(found["said"]) == 1
    assert why in found["said"][0]
