"""web/statistics.js computes what timings/statistics.py computes, on the vectors that hold both."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.javascript import JavaScript, close
from timings.statistics import median_ranks

VECTORS = Path(__file__).parents[1] / "vectors" / "statistics.json"


def test_summaries_are_those_of_the_vectors(javascript: JavaScript) -> None:
    cases = json.loads(VECTORS.read_text())
    assert {len(case["samples_ms"]) for case in cases} >= {0, 1, 2}

    summaries = javascript(
        "statistics.js",
        "({summarise}, cases) => cases.map(samples => summarise(samples.map(duration_ms => ({start_ms: 0, duration_ms}))))",
        [case["samples_ms"] for case in cases],
    )

    for case, summary in zip(cases, summaries, strict=True):
        assert summary.pop("n") == len(case["samples_ms"]), case["name"]
        assert summary.keys() == case["expected"].keys(), case["name"]
        for field, expected in case["expected"].items():
            assert close(summary[field], expected), (case["name"], field, summary[field], expected)


def test_the_medians_ranks_are_pythons_for_any_number_of_samples(javascript: JavaScript) -> None:
    sizes = [*range(400), 999, 1000, 1074, 1075, 1076, 2500, 9999, 10_000]
    found = javascript("statistics.js", "({medianRanks}, sizes) => sizes.map(medianRanks)", sizes)
    expected = [median_ranks(n) for n in sizes]
    assert [ranks and tuple(ranks) for ranks in found] == expected
