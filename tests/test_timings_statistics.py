"""Summaries of samples, against numbers that were worked out with exact fractions."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from timings.statistics import summarise

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors" / "statistics.json").read_bytes())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_summary_is_what_exact_arithmetic_gives(vector: dict[str, Any]) -> None:
    summary = dataclasses.asdict(summarise(vector["samples_ms"]))
    assert summary.pop("n") == len(vector["samples_ms"])
    assert summary.keys() == vector["expected"].keys()
    for name, expected in vector["expected"].items():
        assert summary[name] == (None if expected is None else pytest.approx(expected, rel=1e-12, abs=0)), name


def test_equal_samples_have_exactly_no_spread() -> None:
    for value in (0.1, 207.3, 1 / 3, 1e9 + 0.1):
        for count in range(2, 40):
            summary = summarise([value] * count)
            assert (summary.mean_ms, summary.sd_ms, summary.p95_ms) == (value, 0, value)


def test_what_cannot_be_known_is_none_and_not_zero() -> None:
    assert dataclasses.astuple(summarise([])) == (0, None, None, None, None, None, None)
    assert summarise([5.0]).sd_ms is None


def test_the_order_of_the_samples_does_not_matter() -> None:
    samples = [3.0, 1.0, 2.0, 480.0, 1.5]
    assert summarise(samples) == summarise(sorted(samples)) == summarise(samples[::-1])
