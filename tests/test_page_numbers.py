"""With scripted durations the page shows, draws and stores exactly these numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Serve
from tests.support.pages import cells, only_run, rows, run_fake

# Inference 0 is the first one, 1 to 3 are the warm-up, the samples follow.
FIRST, WARM_UP = [900.0], [50.0, 40.0, 30.0]
SAMPLES = [20.0, 22.0, 21.0, 25.0, 20.0, 24.0, 23.0, 20.5, 21.5, 43.0]


def test_scripted_durations_are_shown_and_stored(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"session_ms": 700, "durations_ms": FIRST + WARM_UP + SAMPLES}, iterations=10)

    shown = cells(rows(page))
    assert (shown["median_ms"], shown["interval"], shown["n"]) == ("21.8", "20.0 to 25.0", "10")
    assert (shown["session_ms"], shown["first_ms"]) == ("700", "900")
    run = only_run(page, server.url)
    assert (run.session_ms, run.first_ms, run.warmup_iterations, run.warmup_ended_by) == (700, 900, 3, "count")
    assert [sample.duration_ms for sample in run.samples] == SAMPLES
    assert [sample.start_ms for sample in run.samples] == [sum(SAMPLES[:index]) for index in range(10)]
    assert [sample.round for sample in run.samples] == list(range(1, 11))
    assert (run.iterations_requested, run.min_time_s, run.precision, run.time_budget_s) == (10, 0, None, 120)
    facts = page.locator("#plot-facts")
    expect(facts.locator("[data-field=mean_ms]")).to_have_text("24.0 ms")
    expect(facts.locator("[data-field=sd_ms]")).to_have_text("6.88 ms")


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


def test_one_sample_has_no_standard_deviation_and_no_interval(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [12.5]}, iterations=1)
    shown = cells(rows(page))
    assert (shown["median_ms"], shown["interval"], shown["n"]) == ("12.5", "", "1")
    expect(page.locator("#plot-facts [data-field=mean_ms]")).to_have_text("12.5 ms")
    expect(page.locator("#plot-facts [data-field=sd_ms]")).to_have_count(0)
    assert "few_samples" in [warning.code for warning in only_run(page, server.url).warnings]


def test_any_runs_samples_can_be_seen_large_again(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, {"durations_ms": [20]}, models="echo,echo_ssd", iterations=4)
    for model, title in (("echo", "Echo"), ("echo_ssd", "Echo SSD")):
        page.locator(f"#results tr[data-model={model}] .strip-button").click()
        expect(page.locator("figcaption")).to_have_text(f"{title}, WebAssembly, 1 thread")
