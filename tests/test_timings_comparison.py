"""Two runs compared: the interval against numbers worked out apart, and how often it errs on simulated pairs."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from builder.errors import ZooError
from tests.support.runs import DEVICE, ORDER, make_failed_run, make_run
from timings.comparison import compare, paired, round_medians, unpaired
from timings.comparison_report import report
from timings.records import Run, Sample
from timings.student import cumulative, quantile

Floats = NDArray[np.float64]
ELSEWHERE = ORDER.model_copy(update={"batch_id": str(uuid.UUID(int=9, version=4))})
IN_SEQUENCE = ORDER.model_copy(update={"mode": "sequential", "reason": "asked for with order=sequential"})


def run_of(rounds: Sequence[Sequence[float]] | Floats, **changes: Any) -> Run:
    """A run with these durations in ms, by round."""
    samples = tuple(
        Sample(start_ms=0, duration_ms=float(duration), round=number)
        for number, durations in enumerate(rounds, 1)
        for duration in durations
    )
    return make_run(**{"samples": samples, "iterations_requested": len(samples), **changes})


@pytest.mark.parametrize(
    ("probability", "freedom", "value"),
    # The usual table.
    [(0.975, 1, 12.7062), (0.975, 2, 4.3027), (0.975, 5, 2.5706), (0.975, 9, 2.2622), (0.995, 4, 4.6041), (0.95, 30, 1.6973), (0.975, 1000, 1.9623)],
)  # fmt: skip
def test_students_quantiles_are_those_of_the_table(probability: float, freedom: int, value: float) -> None:
    assert quantile(probability, freedom) == pytest.approx(value, abs=6e-5)
    assert cumulative(quantile(probability, freedom), freedom) == pytest.approx(probability, abs=1e-12)
    assert cumulative(-value, freedom) == pytest.approx(1 - probability, abs=1e-5)


def test_the_paired_interval_is_the_trimmed_means() -> None:
    # Sorted, two set aside on either side: 2, 3, 4, 5, 6, 7 remain, of mean 4.5. Winsorised 2, 2, 2, 3, 4, 5, 6, 7, 7, 7: the squares about
    # 4.5 sum to 42.5. Squared standard error: 42.5 / (6 * 5). t for 5 degrees of freedom.
    ratios = np.array([7, 0, 6, -100, 5, 4, 500, 3, 20, 2]) / 1000
    interval = paired(ratios)
    half = 2.5706 * math.sqrt(42.5 / 30) / 1000
    assert math.log(interval.ratio) == pytest.approx(0.0045)
    assert math.log(interval.low) == pytest.approx(0.0045 - half, abs=1e-7)
    assert math.log(interval.high) == pytest.approx(0.0045 + half, abs=1e-7)


def test_the_unpaired_interval_is_yuens() -> None:
    first = np.array([1.0, 2, 3, 4, 5]) / 100
    second = np.array([2.0, 4, 6, 8, 10]) / 100
    # Trimmed means 3 and 6. Winsorised 2, 2, 3, 4, 4 and twice that: squares 4 and 16, over 3 * 2. Welch: (4/6 + 16/6)**2 / ((4/6)**2 / 2 + (16/6)**2 / 2) = 2.94.
    interval = unpaired(first, second)
    half = 4.3027 * math.sqrt(20 / 6) / 100
    assert math.log(interval.ratio) == pytest.approx(0.03)
    assert math.log(interval.high) == pytest.approx(0.03 + half, abs=1e-6)


def test_runs_that_took_turns_are_compared_round_by_round() -> None:
    # The device gets twice as slow; the second run takes 10 % longer in every round.
    pace = np.linspace(10, 20, 10)
    first = run_of([(p, p + 1, p - 1) for p in pace])
    second = run_of([(1.1 * p, 1.1 * p + 50) for p in pace])
    assert round_medians(first)[1] == 10
    second = run_of([(1.1 * p, 1.1 * p, 1.1 * p + 50) for p in pace])
    found = compare(first, second)
    assert found.interval.ratio == pytest.approx(1.1)
    assert found.interval.low == pytest.approx(found.interval.high)
    assert (found.rounds, found.paired, found.declared, found.notes) == (10, True, True, ())
    back = compare(second, first)
    assert back.interval.ratio == pytest.approx(1 / 1.1)
    assert back.declared


def test_only_rounds_that_both_have_are_compared() -> None:
    first = run_of([[10]] * 8)
    second = run_of([[10]] * 6 + [[99]] * 2)
    rounds = [
        sample.model_copy(update={"round": 20}) if sample.duration_ms == 99 else sample for sample in second.samples
    ]
    found = compare(first, second.model_copy(update={"samples": tuple(rounds)}))
    assert (found.rounds, found.interval.ratio, found.declared) == (6, 1, False)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"order": ELSEWHERE}, "(they are not of one batch)"),
        ({"order": None, "schema_version": 1}, "(they are not of one batch)"),
        ({"order": IN_SEQUENCE}, "(asked for with order=sequential)"),
        ({"order": ORDER.model_copy(update={"block": 2})}, "(they did not fit into memory together)"),
    ],
)
def test_runs_that_did_not_take_turns_are_held_to_a_wider_margin_and_it_is_said(
    changes: dict[str, Any], why: str
) -> None:
    rounds = [(10 + 0.001 * (number % 3),) for number in range(10)]
    first = run_of(rounds)
    close = run_of([(1.025 * d,) for (d,) in rounds], **changes)
    found = compare(first, close)
    assert (found.paired, found.rounds, found.beyond, found.declared) == (False, 10, 0.03, False)
    assert why in found.notes[0]
    assert compare(first, run_of([(1.04 * d,) for (d,) in rounds], **changes)).declared
    assert compare(first, run_of([(1.025 * d,) for (d,) in rounds])).declared


def test_medians_closer_than_a_step_of_the_clock_are_not_told_apart() -> None:
    coarse = DEVICE.model_copy(update={"timer_step_ms": 1.0})
    found = compare(run_of([[5.0]] * 10, device=coarse), run_of([[6.0]] * 10, device=coarse))
    assert (found.beyond, found.declared) == (0.2, False)


def test_what_weakens_a_comparison_is_said() -> None:
    other = DEVICE.model_copy(update={"device_id": "99999999-2222-4333-8444-555555555555"})
    doubts = [{"code": "drift", "message": "It drifts."}]
    found = compare(run_of([[5.0]] * 10), run_of([[6.0]] * 10, device=other, warnings=doubts))
    assert found.notes == ("The two runs are of different devices.", "Doubts stored with the runs: drift.")


def test_nothing_is_declared_of_a_busy_machine() -> None:
    busy = [{"code": "background_load", "message": "Something else used the processor."}]
    first, second = run_of([[5.0]] * 10), run_of([[6.0]] * 10, warnings=busy)
    for found in (compare(first, second), compare(second, first)):
        assert found.interval.lies_beyond(found.beyond)
        assert (found.busy, found.declared) == (True, False)
    assert report(first, second, compare(first, second))[3] == (
        "No difference is declared: other programs used the processor meanwhile. Close them, and time both again."
    )


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (run_of([[5.0]] * 10), make_failed_run(), "failed at session: out of memory"),
        (run_of([[5.0]] * 4), run_of([[5.0]] * 10), "4 rounds that both runs have"),
        (run_of([[5.0]] * 4, order=None), run_of([[5.0]] * 10), "4 rounds that both runs have"),
        (run_of([[5.0]] * 10), run_of([[0.0, 0.0, 1.0]] * 10), "10 rounds with a median of 0 ms"),
    ],
)
def test_what_cannot_be_compared_is_named(first: Run, second: Run, said: str) -> None:
    with pytest.raises(ZooError, match=said):
        compare(first, second)


def test_the_report_tells_the_runs_the_interval_and_the_verdict() -> None:
    first = run_of([[10.0]] * 10)
    same, slower, faster = (run_of([[median]] * 10) for median in (10.0, 10.5, 8.0))
    lines = report(first, slower, compare(first, slower))
    assert lines == [
        "first:  echo fp32, wasm, 8 threads: median 10.00 ms (10.00 to 10.00) of 10 samples; Kim's laptop: Chromium 156.0.0.0 on Linux, 8 cores",
        "second: echo fp32, wasm, 8 threads: median 10.50 ms (10.50 to 10.50) of 10 samples; Kim's laptop: Chromium 156.0.0.0 on Linux, 8 cores",
        "second / first: 1.0500 (95 % interval 1.0500 to 1.0500), 10 rounds that took turns",
        "They differ: the second took 5.0 % longer, and the whole interval lies beyond 1 %.",
    ]  # fmt: skip
    assert report(first, faster, compare(first, faster))[3].startswith(
        "They differ: the second took 20.0 % less time, "
    )
    assert report(first, same, compare(first, same))[3] == (
        "No difference is declared: the interval does not lie wholly beyond 1 %."
    )
    apart = run_of([[10.0]] * 10, order=None)
    lines = report(first, apart, compare(first, apart))
    assert lines[2].endswith("10 rounds each, which did not take turns")
    assert lines[4].startswith("The two runs did not take turns ")


def _wandering(random: Generator, n: int, spread: float, memory: float) -> Floats:
    """Noise that remembers: first-order autoregression of that standard deviation."""
    noise = np.empty(n)
    noise[0] = random.normal(0, spread)
    for index in range(1, n):
        noise[index] = memory * noise[index - 1] + random.normal(0, spread * math.sqrt(1 - memory**2))
    return noise


def simulated_pair(random: Generator, ratio: float, rounds: int = 10, samples: int = 4) -> tuple[Run, Run]:
    """Two sessions that take turns on a device that drifts and wanders, with interruptions of single samples and of whole rounds."""
    turns = 2 * rounds * samples
    device = _wandering(random, turns, 0.03, 0.95) + np.linspace(0, random.normal(0, 0.1), turns)
    own = random.normal(0, 0.003, 2)
    logs = np.empty((2, rounds, samples))
    at = 0
    for number in range(rounds):
        for which in random.permutation(2):
            logs[which, number] = device[at : at + samples] + own[which]
            logs[which, number] += 0.01 * random.standard_t(3, samples)
            logs[which, number] += random.uniform(0.1, 0.5, samples) * (random.random(samples) < 0.03)
            logs[which, number] += random.uniform(0.05, 0.2) * (random.random() < 0.03)
            at += samples
    durations = 30 * np.exp(logs) * np.array([1, ratio])[:, None, None]
    return run_of(durations[0]), run_of(durations[1])


def declared(ratio: float, pairs: int = 400) -> float:
    """The share of simulated pairs in which a difference is declared."""
    random = np.random.default_rng(20261101)
    return sum(compare(*simulated_pair(random, ratio)).declared for _ in range(pairs)) / pairs


def test_a_model_is_hardly_ever_told_from_itself() -> None:
    assert declared(1.0) <= 0.02


def test_a_slow_down_of_5_percent_is_nearly_always_found() -> None:
    assert declared(1.05) >= 0.95
