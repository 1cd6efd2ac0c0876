"""web/schedule.js: the order of runs, their blocks and rounds, and when a run has enough. All of it from the seed alone."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.support.javascript import JavaScript

MB = 10**6
IN_ORDER = """({inOrder}, {sizes, blocked, ...how}) => inOrder(
  sizes.map((bytes, name) => ({name, size: {bytes, macs: 0}, isRunnable: !blocked.includes(name)})), how,
).map(({run, order}) => ({name: run.name, ...order}))"""
ALL_IN = 10_000 * MB


def in_order(javascript: JavaScript, sizes: list[int], **changes: Any) -> list[dict[str, Any]]:
    how = {"order": "interleaved", "seed": 1, "batchId": "batch", "budget": ALL_IN, "blocked": [], "sizes": sizes}
    found: list[dict[str, Any]] = javascript("schedule.js", IN_ORDER, how | changes)
    return found


def names(found: list[dict[str, Any]]) -> list[int]:
    return [run["name"] for run in found]


def test_a_seed_gives_one_order_and_another_seed_another(javascript: JavaScript) -> None:
    runs = [1] * 8
    first = names(in_order(javascript, runs, seed=7))
    assert names(in_order(javascript, runs, seed=7)) == first
    assert sorted(first) == list(range(8))
    assert len({tuple(names(in_order(javascript, runs, seed=seed))) for seed in range(20)}) == 20


def test_every_order_is_as_likely_as_any_other(javascript: JavaScript) -> None:
    """Of 2,400 seeds, each of the 24 orders of four runs has 100, give or take: chi-squared with 23 degrees of freedom below 49.7 (0.1 %)."""
    counts = javascript(
        "random.js",
        """({randomNumbers, shuffled}) => {
          const counts = {};
          for (let seed = 0; seed < 2400; seed += 1) {
            const order = shuffled([0, 1, 2, 3], randomNumbers(seed)).join('');
            counts[order] = (counts[order] ?? 0) + 1;
          }
          return counts;
        }""",
    )
    assert len(counts) == 24
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 49.7


def test_runs_that_fit_together_take_turns_and_each_knows_its_place(javascript: JavaScript) -> None:
    found = in_order(javascript, [1, 1, 1], seed=5)
    assert [(run["mode"], run["reason"], run["block"], run["runs"]) for run in found] == [
        ("interleaved", None, 1, 3)
    ] * 3
    assert [run["position"] for run in found] == [1, 2, 3]
    assert {(run["seed"], run["batch_id"]) for run in found} == {(5, "batch")}


def test_one_run_is_alone(javascript: JavaScript) -> None:
    (only,) = in_order(javascript, [1])
    assert (only["mode"], only["reason"], only["block"]) == ("alone", None, 1)


def test_what_cannot_run_here_takes_turns_with_nobody(javascript: JavaScript) -> None:
    by_name = {run["name"]: run for run in in_order(javascript, [1, 1], blocked=[0])}
    assert by_name[0]["mode"] == by_name[1]["mode"] == "alone"
    assert by_name[0]["block"] != by_name[1]["block"]


def test_an_order_that_was_asked_for_says_so(javascript: JavaScript) -> None:
    found = in_order(javascript, [1, 1], order="sequential")
    assert [(run["mode"], run["reason"], run["block"]) for run in found] == [
        ("sequential", "asked for with order=sequential", 1),
        ("sequential", "asked for with order=sequential", 2),
    ]


def test_what_does_not_fit_in_memory_is_run_alone_and_says_why(javascript: JavaScript) -> None:
    found = in_order(javascript, [1, 400 * MB, 1], budget=1000 * MB)
    large = next(run for run in found if run["name"] == 1)
    assert large["mode"] == "sequential"
    assert large["reason"] == (
        "no other run fitted beside it: about 1560 MB of the 1000 MB that all sessions together may take here"
    )


def test_more_runs_than_take_turns_well_are_split_into_blocks(javascript: JavaScript) -> None:
    found = in_order(javascript, [1] * 20)
    assert [sum(run["block"] == block for run in found) for block in (1, 2, 3)] == [8, 8, 4]


def test_memory_grows_with_the_file_and_with_what_is_computed(javascript: JavaScript) -> None:
    sizes = [{"bytes": 0, "macs": 0}, {"bytes": 100 * MB, "macs": 0}, {"bytes": 100 * MB, "macs": 4_000_000_000}]
    nothing, file, both = javascript("schedule.js", "({memoryOf}, sizes) => sizes.map(memoryOf)", sizes)
    assert 50 * MB < nothing < file < both < 1000 * MB


@pytest.mark.parametrize(
    ("memory_gb", "handheld", "expected"),
    [(8, False, 2 * 2**30), (8, True, 2**30), (4, True, 2**29), (None, False, 1500 * MB), (None, True, 375 * MB)],
)
def test_the_budget_follows_what_the_browser_tells(
    javascript: JavaScript, memory_gb: int | None, handheld: bool, expected: float
) -> None:
    found = javascript(
        "schedule.js",
        "({memoryBudget}, {memory_gb, handheld}) => memoryBudget({memory_gb}, handheld)",
        {"memory_gb": memory_gb, "handheld": handheld},
    )
    assert found == expected


MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15"
IPAD_OF_OLD = "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1"
ANDROID_TABLET = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
FIREFOX_TABLET = "Mozilla/5.0 (Android 14; Tablet; rv:153.0) Gecko/153.0 Firefox/153.0"
AS_DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "platform", "form_factor", "mobile", "touch_points", "expected"),
    [
        (MAC, "macOS", None, False, 0, False),
        (MAC, "macOS", None, False, 5, True),  # an iPad
        (IPAD_OF_OLD, "iOS", None, True, 5, True),
        (ANDROID_TABLET, "Android", "Tablet", False, 5, True),
        (ANDROID_TABLET, "Android", None, False, 5, True),
        (FIREFOX_TABLET, "Android", None, False, 5, True),
        (AS_DESKTOP, "Linux", "Tablet", False, 5, True),  # "request desktop site" on a tablet
        (AS_DESKTOP, "Linux", "Desktop", False, 10, False),
        (WINDOWS, "Windows", "Desktop", False, 10, False),  # a laptop with a touch screen
    ],
)
def test_phones_and_tablets_are_told_from_computers(
    javascript: JavaScript,
    user_agent: str,
    platform: str,
    form_factor: str | None,
    mobile: bool,
    touch_points: int,
    expected: bool,
) -> None:
    device = {"user_agent": user_agent, "platform": platform, "form_factor": form_factor, "mobile": mobile}
    found = javascript(
        "handheld.js", "({isHandheld}, [device, points]) => isHandheld(device, points)", [device, touch_points]
    )
    assert found is expected


def test_every_round_has_an_order_of_its_own_that_the_seed_gives(javascript: JavaScript) -> None:
    orders = """({roundOrder}, which) => which.map((one) => roundOrder(['a', 'b', 'c', 'd', 'e'], one).join(''))"""
    rounds = [{"seed": 3, "first": 1, "round": number} for number in range(1, 11)]
    found = javascript("schedule.js", orders, rounds)
    assert javascript("schedule.js", orders, rounds) == found
    assert len(set(found)) > 5
    assert javascript("schedule.js", orders, [one | {"seed": 4} for one in rounds]) != found
    assert javascript("schedule.js", orders, [one | {"first": 6} for one in rounds]) != found


@pytest.mark.parametrize(
    ("rounds", "others", "reason"),
    [
        ([1, 2, 3, 4], [[1, 2]], None),
        ([1, 2, 3, 4], [[1], [4]], None),
        ([1, 1, 1, 2], [[2]], "only 1 of its 4 samples were taken in rounds that another run shared"),
        ([9, 10], [[], [1, 8]], "only 0 of its 2 samples were taken in rounds that another run shared"),
        (
            [1, 2],
            [[], []],
            "none of the runs that it was to take turns with completed a round: each failed, lacked memory or was stopped before",
        ),
        ([], [[]], None),
    ],
)
def test_who_took_most_samples_alone_took_no_turns(
    javascript: JavaScript, rounds: list[int], others: list[list[int]], reason: str | None
) -> None:
    kept = """({orderKept}, {rounds, others, mode}) => orderKept(
      {mode, reason: null, block: 2}, rounds.map((round) => ({round})), others.map((one) => new Set(one)))"""
    asked = {"rounds": rounds, "others": others, "mode": "interleaved"}
    expected = {"mode": "interleaved" if reason is None else "sequential", "reason": reason, "block": 2}
    assert javascript("schedule.js", kept, asked) == expected
    alone = {"mode": "alone", "reason": None, "block": 2}
    assert javascript("schedule.js", kept, asked | {"mode": "alone"}) == alone


def targets(
    javascript: JavaScript, iterations: int, min_time_s: float, rounds: int, taken: int = 0
) -> list[tuple[int, float]]:
    found = javascript(
        "schedule.js",
        "({targetOf}, {rounds, taken, ...asked}) => rounds.map((round) => targetOf(round, asked, taken))",
        {"iterations": iterations, "minTimeS": min_time_s, "rounds": list(range(1, rounds + 1)), "taken": taken},
    )
    return [(target["samples"], target["ms"]) for target in found]


def test_ten_rounds_share_the_samples_and_the_time(javascript: JavaScript) -> None:
    assert targets(javascript, 30, 1, 10) == [(3 * round_, 100 * round_) for round_ in range(1, 11)]
    assert [samples for samples, _ in targets(javascript, 25, 0, 10)] == [math.ceil(2.5 * k) for k in range(1, 11)]


def test_few_samples_have_a_round_each(javascript: JavaScript) -> None:
    assert targets(javascript, 3, 0, 3) == [(1, 0), (2, 0), (3, 0)]


def test_further_rounds_grow_with_what_there_is(javascript: JavaScript) -> None:
    assert targets(javascript, 30, 1, 11, taken=30)[10] == (38, 1000)
    assert targets(javascript, 30, 1, 11, taken=9_500)[10] == (10_000, 1000)


WHY_ENOUGH = """({whyEnough}, {durations, stoppedBy = 'iterations', ...asked}) => whyEnough(
  {samples: durations.map((duration_ms) => ({start_ms: 0, duration_ms, round: 1})), stopped_by: stoppedBy},
  {iterations: 6, minTimeS: 0, precision: null, ...asked},
)"""
STEADY = [100, 101, 100, 101, 100, 101, 100, 101]
WILD = [100, 150, 100, 150, 100, 150, 100, 150]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"durations": []}, None),
        ({"durations": [100] * 5}, None),
        ({"durations": [100] * 6}, "iterations"),
        ({"durations": [100] * 6, "minTimeS": 0.6}, "iterations"),
        ({"durations": [100] * 6, "minTimeS": 0.7}, None),
        ({"durations": [100] * 2, "stoppedBy": "time_budget"}, "time_budget"),
        ({"durations": STEADY, "precision": 0.02}, "precision"),
        ({"durations": WILD, "precision": 0.02}, None),
        ({"durations": STEADY, "precision": 0.005}, None),
        ({"durations": STEADY[:3], "precision": 0.5, "iterations": 3}, None),
        ({"durations": [0.01] * 10_000, "minTimeS": 60}, "iterations"),
        ({"durations": WILD * 1250, "precision": 0.02}, "iterations"),
    ],
    ids=["none", "too few", "enough", "enough time", "too little time", "out of time", "precise", "imprecise", "not precise enough",
         "too few for an interval", "as many as a run can hold", "and as imprecise"],
)  # fmt: skip
def test_a_run_has_enough(javascript: JavaScript, asked: dict[str, Any], expected: str | None) -> None:
    assert javascript("schedule.js", WHY_ENOUGH, asked) == expected


STATE: dict[str, Any] = {
    "phase": "waiting", "macs": 1e9, "progress": None, "prepareMs": None, "inferenceMs": None, "samples": 0, "sampledMs": 0,
    "asked": {"iterations": 10, "minTimeS": 0, "timeBudgetS": 100, "endToEnd": 0, "precision": None},
}  # fmt: skip


def overall(javascript: JavaScript, *runs: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = javascript(
        "overall.js", "({overallOf}, runs) => overallOf(runs)", [STATE | run for run in runs]
    )
    return found


def test_how_long_the_rest_takes_is_not_known_before_anything_was_measured(javascript: JavaScript) -> None:
    assert overall(javascript, {}, {}) == {"share": 0, "remainingMs": None}


def test_the_rest_is_told_from_what_was_measured(javascript: JavaScript) -> None:
    sampling = {"stage": "sampling", "done": 4, "total": 10, "samples": []}
    one = {
        "phase": "sampling",
        "progress": sampling,
        "prepareMs": 2000,
        "inferenceMs": 99,
        "samples": 4,
        "sampledMs": 396,
    }
    assert overall(javascript, one)["remainingMs"] == pytest.approx(6 * 99)
    both = overall(javascript, one, {})
    assert both["remainingMs"] == pytest.approx(6 * 99 + 2000 + 10 * 100, rel=0.01)
    twice_as_heavy = overall(javascript, one, {"macs": 2e9})
    assert twice_as_heavy["remainingMs"] == pytest.approx(6 * 99 + 2000 + 10 * 200, rel=0.01)
    assert 0.2 < both["share"] < 0.5


def test_nothing_is_left_of_a_batch_that_is_over(javascript: JavaScript) -> None:
    over = {"phase": "settled", "prepareMs": 2000, "inferenceMs": 100, "samples": 10, "sampledMs": 1000}
    assert overall(javascript, over, over) == {"share": 1, "remainingMs": 0}


def test_a_run_takes_no_longer_than_its_budget(javascript: JavaScript) -> None:
    slow = {"phase": "sampling", "prepareMs": 0, "inferenceMs": 60_000, "samples": 1, "sampledMs": 60_000}
    assert overall(javascript, slow)["remainingMs"] == 40_000


def precise(samples: int, width: float | None, **changes: Any) -> dict[str, Any]:
    """A run of 10 ms an inference that has more samples than were asked for, and goes on until its interval is 2 %."""
    asked = STATE["asked"] | {"precision": 0.02}
    sampling = {"stage": "sampling", "done": samples, "total": samples, "samples": []}
    run = {
        "phase": "sampling",
        "progress": sampling,
        "prepareMs": 1000,
        "inferenceMs": 10,
        "samples": samples,
        "sampledMs": 10 * samples,
    }
    return run | {"asked": asked, "width": width} | changes


def test_samples_until_an_interval_is_narrow_are_foreseen_from_its_width(javascript: JavaScript) -> None:
    wide, narrow = overall(javascript, precise(100, 0.06)), overall(javascript, precise(100, 0.03))
    assert wide["remainingMs"] == pytest.approx(800 * 10)
    assert narrow["remainingMs"] == pytest.approx(125 * 10)
    assert wide["share"] < narrow["share"] < overall(javascript, precise(100, 0.02))["share"]
    assert overall(javascript, precise(100, 2.0))["remainingMs"] == pytest.approx(9900 * 10)  # the time budget
    budget = STATE["asked"] | {"precision": 0.02, "timeBudgetS": 1000}
    assert overall(javascript, precise(100, 2.0, asked=budget))["remainingMs"] == pytest.approx(
        9900 * 10
    )  # the most samples
    assert overall(javascript, precise(5, 2.0))["remainingMs"] == 0  # too few to tell: as planned
    assert overall(javascript, precise(100, None))["remainingMs"] is None


WORDS = "({inWords, countInWords}, [done, total, asked]) => [inWords({stage: 'sampling', done, total}, asked), countInWords(done, total, asked)]"


@pytest.mark.parametrize(
    ("done", "total", "precision", "said"),
    [
        (4, 10, None, ["Sample 5 of 10", "4 of 10"]),
        (12, 40, None, ["Sample 13 of about 40", "12 of about 40"]),
        (4, 10, 0.02, ["Sample 5 of 10", "4 of 10"]),
        (12, 12, 0.02, ["Sample 13, until the interval is narrow enough", "12 so far"]),
    ],
)
def test_samples_are_counted_in_words(
    javascript: JavaScript, done: int, total: int, precision: float | None, said: list[str]
) -> None:
    asked = {"iterations": 10, "precision": precision, "heldTo": "PyTorch"}
    assert javascript("progress_words.js", WORDS, [done, total, asked]) == said
