"""Samples in, their summary out. web/statistics.js computes the same; tests/vectors/statistics.json holds both to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Summary:
    """What `n` durations amount to, in milliseconds. None is 'cannot be known': of no sample, or the spread of a single one.

    median_low_ms, median_high_ms: the median's 95 % interval, None for fewer than six samples.
    """

    n: int
    mean_ms: float | None
    sd_ms: float | None
    median_ms: float | None
    p95_ms: float | None
    min_ms: float | None
    max_ms: float | None
    median_low_ms: float | None
    median_high_ms: float | None


def summarise(samples_ms: Sequence[float]) -> Summary:
    """Mean, sample standard deviation (divisor n - 1), median with its interval, 95th percentile (linear interpolation), extremes."""
    if not samples_ms:
        return Summary(0, None, None, None, None, None, None, None, None)
    samples = np.sort(np.asarray(samples_ms, dtype=np.float64))
    median, p95 = np.percentile(samples, [50, 95])
    # Around the median, because a mean of thirty times 0.1 is not 0.1: so equal samples have a deviation of exactly 0.
    offsets = samples - median
    ranks = median_ranks(len(samples))
    return Summary(
        n=len(samples),
        mean_ms=float(median + offsets.mean()),
        sd_ms=float(offsets.std(ddof=1)) if len(samples) > 1 else None,
        median_ms=float(median),
        p95_ms=float(p95),
        min_ms=float(samples[0]),
        max_ms=float(samples[-1]),
        median_low_ms=float(samples[ranks[0] - 1]) if ranks else None,
        median_high_ms=float(samples[ranks[1] - 1]) if ranks else None,
    )


@cache
def median_ranks(n: int) -> tuple[int, int] | None:
    """Which of `n` sorted samples, counted from 1, bound the population's median with at least 95 % confidence.

    Whatever the distribution, each sample lies below its median with probability 1/2, so that the number of samples below it is
    binomial (David and Nagaraja, Order Statistics, 3rd edition, section 7.1). Gives the closest ranks that are symmetric about the
    middle; None for fewer than six samples, whose extremes hold the median in 2 * 0.5**5 = 94 % of cases at best.
    """
    low, coefficient, tail = 0, 1, 1
    # tail / 2**n, in whole numbers and so exact, is the probability that at most `low` samples lie below the median.
    while tail * 40 <= 1 << n:
        low += 1
        coefficient = coefficient * (n - low + 1) // low
        tail += coefficient
    return (low, n + 1 - low) if low else None
