"""web/statistics.js computes what timings/statistics.py computes, on the vectors that hold both."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.javascript import JavaScript, close

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
