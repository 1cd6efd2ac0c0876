"""What people read beside the numbers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.runs import make_run
from timings.display import backend_label, cut_short, notes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stopped_by": "iterations"}, None),
        ({"stopped_by": "time_budget", "iterations_requested": 30}, "5 of 30"),
        ({"stopped_by": "user", "iterations_requested": 30}, "5 of 30 until it was stopped"),
        ({"stopped_by": "time_budget", "min_time_s": 1.5}, "5, short of 1.5 s"),
        ({"stopped_by": "time_budget", "min_time_s": 2.0, "precision": 0.02}, "5, short of 2 s and 2.00%"),
        ({"stopped_by": "user", "precision": 0.02}, "5, short of 2.00% until it was stopped"),
    ],
)
def test_how_far_a_run_came_is_said_where_it_was_cut_short(changes: dict[str, Any], words: str | None) -> None:
    run = make_run(**changes)
    assert cut_short(run) == words
    assert notes(run) == (f"cut short: {words}" if words else "")


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"threads": 1}, "wasm, 1 thread"),
        ({"threads": 4}, "wasm, 4 threads"),
        ({"backend": "webgl"}, "webgl"),
        ({"backend": "webnn", "device_type": "npu"}, "webnn, npu"),
    ],
)
def test_a_backend_in_words(changes: dict[str, Any], label: str) -> None:
    assert backend_label(make_run(**changes)) == label
