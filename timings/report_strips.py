"""Samples as a strip: each a tick on a logarithmic axis that all strips share, the median's interval and the median on top.

For a cell of a table, where timings.plots' whole figure does not fit: drawn on a grid of 1000 x 20, to be stretched to any width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from timings.cells import Measured

WIDTH: Final = 1000
HEIGHT: Final = 20
_FLOOR_MS: Final = 1e-3  # a logarithmic axis has no place for a duration of 0
_LEAST_SPAN: Final = 3.0
_MOST_TICKS: Final = 5


@dataclass(frozen=True)
class Axis:
    """From low_ms to high_ms over WIDTH. ticks: their labels and places."""

    low_ms: float
    high_ms: float
    ticks: tuple[tuple[str, float], ...] = ()

    def place(self, duration_ms: float) -> float:
        """Where on the axis a duration stands."""
        share = math.log(max(duration_ms, _FLOOR_MS) / self.low_ms) / math.log(self.high_ms / self.low_ms)
        return round(WIDTH * min(1.0, max(0.0, share)), 1)


@dataclass(frozen=True)
class Strip:
    """A run's samples as an SVG path of ticks, its median's place, and the places of the interval's ends if it has one."""

    path: str
    median: float
    interval: tuple[float, float] | None


def axis_of(durations_ms: Sequence[float]) -> Axis | None:
    """An axis that holds all of these with a little room on both sides; None for none."""
    if not durations_ms:
        return None
    low, high = (max(end, _FLOOR_MS) for end in (min(durations_ms), max(durations_ms)))
    room = max(1.05, math.sqrt(_LEAST_SPAN / (high / low)))
    bare = Axis(low / room, high * room)
    return Axis(bare.low_ms, bare.high_ms, _ticks(bare))


def strip_of(row: Measured, axis: Axis) -> Strip:
    """The strip of a run that was timed. Ticks that would fall onto the same place of the grid are drawn once."""
    summary = row.summary
    assert summary.median_ms is not None, "a run without an error has samples"
    places = sorted({round(axis.place(sample.duration_ms)) for sample in row.run.samples})
    low, high = summary.median_low_ms, summary.median_high_ms
    return Strip(
        path="".join(f"M{place} 0V{HEIGHT}" for place in places),
        median=axis.place(summary.median_ms),
        interval=None if low is None or high is None else (axis.place(low), axis.place(high)),
    )


def _ticks(axis: Axis) -> tuple[tuple[str, float], ...]:
    """Ones, twos and fives; of many, the powers of ten; of still more, some of them."""
    exponents = range(math.floor(math.log10(axis.low_ms)), math.ceil(math.log10(axis.high_ms)) + 1)
    for steps in ((1, 2, 5), (1,)):
        values = [step * 10.0**exponent for exponent in exponents for step in steps]
        inside = [value for value in values if axis.low_ms <= value <= axis.high_ms]
        if len(inside) <= _MOST_TICKS:
            break
    kept = inside[:: math.ceil(len(inside) / _MOST_TICKS)] if inside else []
    return tuple((f"{value:.12g}", axis.place(value)) for value in kept)
