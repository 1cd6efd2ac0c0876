"""web/estimate.js and web/remaining.js: how long it takes is said roughly, and never jumps to nonsense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.javascript import JavaScript

STANDARD = {"iterations": 30, "minTimeS": 1, "precision": None, "timeBudgetS": 120}
ESTIMATE = """({estimate}, {plan, numbers, repeat}) => estimate(plan, numbers, {endToEnd: 5, repeat})"""


def run(macs: float, *, megabytes: float = 10, path: str = "a.onnx", **option: object) -> dict[str, Any]:
    return {
        "variant": {"macs": macs, "bytes": megabytes * 1e6, "path": path},
        "option": {"backend": "wasm", "threads": 1, **option},
    }


def seconds(javascript: JavaScript, *plan: dict[str, Any], repeat: int = 1, **numbers: object) -> float:
    asked = {"plan": plan, "numbers": STANDARD | numbers, "repeat": repeat}
    return float(javascript("estimate.js", ESTIMATE, asked)["seconds"])


def test_more_work_takes_longer(javascript: JavaScript) -> None:
    small, large = run(0.3e9), run(4e9)
    assert seconds(javascript, small) < seconds(javascript, large)
    assert seconds(javascript, large, repeat=3) == pytest.approx(3 * seconds(javascript, large))
    assert seconds(javascript, small, large) == pytest.approx(seconds(javascript, small) + seconds(javascript, large))
    assert seconds(javascript, large, iterations=5, minTimeS=0) < seconds(javascript, large)
    assert seconds(javascript, large, precision=0.02) > seconds(javascript, large)
    assert seconds(javascript, large) > seconds(javascript, run(4e9, threads=4))
    assert seconds(javascript, run(4e9, threads=4)) > seconds(javascript, run(4e9, backend="webgpu"))


def test_a_time_budget_ends_even_the_heaviest(javascript: JavaScript) -> None:
    light = seconds(javascript, run(216e9), timeBudgetS=10)
    assert light < 10 + 5 * 216e9 / 8e9 + 3


def test_a_file_that_several_backends_run_is_downloaded_once(javascript: JavaScript) -> None:
    plan = [run(1e9), run(1e9, threads=2), run(1e9, path="b.onnx", megabytes=2.5)]
    asked = {"plan": plan, "numbers": STANDARD, "repeat": 1}
    assert javascript("estimate.js", ESTIMATE, asked)["bytes"] == 12.5e6


@pytest.mark.parametrize(
    ("given", "said"),
    [(0, "a few seconds"), (7.9, "a few seconds"), (8, "about 10 s"), (31, "about 40 s"), (54, "about 60 s"), (55, "about 1 min"),
     (200, "about 3 min"), (5399, "about 90 min"), (5400, "about 1.5 h"), (36_000, "about 10 h")],
)  # fmt: skip
def test_times_are_said_as_roughly_as_they_are_known(javascript: JavaScript, given: float, said: str) -> None:
    assert javascript("format.js", "({roughly}, seconds) => roughly(seconds)", given) == said


TELL = """({Remaining}, moments) => {
  const remaining = new Remaining();
  return moments.map(([left, now]) => remaining.tell(left, now).words);
}"""


def test_the_time_left_counts_down_and_small_errors_of_the_estimate_do_not_show(javascript: JavaScript) -> None:
    moments = [[180_000, 0], [150_000, 1000], [200_000, 2000], [176_000, 60_000], [100_000, 61_000], [4000, 155_000]]
    said = ["about 3 min left", "about 3 min left", "about 3 min left", "about 3 min left", "about 2 min left"]
    assert javascript("remaining.js", TELL, moments) == [*said, "a few seconds left"]


def test_nothing_is_said_of_what_is_not_known_or_makes_no_sense(javascript: JavaScript) -> None:
    nonsense: list[float | None] = [None, -1, 1e12]
    assert javascript("remaining.js", TELL, [[left, 0] for left in nonsense]) == ["", "", ""]
    assert javascript("remaining.js", "({Remaining}) => new Remaining().tell(NaN, 0)") == {"words": "", "ms": None}


def test_an_estimate_that_has_run_out_is_taken_anew(javascript: JavaScript) -> None:
    assert javascript("remaining.js", TELL, [[5000, 0], [6000, 6000]]) == ["a few seconds left"] * 2
