"""Each doubt about a measurement is seen when it is there, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.javascript import JavaScript

WARN = """({warningsFor}, {durations, measured, asked, device, hidden}) => {
  const samples = durations.map(duration_ms => ({start_ms: 0, duration_ms}));
  return warningsFor({threads: 2, hashed: true, stopped_by: 'iterations', samples, ...measured},
    {backend: 'wasm', threads: 2, iterations: 5, timeBudgetS: 120, ...asked},
    {cross_origin_isolated: true, gpu_software: null, timer_step_ms: 0.005, ...device}, hidden);
}"""
STEADY = [10.0, 10.5, 9.5, 10.0, 10.0]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"hidden": True}, ["tab_hidden"]),
        ({"device": {"cross_origin_isolated": False}, "measured": {"threads": 1}}, ["not_isolated"]),
        ({"device": {"cross_origin_isolated": False}, "asked": {"backend": "webgpu"}}, []),
        ({"measured": {"threads": 1}}, ["fewer_threads"]),
        ({"asked": {"backend": "webgpu"}, "device": {"gpu_software": True}}, ["software_gpu"]),
        ({"device": {"gpu_software": True}}, []),
        ({"measured": {"hashed": False}}, ["hash_unchecked"]),
        ({"measured": {"hashed": None}}, []),
        ({"measured": {"stopped_by": "time_budget"}, "durations": [10.0]}, ["time_budget"]),
        ({"device": {"timer_step_ms": 0.1}}, []),
        ({"device": {"timer_step_ms": 0.11}}, ["coarse_timer"]),
        ({"device": {"timer_step_ms": 1.0}, "durations": [0, 0, 0, 0, 0]}, ["coarse_timer"]),
        ({"durations": [15.1, 10, 10, 10, 10]}, ["slow_first_sample"]),
        ({"durations": [15.0, 10, 10, 10, 10]}, []),
        ({"durations": [15.1, 10, 10, 10]}, []),
        ({"durations": []}, []),
        ({"asked": {"placement": True}}, ["placement"]),
        ({"asked": {"placement": False}}, []),
    ],
)  # fmt: skip
def test_doubts(javascript: JavaScript, changes: dict[str, Any], codes: list[str]) -> None:
    argument = {"durations": STEADY, "measured": {}, "asked": {}, "device": {}, "hidden": False, **changes}
    warnings = javascript("warnings.js", WARN, argument)
    assert [warning["code"] for warning in warnings] == codes
    assert all(warning["message"].endswith(".") for warning in warnings)
