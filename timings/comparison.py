"""Two runs in, their ratio out, with an interval and a verdict on whether they differ.

Runs that took turns are compared round by round: what slows the device down for a while slows both, and cancels in the ratio (paired
blocks; Box, Hunter and Hunter, Statistics for Experimenters, chapter 3; for benchmarks: Kalibera and Jones, Rigorous Benchmarking in
Reasonable Time, ISMM 2013). For each round, the logarithm of the ratio of the two medians; over the rounds, their 20 % trimmed mean
with its 95 % t interval (Tukey and McLaughlin, 1963; Yuen, Biometrika 61, 1974).

Trimmed, because a round in which something else used the processor is far off, and the untrimmed interval then widens until it
finds nothing; with ten rounds, the two highest and the two lowest are set aside, whichever run they favour.

A difference is declared where the whole interval lies beyond 1 %, not beyond 0. A run is one session, and another session of the same
model, with its own memory and its own place on the cores, is a little faster or slower throughout: no number of rounds averages that
away, and an interval that excludes 1 by less would tell a model from itself. Nor can medians be told apart that are closer than a step of the
clock. benchmarks/aa_comparison.py counts how often a model is told from itself, and how often a slow-down of 5 % is found.

Runs that did not take turns are compared by the medians of their own rounds, unpaired (Yuen's interval for two trimmed means), and a
difference is declared only beyond 3 %: medians of repeated sessions of one model may lie that far apart (benchmarks/repeated_sessions.py).

Where the calibration loop found other programs at work, none is declared: what they take is not shared evenly, so that one of two equal
sessions may be slower in every round (seen: by 79 %, with a dozen busy processes on two cores).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from builder.errors import ZooError
from timings.records import Run
from timings.student import quantile

LEVEL: Final = 0.95
TRIM: Final = 0.2
# Of the rounds that both runs have: fewer would leave less than three after trimming.
LEAST_ROUNDS: Final = 5
BEYOND_PAIRED: Final = 0.01
BEYOND_UNPAIRED: Final = 0.03

# The warning's code, as the page gives it.
BUSY: Final = "background_load"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A ratio, second to first, and its 95 % interval."""

    ratio: float
    low: float
    high: float

    def lies_beyond(self, share: float) -> bool:
        """Whether all of it is further than that share from 1, on the same side."""
        return self.low > 1 + share or self.high < 1 / (1 + share)


@dataclass(frozen=True)
class Comparison:
    """How much longer the second run's inferences took than the first's.

    rounds: how many the interval rests on. paired: whether the two took turns. beyond: how far from 1 the whole interval has to lie for
    a difference to be declared. busy: whether other programs were at work, so that none is. notes: what weakens it, for people.
    """

    interval: Interval
    rounds: int
    paired: bool
    beyond: float
    busy: bool
    notes: tuple[str, ...]

    @property
    def declared(self) -> bool:
        """Whether the two differ, by all that can be told."""
        return not self.busy and self.interval.lies_beyond(self.beyond)


def compare(first: Run, second: Run) -> Comparison:
    """The second run against the first. Raises ZooError if either failed, or has too few rounds to compare."""
    for run in (first, second):
        if run.error is not None:
            raise ZooError(
                f"run {run.run_id} has no samples to compare",
                got=f"failed at {run.error.stage}: {run.error.message}",
                expected="two runs that were timed",
                next_step="choose another run: python -m timings csv lists them",
            )
    medians = [round_medians(run) for run in (first, second)]
    why_unpaired = _why_unpaired(first, second)
    notes = (*_notes(first, second), *why_unpaired)
    if why_unpaired:
        interval = unpaired(*(_logarithms(list(own.values())) for own in medians))
        rounds, least = min(map(len, medians)), BEYOND_UNPAIRED
    else:
        common = sorted(medians[0].keys() & medians[1].keys())
        logs = [_logarithms([own[number] for number in common]) for own in medians]
        interval, rounds, least = paired(logs[1] - logs[0]), len(common), BEYOND_PAIRED
    beyond = max(least, _clock_step(first, second) / min(min(own.values()) for own in medians))
    busy = any(warning.code == BUSY for run in (first, second) for warning in run.warnings)
    return Comparison(interval, rounds, not why_unpaired, beyond, busy, notes)


