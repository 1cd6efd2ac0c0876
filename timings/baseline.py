"""Timings of today against those of a baseline: for each case a verdict, and whether it fails a build.

The two were taken at different times, so there are no rounds to pair (timings/comparison.py); of the baseline there is only its
timings.csv: medians with their 95 % intervals. From two of these comes the ratio's interval, on the logarithms: each side's own distance
from its median, the two added as squares (Zou and Donner, Statistics in Medicine 27, 2008: "MOVER").

A difference is shown where that interval excludes 1 and the ratio lies beyond what repeated sessions of one model differ by, or beyond
a step of the clock. docs/ci.md has the rule and its reasons for users.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from timings.baseline_file import FACTS, Baseline, Case, Entry, entry_of, read_baseline
from timings.cells import measured
from timings.columns import RUN_COLUMNS
from timings.comparison import BEYOND_UNPAIRED, Interval
from timings.display import printable, significant
from timings.records import Run

__all__ = [
    "VERDICTS",
    "Baseline",
    "Case",
    "Level",
    "Verdict",
    "VerdictWord",
    "against",
    "case_of",
    "in_words",
    "read_baseline",
]

VerdictWord = Literal["faster", "slower", "no difference shown", "missing", "failed", "new", "not comparable"]
VERDICTS: Final[tuple[VerdictWord, ...]] = get_args(VerdictWord)


@dataclass(frozen=True)
class Level:
    """A case's median in milliseconds with its 95 % interval, which is None where one of its runs has none.

    Of several runs: the median of their medians, and from the lowest lower end to the highest upper one.
    """

    median_ms: float
    low_ms: float | None
    high_ms: float | None
    runs: int


@dataclass(frozen=True)
class Verdict:
    """What became of a case since the baseline. ratio: now to then; interval: that with its 95 % interval. notes: for people."""

    case: Case
    word: VerdictWord
    fails: bool
    then: Level | None
    now: Level | None
    ratio: float | None
    interval: Interval | None
    notes: tuple[str, ...]


def case_of(run: Run) -> Case:
    """Which case a run is one of."""
    return _entry(run).case


def against(baseline: Baseline, runs: Sequence[Run], fail_if_slower: float) -> tuple[Verdict, ...]:
    """A verdict on every case that was timed then or tried now, in the order of the cases.

    fail_if_slower: a share, 0.1 for 10 %. A case fails the build that is slower by more than that, or missing, or of which a run failed.
    """
    before, now = _by_case(baseline.entries), _by_case(map(_entry, runs))
    timed = {case: [entry for entry in entries if entry.failure is None] for case, entries in before.items()}
    cases = sorted({case for case, entries in timed.items() if entries} | now.keys())
    return tuple(_verdict(case, timed.get(case, []), now.get(case, []), fail_if_slower) for case in cases)


def in_words(verdict: Verdict) -> str:
    """The verdict's figures and notes on one line."""
    levels = [f"{when} {_level(level)}" for when, level in (("then", verdict.then), ("now", verdict.now)) if level]
    interval = verdict.interval
    sure = f" (95 % interval {interval.low:.3f} to {interval.high:.3f})" if interval else ""
    ratio = [] if verdict.ratio is None else [f"{verdict.ratio:.3f} times as long{sure}"]
    return "; ".join([*levels, *ratio, *map(printable, verdict.notes)])


def _level(level: Level) -> str:
    interval = (
        ""
        if level.low_ms is None or level.high_ms is None
        else f" ({significant(level.low_ms)} to {significant(level.high_ms)})"
    )
    return f"{significant(level.median_ms)} ms{interval}"


def _entry(run: Run) -> Entry:
    row = measured(run)
    return entry_of({column.name: column.take(row) for column in RUN_COLUMNS})


def _by_case(entries: Iterable[Entry]) -> dict[Case, list[Entry]]:
    grouped: dict[Case, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.case, []).append(entry)
    return grouped


def _verdict(case: Case, before: Sequence[Entry], now: Sequence[Entry], limit: float) -> Verdict:
    failures = [entry.failure for entry in now if entry.failure is not None]
    timed = [entry for entry in now if entry.failure is None]
    then_level, now_level = _combined(before), _combined(timed)

    def verdict(word: VerdictWord, *notes: str) -> Verdict:
        return Verdict(case, word, word in ("failed", "missing"), then_level, now_level, None, None, notes)

    if failures:
        return verdict("failed", f"{len(failures)} of {len(now)} runs failed", *dict.fromkeys(failures))
    if then_level is None:
        return verdict("new", "the baseline has no timing of it")
    if now_level is None:
        return verdict("missing", "the baseline has it, and no run of it came")
    same = [entry for entry in before if entry.file in {other.file for other in timed}]
    if len({entry.file for entry in (*same, *timed)}) != 1 or not same:
        return verdict("not comparable", *_other_files(before, timed))
    return _compared(case, same, timed, limit)


