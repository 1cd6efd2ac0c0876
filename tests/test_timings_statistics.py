"""Summaries of samples, against numbers that were worked out with exact fractions."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from timings.statistics import median_ranks, summarise

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
    assert dataclasses.astuple(summarise([])) == (0, *[None] * 8)
    assert summarise([5.0]).sd_ms is None


def test_the_order_of_the_samples_does_not_matter() -> None:
    samples = [3.0, 1.0, 2.0, 480.0, 1.5]
    assert summarise(samples) == summarise(sorted(samples)) == summarise(samples[::-1])


def test_the_medians_ranks_are_the_closest_that_hold_it_in_95_percent_of_cases() -> None:
    # Conover, Practical Nonparametric Statistics (1999), and every table of the sign test since.
    assert [median_ranks(n) for n in range(9)] == [*[None] * 6, (1, 6), (1, 7), (1, 8)]
    assert [median_ranks(n) for n in (9, 10, 20, 30, 100)] == [(2, 8), (2, 9), (6, 15), (10, 21), (40, 61)]
    for n in (6, 17, 30, 200):
        ranks = median_ranks(n)
        assert ranks is not None
        low, high = ranks
        held = Fraction(sum(math.comb(n, below) for below in range(low, high)), 2**n)
        assert held >= Fraction(95, 100)
        assert held - 2 * Fraction(math.comb(n, low), 2**n) < Fraction(95, 100)


@pytest.mark.parametrize("n", [6, 10, 30, 101])
@pytest.mark.parametrize("shape", ["normal", "skewed", "heavy tails", "two kinds"])
def test_the_interval_holds_the_median_of_any_distribution_in_95_percent_of_trials(n: int, shape: str) -> None:
    random = np.random.default_rng(20261101)
    trials = 20_000
    draw: dict[str, Callable[[], tuple[NDArray[np.float64], float]]] = {
        "normal": lambda: (random.normal(20, 1, (trials, n)), 20),
        "skewed": lambda: (random.exponential(1, (trials, n)), math.log(2)),
        "heavy tails": lambda: (random.standard_cauchy((trials, n)), 0),
        # 0.6 of the lower kind, whose upper sixth the median is below.
        "two kinds": lambda: (random.random((trials, n)) + 9 * (random.random((trials, n)) > 0.6), 5 / 6),
    }
    samples, median = draw[shape]()
    ranks = median_ranks(n)
    assert ranks is not None
    low, high = np.sort(samples, axis=1)[:, [ranks[0] - 1, ranks[1] - 1]].T
    # Three standard errors of so many trials are 0.5 %.
    assert ((low <= median) & (median <= high)).mean() >= 0.945


def test_an_interval_is_of_samples_and_none_for_fewer_than_six() -> None:
    summary = summarise([31.2, 29.8, 30.4, 35.1, 30.0, 29.9])
    assert (summary.median_low_ms, summary.median_high_ms) == (29.8, 35.1)
    few = summarise([31.2, 29.8, 30.4, 35.1, 30.0])
    assert (few.median_low_ms, few.median_high_ms) == (None, None)
