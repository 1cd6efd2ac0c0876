"""web/warm_up.js: how many inferences are thrown away, by what they took."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.javascript import JavaScript

WARM_UP = """async ({warmUp}, {durations, first, ...asked}) => {
  let done = 0;
  const endedBy = await warmUp(asked, first, async () => durations[done % durations.length], (count) => { done = count; });
  return [done, endedBy];
}"""


def warm_up(javascript: JavaScript, durations: list[float], **changes: Any) -> tuple[int, str]:
    asked = {"durations": durations, "first": durations[0], "warmup": None, "timeBudgetS": 120}
    done, ended_by = javascript("warm_up.js", WARM_UP, asked | changes)
    return done, ended_by


def falling(*levels: float) -> list[float]:
    return [level for level in levels for _ in range(5)]


def test_two_windows_that_agree_are_enough(javascript: JavaScript) -> None:
    assert warm_up(javascript, [20]) == (10, "agreement")


def test_it_goes_on_until_what_follows_is_as_fast(javascript: JavaScript) -> None:
    assert warm_up(javascript, [*falling(90, 60, 40, 30, 25, 24), *[24] * 100]) == (30, "agreement")


@pytest.mark.parametrize(("second", "agrees"), [(95.1, True), (94.9, False), (105.2, True), (105.4, False)])
def test_windows_agree_within_five_per_cent_of_the_greater(javascript: JavaScript, second: float, agrees: bool) -> None:
    done, _ = warm_up(javascript, [*falling(100, second), *[1000] * 100])
    assert (done == 10) is agrees


def test_one_slow_inference_does_not_spoil_a_window(javascript: JavaScript) -> None:
    assert warm_up(javascript, [20, 20, 500, 20, 20] * 20) == (10, "agreement")


def test_fast_inferences_fill_longer_windows(javascript: JavaScript) -> None:
    assert warm_up(javascript, [2]) == (50, "agreement")
    assert warm_up(javascript, [0.25]) == (400, "agreement")


def test_what_never_becomes_steady_ends_at_the_limit(javascript: JavaScript) -> None:
    assert warm_up(javascript, falling(20, 40)) == (60, "limit")


def test_what_is_fast_and_never_steady_has_half_a_second(javascript: JavaScript) -> None:
    done, ended_by = warm_up(javascript, [*[1] * 50, *[2] * 25])
    assert ended_by == "limit"
    assert 300 < done < 400


def test_it_takes_a_fifth_of_the_time_budget_at_most(javascript: JavaScript) -> None:
    assert warm_up(javascript, falling(20, 40), timeBudgetS=2) == (15, "limit")


def test_a_heavy_network_is_warmed_up_once(javascript: JavaScript) -> None:
    assert warm_up(javascript, [7000]) == (1, "limit")


def test_what_would_eat_the_budget_is_not_warmed_up(javascript: JavaScript) -> None:
    assert warm_up(javascript, [30_000]) == (0, "limit")


def test_a_clock_that_stands_still_does_not_hold_it_up(javascript: JavaScript) -> None:
    assert warm_up(javascript, [0]) == (60, "limit")


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_number_that_was_asked_for_is_that_number(javascript: JavaScript, count: int) -> None:
    assert warm_up(javascript, [20], warmup=count) == (count, "count")
    assert warm_up(javascript, [50_000], warmup=count) == (count, "count")