def _compared(case: Case, before: Sequence[Entry], now: Sequence[Entry], limit: float) -> Verdict:
    then_level, now_level = _combined(before), _combined(now)
    assert then_level is not None
    assert now_level is not None
    interval = _ratio(then_level, now_level)
    notes = (*_why_no_interval(interval), *_several(before, "then"), *_several(now, "now"), *_changes(before, now))
    ratio = now_level.median_ms / then_level.median_ms if then_level.median_ms > 0 else None
    word: VerdictWord = "no difference shown"
    if interval is not None:
        step = max(entry.timer_step_ms for entry in (*before, *now))
        beyond = 1 + max(BEYOND_UNPAIRED, step / min(then_level.median_ms, now_level.median_ms))
        if interval.low > 1 and interval.ratio > beyond:
            word = "slower"
        elif interval.high < 1 and interval.ratio < 1 / beyond:
            word = "faster"
    fails = word == "slower" and ratio is not None and ratio > 1 + limit
    return Verdict(case, word, fails, then_level, now_level, ratio, interval, notes)


def _combined(entries: Sequence[Entry]) -> Level | None:
    medians = [entry.median_ms for entry in entries if entry.median_ms is not None]
    if not medians:
        return None
    lows, highs = [entry.low_ms for entry in entries], [entry.high_ms for entry in entries]
    low = None if None in lows else min(value for value in lows if value is not None)
    high = None if None in highs else max(value for value in highs if value is not None)
    return Level(float(np.median(medians)), low, high, len(medians))


def _ratio(then: Level, now: Level) -> Interval | None:
    """None where an end is not known, or is 0, as a coarse clock may say."""
    if then.low_ms is None or then.high_ms is None or now.low_ms is None or now.high_ms is None:
        return None
    if min(then.low_ms, now.low_ms) <= 0:
        return None
    middle = math.log(now.median_ms / then.median_ms)
    below = math.hypot(math.log(now.median_ms / now.low_ms), math.log(then.high_ms / then.median_ms))
    above = math.hypot(math.log(now.high_ms / now.median_ms), math.log(then.median_ms / then.low_ms))
    return Interval(math.exp(middle), math.exp(middle - below), math.exp(middle + above))


def _why_no_interval(interval: Interval | None) -> list[str]:
    if interval is not None:
        return []
    return [
        "no interval, so that no difference can be shown: fewer than 6 samples, times of 0, or a baseline of an older version"
    ]


def _several(entries: Sequence[Entry], when: str) -> list[str]:
    if len(entries) < 2:
        return []
    return [
        f"{len(entries)} runs {when}: the median of their medians, and the widest interval that their intervals span"
    ]


def _changes(before: Sequence[Entry], now: Sequence[Entry]) -> list[str]:
    """What is not as it was, where both are known, and the doubts stored with the runs."""
    notes = []
    for name in FACTS:
        was, is_now = (
            sorted({str(e.facts[name]) for e in part if e.facts[name] is not None}) for part in (before, now)
        )
        if was and is_now and was != is_now:
            notes.append(f"{name} was {' or '.join(was)}, is {' or '.join(is_now)}")
    for when, part in (("then", before), ("now", now)):
        doubts = sorted({code for entry in part for code in entry.warnings})
        if doubts:
            notes.append(f"doubts {when}: {', '.join(doubts)}")
    return notes


def _other_files(before: Sequence[Entry], now: Sequence[Entry]) -> list[str]:
    """In what the files differ: their weights, or only their hashes."""
    shas, weights = ([sorted({e.file[place] for e in part}) for part in (before, now)] for place in (0, 1))
    notes = []
    if weights[0] != weights[1]:
        notes.append(f"other weights: {' and '.join(weights[0])} then, {' and '.join(weights[1])} now")
    if shas[0] != shas[1] or len(shas[1]) > 1:
        then, now_ = (" and ".join(sha[:12] for sha in part) for part in shas)
        notes.append(f"another model_sha256: {then} then, {now_} now")
    return notes