def round_medians(run: Run) -> dict[int, float]:
    """The median of each round's samples, by the round's number."""
    by_round: dict[int, list[float]] = {}
    for sample in run.samples:
        by_round.setdefault(sample.round, []).append(sample.duration_ms)
    return {number: float(np.median(durations)) for number, durations in by_round.items()}


def paired(log_ratios: Floats) -> Interval:
    """The interval of the typical ratio of `log_ratios`, one of each round. Raises ZooError for fewer than five."""
    _check_rounds(len(log_ratios))
    mean, variance, kept = _trimmed(log_ratios)
    return _interval(mean, variance, kept - 1)


def unpaired(first: Floats, second: Floats) -> Interval:
    """The interval of the ratio of two runs, from the logarithms of their own rounds' medians. Raises ZooError for fewer than five."""
    _check_rounds(min(len(first), len(second)))
    parts = [_trimmed(first), _trimmed(second)]
    (mean_1, variance_1, kept_1), (mean_2, variance_2, kept_2) = parts
    spread = variance_1**2 / (kept_1 - 1) + variance_2**2 / (kept_2 - 1)
    least = min(kept_1, kept_2) - 1
    # Welch's degrees of freedom, rounded down: the interval can only become wider.
    freedom = max(least, math.floor((variance_1 + variance_2) ** 2 / spread)) if spread > 0 else least
    return _interval(mean_2 - mean_1, variance_1 + variance_2, freedom)


def _trimmed(values: Floats) -> tuple[float, float, int]:
    """The trimmed mean, its squared standard error (from the winsorised variance), and how many values were not trimmed."""
    n = len(values)
    cut = math.floor(TRIM * n)
    kept = n - 2 * cut
    ordered = np.sort(values)
    winsorised = np.clip(ordered, ordered[cut], ordered[n - 1 - cut])
    return float(ordered[cut : n - cut].mean()), float(winsorised.var(ddof=1)) * (n - 1) / (kept * (kept - 1)), kept


def _interval(mean: float, variance: float, freedom: int) -> Interval:
    half = quantile((1 + LEVEL) / 2, freedom) * math.sqrt(variance)
    return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def _logarithms(medians_ms: Sequence[float]) -> Floats:
    medians = np.asarray(medians_ms, dtype=np.float64)
    if (medians <= 0).any():
        raise ZooError(
            "rounds that took no time cannot be compared",
            got=f"{int((medians <= 0).sum())} rounds with a median of 0 ms",
            expected="durations that the browser's clock can tell from 0",
            next_step="time a larger model, or use a browser with a finer clock",
        )
    logarithms: Floats = np.log(medians)
    return logarithms


def _clock_step(first: Run, second: Run) -> float:
    return max(first.device.timer_step_ms, second.device.timer_step_ms)


def _check_rounds(rounds: int) -> None:
    if rounds < LEAST_ROUNDS:
        raise ZooError(
            "too few rounds to tell a difference from chance",
            got=f"{rounds} rounds that both runs have",
            expected=f"at least {LEAST_ROUNDS}",
            next_step="time again with at least 5 samples each (the URL parameter iterations)",
        )


def _why_unpaired(first: Run, second: Run) -> tuple[str, ...]:
    one, other = first.order, second.order
    if one is None or other is None or one.batch_id != other.batch_id:
        why = "they are not of one batch"
    elif one.mode != "interleaved" or other.mode != "interleaved":
        why = one.reason or other.reason or "they were timed one after another"
    elif one.block != other.block:
        why = "they did not fit into memory together"
    else:
        return ()
    return (
        f"The two runs did not take turns ({why}), so what changed on the device between them counts as a difference too. To compare them "
        "well, time both in one press of the button.",
    )


def _notes(first: Run, second: Run) -> tuple[str, ...]:
    notes = []
    if first.device.device_id != second.device.device_id:
        notes.append("The two runs are of different devices.")
    doubts = sorted({warning.code for run in (first, second) for warning in run.warnings})
    if doubts:
        notes.append(f"Doubts stored with the runs: {', '.join(doubts)}.")
    return tuple(notes)
