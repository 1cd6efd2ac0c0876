"""Runs take turns in an order that a seed gives, warm up until they are steady, and are sampled for as long as was asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.conftest import Serve
from tests.support.pages import address, cells, counts, fake_address, only_run, rows, run_fake, stored, wait_until_done
from timings.records import Run, Sample
from timings.statistics import summarise

# What the page orders of its workers, in the order it does: [worker, order, samples it shall have by then].
FOLLOW = """() => {
  if (window.orders) return;
  window.orders = [];
  const {postMessage: post} = Worker.prototype;
  // Firefox now and then never starts a worker: the page says so, and begins it anew.
  const {warn} = console;
  let isAnew = false;
  console.warn = (...said) => {
    isAnew ||= /begun anew/.test(said[0]);
    warn.apply(console, said);
  };
  const names = new WeakMap();
  window.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options);
      names.set(this, options.name);
    }
  };
  Worker.prototype.postMessage = function (message, ...others) {
    if (isAnew) isAnew = false;
    else if (names.get(this) !== 'calibration') window.orders.push([names.get(this), message.kind, message.samples ?? null, message.settle ?? null]);
    return post.call(this, message, ...others);
  };
}"""


def orders(page: Page, url: str) -> list[list[Any]]:
    """Let the page measure, and return what it ordered of its workers."""
    page.add_init_script(f"({FOLLOW})()")
    page.goto(url)
    wait_until_done(page)
    found: list[list[Any]] = page.evaluate("orders")
    return found


def by_model(page: Page, server: str) -> dict[str, Run]:
    return {run.model: run for run in (stored(server, row) for row in rows(page).all())}


def test_two_models_take_turns_round_by_round_in_the_order_of_the_seed(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    both: dict[str, Any] = {"models": "echo,echo_ssd", "iterations": 10}
    first = orders(page, fake_address(server.url, seed=11, **both))
    taken = [(name, samples) for name, kind, samples, _ in first if kind == "take"]
    for round_ in range(10):
        assert sorted(taken[2 * round_ : 2 * round_ + 2]) == [
            ("echo wasm-1", round_ + 1),
            ("echo_ssd wasm-1", round_ + 1),
        ]
    leaders = [name for name, _ in taken[::2]]
    assert set(leaders) == {"echo wasm-1", "echo_ssd wasm-1"}
    assert [kind for _, kind, *_ in first] == ["prepare"] * 2 + ["take"] * 20 + ["finish"] * 2
    for run in by_model(page, server.url).values():
        assert [sample.round for sample in run.samples] == list(range(1, 11))
        assert run.order is not None
        assert (run.order.mode, run.order.seed, run.order.runs, run.order.reason) == ("interleaved", 11, 2, None)
    assert sorted(run.order.position for run in by_model(page, server.url).values() if run.order) == [1, 2]
    assert len({run.order.batch_id for run in by_model(page, server.url).values() if run.order}) == 1

    assert orders(page, fake_address(server.url, seed=11, **both)) == first
    assert orders(page, fake_address(server.url, seed=12, **both)) != first


def test_a_seed_that_nobody_gave_is_drawn_and_stored(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    seeds = set()
    for _ in range(2):
        run_fake(page, server.url, iterations=1)
        run = only_run(page, server.url)
        assert run.order is not None
        assert run.order.mode == "alone"
        seeds.add(run.order.seed)
    assert len(seeds) == 2


def test_an_inference_is_thrown_away_whenever_another_run_came_between(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    """Else it would pay for caches that the other one filled. Every inference of this script can be told from the others."""
    server = serve(tiny_zoo, accept_fake=True)
    script = {"durations_ms": list(range(1, 40))}
    found = orders(page, fake_address(server.url, script, models="echo,echo_ssd", iterations=5, warmup=0, seed=1))
    takes = [(name, settle) for name, kind, _, settle in found if kind == "take"]
    prepared = [name for name, kind, *_ in found if kind == "prepare"]
    before = [prepared[-1], *(name for name, _ in takes)]
    assert [settle for _, settle in takes] == [name != other for (name, _), other in zip(takes, before, strict=False)]
    assert {settle for _, settle in takes} == {True, False}
    for model, run in by_model(page, server.url).items():
        durations = iter(script["durations_ms"][1:])
        settles = [settle for name, settle in takes if name == f"{model} wasm-1"]
        expected = [next(durations) if not settle else [next(durations), next(durations)][1] for settle in settles]
        assert [sample.duration_ms for sample in run.samples] == expected


def test_real_sessions_take_turns_too(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    parameters = {"models": "echo,echo_ssd", "backends": "wasm-1", "iterations": 4, "min_time": 0, "warmup": 1}
    found = orders(page, address(server.url, autorun=1, end_to_end=0, seed=1, **parameters))
    taken = [name for name, kind, *_ in found if kind == "take"]
    assert len(taken) == 8
    assert all(set(taken[first : first + 2]) == {"echo wasm-1", "echo_ssd wasm-1"} for first in range(0, 8, 2))
    runs = by_model(page, server.url)
    assert len(runs) == 2
    for run in runs.values():
        assert run.error is None
        assert run.order is not None
        assert run.order.mode == "interleaved"
        assert [sample.round for sample in run.samples] == [1, 2, 3, 4]
        assert run.conditions is not None
        assert run.conditions.calibration_before is not None
        assert run.conditions.calibration_after is not None


def test_one_after_another_where_that_is_asked_for(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    found = orders(page, fake_address(server.url, models="echo,echo_ssd", iterations=2, order="sequential"))
    assert [name for name, _ in groupby(name for name, *_ in found)] in (
        ["echo wasm-1", "echo_ssd wasm-1"],
        ["echo_ssd wasm-1", "echo wasm-1"],
    )
    for run in by_model(page, server.url).values():
        assert run.order is not None
        assert (run.order.mode, run.order.reason) == ("sequential", "asked for with order=sequential")
        assert "sequential" in [warning.code for warning in run.warnings]


def test_one_after_another_where_memory_lacks(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'deviceMemory', {get: () => 0.5, configurable: true})")
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, models="echo,echo_ssd", iterations=2)
    for run in by_model(page, server.url).values():
        assert run.device.memory_gb == 0.5
        assert run.order is not None
        assert run.order.mode == "sequential"
        assert run.order.reason is not None
        assert run.order.reason.startswith("no other run fitted beside it: about 120 MB of the 134 MB")


def test_every_model_is_run_as_often_as_asked(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, models="echo,echo_ssd", iterations=2, repeat=2)
    assert counts(page) == (4, 0, 0)
    assert sorted(row.get_attribute("data-model") or "" for row in rows(page).all()) == [
        "echo",
        "echo",
        "echo_ssd",
        "echo_ssd",
    ]


def test_samples_are_taken_over_a_least_time(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """Ten inferences of 2 ms would be judged on 20 ms of data."""
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [2]}, iterations=10, min_time=0.5)
    run = only_run(page, server.url)
    assert (len(run.samples), run.stopped_by, run.min_time_s) == (250, "iterations", 0.5)
    assert [len(list(group)) for _, group in groupby(sample.round for sample in run.samples)] == [25] * 10


def test_what_is_too_fast_for_a_least_time_ends_with_as_many_samples_as_a_run_can_hold(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [0.01]}, iterations=10, min_time=5)
    run = only_run(page, server.url)
    assert (len(run.samples), run.stopped_by) == (10_000, "iterations")


def test_the_time_budget_cuts_a_run_short_and_the_row_says_so(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    # First 300 ms; a warm-up would take over a fifth of the budget, so there is none; samples begin at 300, 600 and 900 ms.
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [300]}, time_budget=1, iterations=30, warmup=None)
    run = only_run(page, server.url)
    assert (run.stopped_by, run.warmup_iterations, run.warmup_ended_by) == ("time_budget", 0, "limit")
    assert [sample.start_ms for sample in run.samples] == [0, 300, 600]
    assert {"time_budget", "not_settled", "few_samples"} <= {warning.code for warning in run.warnings}
    shown = cells(rows(page))
    assert shown["n"] == "3 of 30: time budget"
    assert "time budget" in shown["notes"]


def test_an_inference_that_settles_may_end_the_time_budget(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """Every inference takes 300 ms, the first one included. In both rounds of this seed the run that was prepared last leads: it ends
    with its second sample (1.2 s of 1.1). The other one settles in both rounds, and in the second (1.2 s) has no time left for a sample.
    """
    server = serve(tiny_zoo, accept_fake=True)
    both: dict[str, Any] = {"models": "echo,echo_ssd", "time_budget": 1.1, "iterations": 10, "warmup": 0, "seed": 5}
    found = orders(page, fake_address(server.url, {"durations_ms": [300]}, **both))
    takes = [(name, settle) for name, kind, _, settle in found if kind == "take"]
    (led, _), (followed, _) = takes[:2]
    assert takes == [(led, False), (followed, True), (led, True), (followed, True)]
    samples = {f"{model} wasm-1": len(run.samples) for model, run in by_model(page, server.url).items()}
    assert samples == {led: 2, followed: 1}
    assert {(run.error, run.stopped_by) for run in by_model(page, server.url).values()} == {(None, "time_budget")}


# A worker that says after its second round that the round is over, and brings nothing.
NOTHING_NEW = """
  window.Worker = class extends Worker {
    postMessage(message, ...others) {
      if (message.kind === 'take' && message.round > 1) message = {...message, samples: 0, ms: 0};
      super.postMessage(message, ...others);
    }
  };
