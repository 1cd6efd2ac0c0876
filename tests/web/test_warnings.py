"""Each doubt about a measurement is seen when it is there, and only then: by rule, and by how often chance alone passes for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from scripts.serving import ROOT
from tests.support.javascript import JavaScript

Floats = NDArray[np.float64]

WARN = """({warningsFor}, cases) => cases.map(({durations, measured, asked, device, conditions, order, clockOffsetS}) => {
  const samples = durations.map(duration_ms => ({start_ms: 0, duration_ms, round: 1}));
  return warningsFor(
    {threads: 2, hashed: true, stopped_by: 'iterations', warmup_ended_by: 'agreement', warmup_iterations: 10, placement: null, samples, ...measured},
    {backend: 'wasm', threads: 2, iterations: 5, minTimeS: 0, precision: null, timeBudgetS: 120, placement: false, ...asked},
    {cross_origin_isolated: true, gpu_software: null, gpu_description: null, webgl_renderer: null, timer_step_ms: 0.005, ...device},
    {conditions: conditions === null ? null : {times_hidden: 0, repeats: 0, wake_lock: 'held', battery_level: null, battery_charging: null,
      calibration_before: null, calibration_after: null, ...conditions},
     order: order === null ? null : {batch_id: '', mode: 'interleaved', seed: 1, position: 1, runs: 3, block: 1, reason: null, ...order},
     clockOffsetS});
})"""
BLANK: dict[str, Any] = {"measured": {}, "asked": {}, "device": {}, "conditions": {}, "order": {}, "clockOffsetS": 0}
STEADY = [10.0, 10.5, 9.5, 10.0, 10.0]
QUIET = {"workers": 2, "loop_ms": 1.08, "lost_share": 0.15}
BUSY = {"workers": 2, "loop_ms": 1.08, "lost_share": 0.52}
SLOWER = {"workers": 2, "loop_ms": 1.14, "lost_share": 0.02}
RISING = [10 + index / 30 for index in range(30)]
MIXED = {"webgpu": {"Conv": 10, "Relu": 2}, "wasm": {"NonMaxSuppression": 1, "TopK": 2}}
SWIFTSHADER = "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)"


def warnings_for(javascript: JavaScript, cases: list[dict[str, Any]]) -> list[list[dict[str, str]]]:
    found: list[list[dict[str, str]]] = javascript("warnings.js", WARN, [{**BLANK, **case} for case in cases])
    return found


def warn(javascript: JavaScript, case: dict[str, Any]) -> list[dict[str, str]]:
    (found,) = warnings_for(javascript, [{"durations": STEADY, **case}])
    return found


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"durations": []}, []),
        ({"conditions": None, "order": None}, []),
        ({"conditions": {"times_hidden": 1}}, ["tab_hidden"]),
        ({"conditions": {"wake_lock": "refused"}}, ["wake_lock_refused"]),
        ({"conditions": {"wake_lock": "unsupported"}}, []),
        ({"conditions": {"battery_level": 0.5, "battery_charging": False}}, ["on_battery"]),
        ({"conditions": {"battery_level": 0.5, "battery_charging": True}}, []),
        ({"conditions": {"calibration_before": QUIET, "calibration_after": QUIET}}, []),
        ({"conditions": {"calibration_before": BUSY}}, ["background_load"]),
        ({"conditions": {"calibration_before": QUIET, "calibration_after": BUSY}}, ["background_load"]),
        ({"clockOffsetS": 60}, []),
        ({"clockOffsetS": 60.5}, ["clock_skew"]),
        ({"clockOffsetS": -60.5}, ["clock_skew"]),
        ({"clockOffsetS": None}, []),
        ({"device": {"cross_origin_isolated": False}, "measured": {"threads": 1}}, ["not_isolated"]),
        ({"device": {"cross_origin_isolated": False}, "asked": {"backend": "webgpu"}}, []),
        ({"measured": {"threads": 1}}, ["fewer_threads"]),
        ({"asked": {"backend": "webgpu"}, "measured": {"placement": MIXED}}, ["fell_back"]),
        ({"asked": {"backend": "webgpu"}, "measured": {"placement": {"webgpu": {"Conv": 12}}}}, []),
        ({"measured": {"placement": {"wasm": {"*": 12}}}}, []),
        ({"asked": {"backend": "webgpu"}, "device": {"gpu_software": True}}, ["software_gpu"]),
        ({"device": {"gpu_software": True, "webgl_renderer": SWIFTSHADER}}, []),
        ({"asked": {"backend": "webgl"}, "device": {"webgl_renderer": SWIFTSHADER}}, ["software_gpu"]),
        ({"asked": {"backend": "webgl"}, "device": {"gpu_software": True, "webgl_renderer": "Mali-G78"}}, []),
        ({"measured": {"hashed": False}}, ["hash_unchecked"]),
        ({"measured": {"hashed": None}}, []),
        ({"order": {"mode": "sequential", "reason": "order=sequential"}}, ["sequential"]),
        ({"order": {"mode": "alone", "runs": 1}}, []),
        ({"measured": {"stopped_by": "time_budget"}, "durations": [10.0]}, ["time_budget", "few_samples"]),
        ({"measured": {"stopped_by": "user"}}, ["stopped_by_user"]),
        ({"measured": {"warmup_ended_by": "limit"}}, ["not_settled"]),
        ({"measured": {"warmup_ended_by": "count"}}, []),
        ({"measured": {"end_to_end_failure": "it hung"}}, ["end_to_end_failed"]),
        ({"durations": [10.0, 10.0, 10.0, 10.0]}, ["few_samples"]),
        ({"device": {"timer_step_ms": 0.1}}, []),
        ({"device": {"timer_step_ms": 0.11}}, ["coarse_timer"]),
        ({"device": {"timer_step_ms": 1.0}, "durations": [0, 1, 0, 1, 1]}, ["zero_times", "coarse_timer"]),
        ({"durations": [15.1, 10, 10, 10, 10]}, ["slow_first_sample"]),
        ({"durations": [15.0, 10, 10, 10, 10]}, []),
        ({"durations": [15.1, 10, 10, 10]}, ["few_samples"]),
        ({"asked": {"placement": True}}, ["placement"]),
        ({"durations": RISING}, ["drift"]),
        ({"durations": RISING[::-1]}, ["drift"]),
        ({"durations": RISING, "conditions": {"calibration_before": QUIET, "calibration_after": SLOWER}}, ["drift", "thermal_slowdown"]),
        ({"durations": RISING, "conditions": {"calibration_before": QUIET, "calibration_after": QUIET}}, ["drift"]),
        ({"durations": RISING[::-1], "conditions": {"calibration_before": QUIET, "calibration_after": SLOWER}}, ["drift"]),
        ({"durations": STEADY * 6, "conditions": {"calibration_before": QUIET, "calibration_after": SLOWER}}, []),
        ({"durations": [10.0, 10.1, 15.0] * 10}, ["bimodal"]),
        ({"durations": [10.0, 10.1, 10.05, 10.1, 15.0, 10.0] * 2 + [10.0, 10.1] * 9}, ["heavy_tail"]),
    ],
)  # fmt: skip
def test_doubts(javascript: JavaScript, changes: dict[str, Any], codes: list[str]) -> None:
    warnings = warn(javascript, changes)
    assert [warning["code"] for warning in warnings] == codes
    assert all(warning["message"].endswith(".") for warning in warnings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"conditions": {"times_hidden": 2, "repeats": 1}}, "The tab was hidden 2 times, so the run began again 1 time; "),
        ({"conditions": {"times_hidden": 1}, "measured": {"end_to_end_hidden": True}}, "hidden 1 time, so its times end to end were dropped; "),
        ({"conditions": {"times_hidden": 2, "repeats": 1}, "measured": {"end_to_end_hidden": True}}, "again 1 time and its times end to end were dropped; "),
        ({"measured": {"end_to_end_failure": "it hung"}}, "What follows the samples failed, so there is no time end to end: it hung."),
        ({"conditions": {"battery_level": 0.538, "battery_charging": False}}, "ran on its battery, 54 % full; "),
        ({"conditions": {"battery_charging": False}}, "ran on its battery; "),
        ({"conditions": {"calibration_before": BUSY, "calibration_after": BUSY}}, "a calibration loop lost 52 % of its time before and 52 % of its time after the run."),
        ({"clockOffsetS": 3600.2}, "clock is 3600 s ahead of the server's, so this run seems to have begun by as much too late. Set the clock."),
        ({"clockOffsetS": -90}, "clock is 90 s behind the server's, so this run seems to have begun by as much too early. Set the clock."),
        ({"measured": {"threads": 1}}, "2 threads were asked for, 1 ran."),
        ({"asked": {"backend": "webgpu"}, "measured": {"placement": MIXED}}, "Not all of it ran on webgpu: 3 of 15 nodes on wasm, "),
        ({"asked": {"backend": "webgl"}, "device": {"webgl_renderer": SWIFTSHADER}}, f"emulated in software ({SWIFTSHADER}), "),
        ({"order": {"mode": "sequential", "reason": "too large"}}, "not in turns with the 2 other runs (too large): "),
        ({"measured": {"stopped_by": "time_budget"}, "asked": {"iterations": 30}}, "Cut short by the time budget of 120 s: 5 of 30 samples. "),
        ({"measured": {"stopped_by": "time_budget"}, "asked": {"precision": 0.02}}, "5 samples, before the median was known to 2 %."),
        ({"measured": {"stopped_by": "time_budget"}, "asked": {"minTimeS": 1}}, "5 samples, before they spanned 1 s."),
        ({"measured": {"stopped_by": "user"}, "asked": {"iterations": 30}}, "Stopped by hand: 5 of 30 samples."),
        ({"measured": {"warmup_ended_by": "limit", "warmup_iterations": 60}}, "after 60 inferences: "),
        ({"device": {"timer_step_ms": 1.0}, "durations": [0, 1, 0, 1, 1]}, "2 samples of 5 took 0 ms by this browser's clock, whose steps are 1 ms: "),
        ({"device": {"timer_step_ms": 1.0}}, "in steps of 1 ms, over 1 % of the median of 10.0 ms. Time a larger model."),
        ({"device": {"timer_step_ms": 1.0, "cross_origin_isolated": False}, "asked": {"backend": "webgpu"}}, "10.0 ms. Open the page over https "),
        ({"durations": [15.1, 10, 10, 10, 10]}, "The first sample took 15.1 ms, over 1.5 times the others' median of 10.0 ms: "),
        ({"durations": RISING}, "became slower: a median of 10.1 ms in the first third, 10.8 ms in the last (6.6 %)."),
        ({"durations": RISING[::-1]}, "became faster: a median of 10.8 ms in the first third, 10.1 ms in the last (6.2 %)."),
        ({"durations": RISING, "conditions": {"calibration_before": QUIET, "calibration_after": SLOWER}}, "calibration loop took 1.08 ms before and 1.14 ms after."),
        ({"durations": [10.0, 10.1, 15.0] * 10}, "of two kinds: 20 around 10.1 ms and 10 around 15.0 ms."),
        ({"durations": [10.0, 10.0, 10.0, 15.0, 10.0, 10.0] * 4}, "4 of 24 samples took over 11.0 ms, far beyond the rest, the slowest 15.0 ms: "),
    ],
)  # fmt: skip
def test_a_doubt_says_what_was_seen_with_its_numbers(
    javascript: JavaScript, changes: dict[str, Any], said: str
) -> None:
    assert said in " ".join(warning["message"] for warning in warn(javascript, changes))


def test_every_code_can_be_provoked_by_the_cases_above(javascript: JavaScript) -> None:
    cases = test_doubts.pytestmark[0].args[1]
    assert {code for _, codes in cases for code in codes} == set(javascript("warnings.js", "m => m.WARNING_CODES"))


def test_every_code_is_in_the_methods_table(javascript: JavaScript) -> None:
    method = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    section = method.split("\n## Warnings\n")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert listed == javascript("warnings.js", "m => m.WARNING_CODES")


def _quantised(scale: float, noise: float, step: float) -> Callable[[Generator, int], Floats]:
    return lambda random, n: np.round(scale * random.normal(1, noise, n) / step) * step


NOISES: dict[str, tuple[Callable[[Generator, int], Floats], float]] = {
    "normal, 1 %": (lambda random, n: 30 * random.normal(1, 0.01, n), 0.005),
    "normal, 10 %": (lambda random, n: 30 * random.normal(1, 0.1, n), 0.005),
    "lognormal, 5 %": (lambda random, n: 30 * random.lognormal(0, 0.05, n), 0.005),
    "lognormal, 20 %": (lambda random, n: 30 * random.lognormal(0, 0.2, n), 0.005),
    "a clock of 0.1 ms on 2 ms": (_quantised(2, 0.02, 0.1), 0.1),
    "a clock of 0.1 ms on 20 ms": (_quantised(20, 0.03, 0.1), 0.1),
    "a clock of 1 ms on 5 ms": (_quantised(5, 0.1, 1), 1.0),
    "a clock of 1 ms on 60 ms": (_quantised(60, 0.03, 1), 1.0),
}
TRIALS = 1000


@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("noise", NOISES)
def test_equal_noisy_samples_are_hardly_ever_doubted(javascript: JavaScript, noise: str, n: int) -> None:
    make, step = NOISES[noise]
    random = np.random.default_rng(20261101 + n)
    calibrated = {"calibration_before": QUIET, "calibration_after": SLOWER}
    cases = [
        {"durations": make(random, n).tolist(), "device": {"timer_step_ms": step}, "conditions": calibrated}
        for _ in range(TRIALS)
    ]
    seen = [[warning["code"] for warning in warnings] for warnings in warnings_for(javascript, cases)]
    for code in ("drift", "thermal_slowdown", "bimodal", "heavy_tail", "slow_first_sample"):
        assert sum(code in codes for codes in seen) <= TRIALS / 100, code


def _shifted(random: Generator) -> Floats:
    pace: Floats = np.repeat([1, 1.05], 15)
    return 30 * random.normal(1, 0.01, 30) * pace


def _climbing(random: Generator) -> Floats:
    return 30 * random.normal(1, 0.01, 30) * np.linspace(1, 1.1, 30)


def _two_speeds(random: Generator) -> Floats:
    kinds: Floats = random.permutation(np.repeat([20.0, 25.0], [18, 12]))
    return kinds * random.normal(1, 0.02, 30)


def _interrupted(random: Generator) -> Floats:
    slow: Floats = random.permutation(np.repeat([1.0, 2.0], [27, 3]))
    return 30 * random.normal(1, 0.02, 30) * slow


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (_shifted, {"drift"}),
        (_climbing, {"drift", "thermal_slowdown"}),
        (_two_speeds, {"bimodal"}),
        (_interrupted, {"heavy_tail"}),
    ],
)
def test_what_is_really_there_is_found_in_noise(
    javascript: JavaScript, make: Callable[[Generator], Floats], codes: set[str]
) -> None:
    random = np.random.default_rng(7)
    calibrated = {"calibration_before": QUIET, "calibration_after": SLOWER}
    cases = [{"durations": make(random).tolist(), "conditions": calibrated} for _ in range(500)]
    seen = [{warning["code"] for warning in warnings} for warnings in warnings_for(javascript, cases)]
    assert sum(codes <= found for found in seen) >= 475
