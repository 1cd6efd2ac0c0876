"""With scripted durations the page shows, draws and stores exactly these numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Serve
from tests.support.pages import address, cells, counts, only_run, rows, run_fake, wait_until_done

NOT_KNOWN = "\N{EN DASH}"
# Inference 0 is the first one, 1 to 3 are the warm-up, the samples follow.
FIRST, WARM_UP = [900.0], [50.0, 40.0, 30.0]
SAMPLES = [20.0, 22.0, 21.0, 25.0, 20.0, 24.0, 23.0, 20.5, 21.5, 43.0]


def test_scripted_durations_are_shown_and_stored(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"session_ms": 700, "durations_ms": FIRST + WARM_UP + SAMPLES}, iterations=10)

    shown = cells(rows(page))
    assert (shown["mean_ms"], shown["sd_ms"], shown["median_ms"], shown["p95_ms"]) == ("24.0", "6.88", "21.8", "34.9")
    assert shown["n"] == "10"
    run = only_run(page, server.url)
    assert (run.session_ms, run.first_ms, run.warmup_iterations) == (700, 900, 3)
    assert [sample.duration_ms for sample in run.samples] == SAMPLES
    assert [sample.start_ms for sample in run.samples] == [sum(SAMPLES[:index]) for index in range(10)]
    facts = page.locator("#plot-facts")
    expect(facts.locator("[data-field=session_ms]")).to_have_text("700 ms")
    expect(facts.locator("[data-field=first_ms]")).to_have_text("900 ms")


def test_the_plot_has_a_point_for_every_sample_at_its_height(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, {"durations_ms": FIRST + WARM_UP + SAMPLES}, iterations=10)

    path = page.locator("#plot .chart-dots").get_attribute("d") or ""
    heights = [float(y) for _, y in re.findall(r"M([\d.]+) ([\d.]+)h0", path)]
    ticks = page.locator("#plot .chart-tick[text-anchor=end]").evaluate_all(
        "ticks => ticks.map(tick => [Number(tick.textContent), Number(tick.getAttribute('y'))])"
    )
    (low, at_low), (high, at_high) = ticks[0], ticks[-1]
    read_off = [low + (y - at_low) / (at_high - at_low) * (high - low) for y in heights]
    assert read_off == pytest.approx(SAMPLES, abs=0.01)
    median = float(page.locator("#plot .chart-median").get_attribute("y1") or "nan")
    assert low + (median - at_low) / (at_high - at_low) * (high - low) == pytest.approx(21.75, abs=0.01)


def test_one_sample_has_no_standard_deviation(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, {"durations_ms": [12.5]}, iterations=1)
    shown = cells(rows(page))
    assert (shown["mean_ms"], shown["sd_ms"], shown["median_ms"], shown["p95_ms"]) == (
        "12.5",
        NOT_KNOWN,
        "12.5",
        "12.5",
    )


def test_the_time_budget_cuts_a_run_short_and_the_row_says_so(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    # First 300 ms, over 5 % of the budget; a warm-up would pass half of it, so there is none; samples begin at 300, 600 and 900 ms.
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [300]}, time_budget=1, iterations=30)
    run = only_run(page, server.url)
    assert (run.stopped_by, run.warmup_iterations) == ("time_budget", 0)
    assert [sample.start_ms for sample in run.samples] == [0, 300, 600]
    assert [warning.code for warning in run.warnings] == ["time_budget"]
    assert cells(rows(page))["notes"] == "Cut short by the time budget of 1 s: 3 of 30 samples."


def test_a_heavy_model_is_warmed_up_once_and_sampled_once_at_least(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [100, 100, 5000]}, time_budget=1, iterations=2)
    run = only_run(page, server.url)
    assert run.warmup_iterations == 1
    assert [sample.duration_ms for sample in run.samples] == [5000]


def test_progress_names_run_stage_and_sample(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    script = {"durations_ms": [20], "pace_ms": 200}
    page.goto(
        address(
            serve(tiny_zoo, accept_fake=True).url,
            autorun=1,
            runtime="fake",
            models="echo,echo_ssd",
            backends="wasm-1",
            iterations=8,
            fake=script,
        )
    )
    expect(page.locator("#progress-detail")).to_have_text(re.compile(r"Warming up [123] of 3"))
    expect(page.locator("#progress")).to_contain_text("Run 1 of 2: Echo, WebAssembly, 1 thread")
    expect(page.locator("#progress-detail")).to_have_text(re.compile(r"Sample [1-8] of 8"))
    expect(page.locator("#plot .chart-dots")).to_have_attribute("d", re.compile(r"(M[\d.]+ [\d.]+h0)+"))
    expect(page.locator("tr[data-outcome=running]")).to_have_count(1)
    expect(page.locator("#progress")).to_contain_text("Run 2 of 2: Echo SSD, WebAssembly, 1 thread")
    wait_until_done(page)
    expect(page.locator("#progress")).to_have_text(re.compile("2 of 2 runs timed"))


def test_any_runs_samples_can_be_seen_large_again(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, {"durations_ms": [20]}, models="echo,echo_ssd", iterations=4)
    expect(page.locator("figcaption")).to_have_text("Echo SSD, WebAssembly, 1 thread")
    rows(page).first.get_by_role("button").click()
    expect(page.locator("figcaption")).to_have_text("Echo, WebAssembly, 1 thread")


def test_stopping_drops_the_run_that_is_on_and_keeps_the_others(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    script = {"durations_ms": [20], "pace_ms": 50}
    server = serve(tiny_zoo, accept_fake=True)
    both = "echo,echo_ssd"
    page.goto(
        address(server.url, autorun=1, runtime="fake", models=both, backends="wasm-1", iterations=30, fake=script)
    )
    expect(page.locator("tr[data-outcome=ok]")).to_have_count(1)
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    assert counts(page) == (1, 0, 0)
    assert rows(page).count() == 1
    expect(page.locator("#progress")).to_contain_text("Stopped: 1 of 2 runs timed")


def test_samples_of_a_stopped_run_are_not_left_standing_without_their_final_proof(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    script = {"durations_ms": [20], "pace_ms": 50}
    server = serve(tiny_zoo, accept_fake=True)
    where = address(
        server.url, autorun=1, runtime="fake", models="echo", backends="wasm-1", iterations=100, fake=script
    )
    page.goto(where)
    expect(page.locator("#plot .chart-dots")).to_have_attribute("d", re.compile(r"(M[\d.]+ [\d.]+h0)+"))
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    expect(page.locator("#progress")).to_contain_text("Stopped: 0 of 1 runs timed")
    expect(page.locator("#plot svg")).to_have_count(0)
    expect(page.locator("#results-section")).to_be_hidden()


def test_a_run_in_a_hidden_tab_is_marked(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    # Headless browsers never hide a tab, so the page is told that it is hidden.
    page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => true})")
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [20]}, iterations=3)
    assert [warning.code for warning in only_run(page, server.url).warnings] == ["tab_hidden"]
    assert cells(rows(page))["notes"].startswith("The tab was hidden")