"""


def test_a_round_that_brings_nothing_is_an_error_and_not_repeated_for_ever(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.add_init_script(NOTHING_NEW)
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [20]}, iterations=10)
    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "sampling"
    assert run.error.message.startswith("A round brought no sample. Got: no sample in round 2, ")


def test_what_was_put_off_is_drawn_before_the_next_round(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """The table says at each order of a round how many samples the rounds before brought."""
    page.add_init_script("""
      window.shown = [];
      window.Worker = class extends Worker {
        postMessage(message, ...others) {
          const cell = document.querySelector('#results [data-field=n]');
          if (message.kind === 'take') window.shown.push(parseInt(cell.textContent) || 0);
          super.postMessage(message, ...others);
        }
      };
    """)
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [20]}, iterations=10)
    assert page.evaluate("shown") == list(range(10))


def test_a_heavy_model_is_warmed_up_once_and_sampled_once_at_least(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [100, 100, 5000]}, time_budget=1, iterations=2, warmup=None)
    run = only_run(page, server.url)
    assert run.warmup_iterations == 1
    assert [sample.duration_ms for sample in run.samples] == [5000]


@pytest.mark.parametrize(
    ("durations", "warmup", "iterations", "ended_by"),
    [
        ([90] * 5 + [40] * 5 + [20] * 100, None, 20, "agreement"),
        (([20] * 5 + [40] * 5) * 20, None, 60, "limit"),
        ([20], 4, 4, "count"),
        ([20], 0, 0, "count"),
    ],
)
def test_warming_up_ends_when_it_is_steady_or_takes_too_long_or_as_asked(
    page: Page, serve: Serve, tiny_zoo: Path, durations: list[float], warmup: int | None, iterations: int, ended_by: str
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [durations[0], *durations]}, iterations=6, warmup=warmup)
    run = only_run(page, server.url)
    assert (run.warmup_iterations, run.warmup_ended_by) == (iterations, ended_by)
    assert ("not_settled" in [warning.code for warning in run.warnings]) is (ended_by == "limit")


def _width(samples: Sequence[Sample]) -> float:
    """Of the median's 95 % interval, as a share of the median."""
    found = summarise([sample.duration_ms for sample in samples])
    assert found.median_ms is not None
    assert found.median_low_ms is not None
    assert found.median_high_ms is not None
    return (found.median_high_ms - found.median_low_ms) / found.median_ms


