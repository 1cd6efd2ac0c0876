"""web/table.js and web/facts.js: the five numbers apart, what was asked for beside what ran, and why a run ended early."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.javascript import JavaScript

SAMPLES = [{"start_ms": 0, "duration_ms": 20 + index, "round": 1 + index // 3} for index in range(6)]
RUN: dict[str, Any] = {
    "run_id": "0a",
    "runtime": "onnxruntime-web",
    "runtime_version": "1.30.0",
    "model": "resnet50",
    "variant": "fp32",
    "backend": "wasm",
    "device_type": None,
    "threads_requested": 2,
    "threads": 2,
    "iterations_requested": 6,
    "min_time_s": 0,
    "precision": None,
    "warmup_iterations": 10,
    "warmup_ended_by": "agreement",
    "stopped_by": "iterations",
    "download_ms": 1234.5,
    "download_cached": False,
    "runtime_ms": 800.25,
    "session_ms": 700.5,
    "first_ms": 90,
    "samples": SAMPLES,
    "end_to_end": [
        {"preprocess_ms": 3, "inference_ms": 20, "postprocess_ms": 1},
        {"preprocess_ms": 4, "inference_ms": 22, "postprocess_ms": 2},
        {"preprocess_ms": 5, "inference_ms": 30, "postprocess_ms": 3},
    ],
    "verification": None,
    "final_check": None,
    "placement": None,
    "order": None,
    "conditions": None,
    "warnings": [],
    "error": None,
}
ROW = """({finishedRow}, run) => {
  const row = finishedRow(run, 'ResNet-50', () => {});
  return Object.fromEntries([...row.cells].map(cell => [cell.dataset.field, [...cell.querySelectorAll('.line')].map(line => line.textContent).join('; ') || cell.textContent]));
}"""
FACTS = "({factsOf}, run) => Object.fromEntries(factsOf(run).map(([, value, field]) => [field, value]))"


def cells_of(javascript: JavaScript, **changes: object) -> dict[str, str]:
    found: dict[str, str] = javascript("table.js", ROW, RUN | changes)
    return found


def facts_of(javascript: JavaScript, **changes: object) -> dict[str, str]:
    found: dict[str, str] = javascript("facts.js", FACTS, RUN | changes)
    return found


def test_the_five_numbers_stand_apart(javascript: JavaScript) -> None:
    cells = cells_of(javascript)
    assert (cells["download_ms"], cells["runtime_ms"], cells["session_ms"], cells["first_ms"]) == (
        "1235",
        "800",
        "701",
        "90.0",
    )
    assert (cells["median_ms"], cells["interval"], cells["n"]) == ("22.5", "20.0 to 25.0", "6")
    assert cells["end_to_end_ms"] == "28.0"


def test_what_is_not_known_is_not_a_zero(javascript: JavaScript) -> None:
    cells = cells_of(javascript, runtime_ms=None, end_to_end=[], samples=SAMPLES[:5])
    assert (cells["runtime_ms"], cells["end_to_end_ms"], cells["interval"]) == ("\N{EN DASH}", "", "")
    facts = facts_of(javascript, runtime_ms=None, end_to_end=[], samples=SAMPLES[:1])
    assert not {"runtime_ms", "end_to_end_ms", "interval", "sd_ms", "nodes_fallen_back", "order"} & facts.keys()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "WebAssembly; 2 threads"),
        ({"threads_requested": 8, "threads": 1}, "WebAssembly; 1 thread; 8 were asked for"),
        ({"backend": "webgpu"}, "WebGPU"),
        ({"backend": "webgpu", "placement": {"webgpu": {"Conv": 50}}}, "WebGPU; every node"),
        ({"backend": "webgpu", "placement": {"webgpu": {"*": 9}, "wasm": {"NonMaxSuppression": 1, "Loop": 2}}}, "WebGPU; 3 nodes in WebAssembly"),
        ({"backend": "webnn", "device_type": "npu"}, "WebNN; NPU"),
        ({"backend": "webgl"}, "WebGL"),
    ],
)  # fmt: skip
def test_what_was_asked_for_stands_beside_what_ran(
    javascript: JavaScript, changes: dict[str, object], said: str
) -> None:
    assert cells_of(javascript, **changes)["backend"] == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "6"),
        ({"stopped_by": "precision"}, "6"),
        ({"stopped_by": "time_budget", "iterations_requested": 30}, "6; of 30: time budget"),
        ({"stopped_by": "user", "iterations_requested": 30}, "6; of 30: stopped"),
        ({"stopped_by": "user", "iterations_requested": 5}, "6; stopped"),
    ],
)
def test_a_run_that_ended_early_says_so(javascript: JavaScript, changes: dict[str, object], said: str) -> None:
    assert cells_of(javascript, **changes)["n"] == said


def test_all_else_is_told_beneath_the_plot(javascript: JavaScript) -> None:
    order = {"batch_id": "b", "mode": "interleaved", "seed": 7, "position": 2, "runs": 12, "block": 3, "reason": None}
    calibration = {"workers": 2, "loop_ms": 5, "lost_share": 0.123}
    conditions = {
        "times_hidden": 2,
        "repeats": 1,
        "wake_lock": "held",
        "battery_level": 0.5,
        "battery_charging": False,
        "calibration_before": calibration,
        "calibration_after": None,
    }
    facts = facts_of(javascript, order=order, conditions=conditions)
    assert facts == {
        "download_ms": "1235 ms",
        "runtime_ms": "800 ms",
        "session_ms": "701 ms",
        "first_ms": "90.0 ms",
        "median_ms": "22.5 ms of 6 samples",
        "interval": "20.0 to 25.0 ms",
        "mean_ms": "22.5 ms",
        "sd_ms": "1.87 ms",
        "p95_ms": "24.8 ms",
        "range": "20.0 to 25.0 ms",
        "end_to_end_ms": "28.0 ms, median of 3",
        "end_to_end_parts": "4.00 before, 22.0 inference, 2.00 after (ms)",
        "warmup_iterations": "10, until it was steady",
        "stopped_by": "enough samples",
        "order": "2 of 12, in turns with those of block 3, seed 7",
        "times_hidden": "2 times, begun again 1 time",
        "battery": "battery, 50 % charged",
        "lost_share": "12.3 % before, not measured after",
        "runtime": "onnxruntime-web 1.30.0",
    }


def test_warnings_are_named_and_told_and_the_order_too(javascript: JavaScript) -> None:
    warnings = [
        {"code": "tab_hidden", "message": "The tab was hidden."},
        {"code": "drift", "message": "It slowed down."},
    ]
    order = {"batch_id": "b", "mode": "interleaved", "seed": 7, "position": 2, "runs": 3, "reason": None}
    notes = """({finishedRow}, run) => {
      const notes = finishedRow(run, '', () => {}).querySelector('[data-field=notes]');
      return [notes.querySelector('.line').textContent, notes.querySelector('summary').textContent, [...notes.querySelectorAll('[data-code]')].map(p => p.textContent)];
    }"""
    assert javascript("table.js", notes, RUN | {"warnings": warnings, "order": order}) == [
        "in turns with others",
        "2 warnings: tab hidden, drift",
        ["The tab was hidden.", "It slowed down."],
    ]
