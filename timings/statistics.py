"""Samples in, their summary out. web/statistics.js computes the same; tests/vectors/statistics.json holds both to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Summary:
    """What `n` durations amount to, in milliseconds. None is 'cannot be known': of no sample, or the spread of a single one."""

    n: int
    mean_ms: float | None
    sd_ms: float | None
    median_ms: float | None
    p95_ms: float | None
    min_ms: float | None
    max_ms: float | None


def summarise(samples_ms: Sequence[float]) -> Summary:
    """Mean, sample standard deviation (divisor n - 1), median and 95th percentile (linear interpolation), and the extremes."""
    if not samples_ms:
        return Summary(0, None, None, None, None, None, None)
    samples = np.asarray(samples_ms, dtype=np.float64)
    median, p95 = np.percentile(samples, [50, 95])
    # Around the median, because a mean of thirty times 0.1 is not 0.1: so equal samples have a deviation of exactly 0.
    offsets = samples - median
    return Summary(
        n=len(samples),
        mean_ms=float(median + offsets.mean()),
        sd_ms=float(offsets.std(ddof=1)) if len(samples) > 1 else None,
        median_ms=float(median),
        p95_ms=float(p95),
        min_ms=float(samples.min()),
        max_ms=float(samples.max()),
    )