def test_a_precision_is_sampled_for_until_it_is_reached(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    spread = [100 + (37 * index) % 41 for index in range(41)]
    run_fake(page, server.url, {"durations_ms": spread}, iterations=10, precision=5)
    run = only_run(page, server.url)
    assert (run.stopped_by, run.precision) == ("precision", 0.05)
    assert 10 < len(run.samples) < 1000
    assert _width(run.samples) < 0.05
    # The round before had not reached it, and what was asked for at least had not by far.
    last = run.samples[-1].round
    assert _width([sample for sample in run.samples if sample.round != last]) >= 0.05
    assert _width(run.samples[:10]) > 0.1
    run_fake(page, server.url, {"durations_ms": [100]}, iterations=10, precision=5)
    assert len(only_run(page, server.url).samples) == 10


def test_a_precision_that_is_out_of_reach_ends_with_the_time_budget(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [100, 200]}, iterations=10, precision=1, time_budget=6)
    run = only_run(page, server.url)
    assert (run.stopped_by, run.error) == ("time_budget", None)
    assert 30 < len(run.samples) < 41


def test_where_nodes_ran_on_a_gpu_is_looked_up_once_everything_is_timed(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.add_init_script("""
      const info = {vendor: 'acme', architecture: 'x', description: 'a GPU', device: '', isFallbackAdapter: false};
      const gpu = {requestAdapter: () => Promise.resolve({info, features: new Set(), limits: {}})};
      Object.defineProperty(navigator, 'gpu', {get: () => gpu});
    """)
    server = serve(tiny_zoo, accept_fake=True)
    script = {"durations_ms": [20], "placement": {"webgpu": {"Conv": 5}, "wasm": {"TopK": 2}}}
    run_fake(page, server.url, script, backends="webgpu", iterations=3)
    run = only_run(page, server.url)
    assert run.error is None
    assert run.placement == {"webgpu": {"Conv": 5}, "wasm": {"TopK": 2}}
    assert "placement" not in [warning.code for warning in run.warnings]
    assert "fell_back" in [warning.code for warning in run.warnings]
