"""Whether the comparison tells a model from itself, and whether it finds a slow-down: python -m benchmarks.aa_comparison [--pairs 20].

Real pairs: each visit of the page times mobilenet_v1 twice, in two workers that take turns, and timings/comparison.py compares the two.
Whatever difference its interval shows is false. Visits during which something else used the processor, for which the command would declare
no difference at all, are set aside and counted.

Simulated pairs, at the noise of the real ones: the log ratios of one real pair's rounds about their typical value, in their order but begun
anywhere and of either sign, so that what links neighbouring rounds and the outliers stay; moved by the typical value of another real pair,
of either sign, because sessions differ; and, where a slow-down is to be found, by 5 %. That the typical values hold chance too makes the
simulated pairs a little worse than real ones, to the disadvantage of the comparison.
"""

from __future__ import annotations

import argparse
import math
import sys

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.machine import machine, verdict
from benchmarks.page_runs import idle_visits, versions, visits
from fleet.browsers import KINDS
from timings.comparison import BEYOND_PAIRED, compare, paired, round_medians
from timings.records import Run

LIMIT_PERCENT = 5.0
SLOW_DOWN = 1.05
SEED = 20261101

Floats = NDArray[np.float64]


def log_ratios(first: Run, second: Run) -> Floats:
    """The logarithm of the ratio of the two runs' medians, for each round that both have."""
    medians = [round_medians(run) for run in (first, second)]
    common = sorted(medians[0].keys() & medians[1].keys())
    return np.log([medians[1][number] / medians[0][number] for number in common])


def real_pairs(arguments: argparse.Namespace) -> tuple[list[Floats], int]:
    """Time the pairs and print each: their log ratios, and in how many the interval shows a difference."""
    asked = {
        "models": arguments.model,
        "backends": arguments.backend,
        "min_time": arguments.min_time,
        "repeat": 2,
        "end_to_end": 0,
    }
    pairs: list[Floats] = []
    told_apart = 0
    with visits(arguments.browser) as visit:
        for first, second in idle_visits(visit, arguments.pairs, **asked):
            if not pairs:
                print(versions(first))
            found = compare(first, second)
            if not found.paired:
                raise SystemExit("the two runs did not take turns: " + " ".join(found.notes))
            interval = found.interval
            differs = interval.lies_beyond(found.beyond)
            pairs.append(log_ratios(first, second))
            told_apart += differs
            print(
                f"pair {len(pairs)}: second / first {interval.ratio:.4f} ({interval.low:.4f} to {interval.high:.4f}), {found.rounds} rounds, "
                f"{len(first.samples)} and {len(second.samples)} samples{', TOLD APART' if differs else ''}",
                flush=True,
            )
    return pairs, told_apart


def report_noise(pairs: list[Floats]) -> None:
    """Print how far rounds scatter within a pair, how they hang together, and how far pairs lie apart."""
    about = [pair - np.median(pair) for pair in pairs]
    pooled = np.concatenate(about)
    products = sum(float((pair[1:] * pair[:-1]).sum()) for pair in about)
    neighbours = products / sum(float((pair**2).sum()) for pair in about)
    print(
        f"rounds: standard deviation of the log ratio {100 * pooled.std():.2f} %, of its middle half {100 * _robust_deviation(pooled):.2f} %, "
        f"greatest {100 * np.abs(pooled).max():.1f} %; correlation of neighbouring rounds {neighbours:.2f}"
    )
    typical = [math.log(paired(pair).ratio) for pair in pairs]
    print(
        f"pairs: standard deviation of the typical log ratio {100 * float(np.std(typical)):.2f} %, greatest {100 * max(map(abs, typical)):.2f} %"
    )


def _robust_deviation(values: Floats) -> float:
    """What the quartiles say the standard deviation of normal values would be."""
    lower, upper = np.percentile(values, [25, 75])
    return float(upper - lower) / 1.349


def simulated(pairs: list[Floats], random: Generator, ratio: float) -> Floats:
    """The log ratios of one simulated pair."""
    shape, place = (pairs[index] for index in random.integers(len(pairs), size=2))
    typical = math.log(paired(shape).ratio)
    rounds = np.roll(shape - typical, random.integers(len(shape))) * random.choice([-1, 1])
    moved: Floats = rounds + math.log(paired(place).ratio) * random.choice([-1, 1]) + math.log(ratio)
    return moved


def declared_share(pairs: list[Floats], count: int, ratio: float) -> float:
    """In what share of so many simulated pairs a difference is declared."""
    random = np.random.default_rng(SEED)
    return sum(paired(simulated(pairs, random, ratio)).lies_beyond(BEYOND_PAIRED) for _ in range(count)) / count


def main() -> int:
    """Print all pairs, the noise, and how often a difference was declared; 0 if all limits are kept, else 1."""
    parser = argparse.ArgumentParser(description="Compare a model with itself, and with itself slowed down by 5 %.")
    parser.add_argument("--browser", choices=KINDS, default="chromium")
    parser.add_argument("--pairs", type=int, default=20, help="how many real pairs (default: 20)")
    parser.add_argument("--min-time", type=float, default=5, help="seconds of samples in each run (default: 5)")
    parser.add_argument(
        "--simulated", type=int, default=200, help="how many simulated pairs of each kind (default: 200)"
    )
    parser.add_argument("--model", default="mobilenet_v1", help="which model (default: mobilenet_v1)")
    parser.add_argument("--backend", default="wasm", help="which backend, as in the page's address (default: wasm)")
    arguments = parser.parse_args()
    print(machine())
    pairs, told_apart = real_pairs(arguments)
    report_noise(pairs)
    equal, slower = (declared_share(pairs, arguments.simulated, ratio) for ratio in (1.0, SLOW_DOWN))
    kept = [
        verdict(
            f"a difference shown in {told_apart} of {len(pairs)} real pairs that are the same",
            100 * told_apart / len(pairs),
            LIMIT_PERCENT,
            "%",
        ),
        verdict(
            f"declared in {arguments.simulated} simulated pairs that are the same", 100 * equal, LIMIT_PERCENT, "%"
        ),
        verdict(
            f"not declared in {arguments.simulated} simulated pairs of which one is 5 % slower",
            100 * (1 - slower),
            LIMIT_PERCENT,
            "%",
        ),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
