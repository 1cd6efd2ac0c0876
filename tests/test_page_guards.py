"""Each guard, provoked in a real browser through the whole page: the doubt is in the row that the server stores, and is shown.

Time is the scripted runtime's where it must be exact. The calibration loop's worker answers from a script too (`calm`), so that what
else this machine does is not seen, save in the test that is about that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.conftest import Serve
from tests.support.pages import address, fake_address, only_run, rows, run_fake, stored, wait_until_done
from tests.support.proxy import Answer, network_to
from timings.records import Run

Calibrate = Callable[[Sequence[float], float], None]
CALM_MS = 1.08


@pytest.fixture(autouse=True)
def calm(context: BrowserContext) -> Calibrate:
    """No load, and always the same speed. Call it for other figures: the loop's ms, one of each calibration, and the lost share."""
    figures: dict[str, Any] = {"loop_ms": [CALM_MS], "lost_share": 0.02, "asked": 0}

    def answer(route: Route) -> None:
        workers = figures["workers"] = figures.get("workers") or 1
        loops = figures["loop_ms"]
        loop_ms = loops[min(figures["asked"] // workers, len(loops) - 1)]
        figures["asked"] += 1
        passes = json.dumps({"fastest_ms": loop_ms, "lost_share": figures["lost_share"]})
        body = f"onmessage = () => postMessage({passes}); postMessage('ready');"
        # A worker must be isolated like the page that starts it.
        headers = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin"}
        route.fulfill(body=body, content_type="text/javascript", headers=headers)

    def script(loop_ms: Sequence[float], lost_share: float = 0.02) -> None:
        figures.update(loop_ms=loop_ms, lost_share=lost_share)

    context.add_init_script("Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', {get: () => 1});")
    context.route("**/calibration_worker.js", answer)
    return script


def doubts(run: Run) -> dict[str, str]:
    """The messages by code."""
    assert run.error is None, run.error
    return {warning.code: warning.message for warning in run.warnings}


@pytest.fixture
def timed(page: Page, serve: Serve, tiny_zoo: Path) -> Callable[..., Run]:
    """Times one model with the scripted runtime, and gives the run as the server stored it."""
    server = serve(tiny_zoo, accept_fake=True)

    def run(durations_ms: Sequence[float] = (20,), script: dict[str, Any] | None = None, **parameters: object) -> Run:
        run_fake(page, server.url, {"durations_ms": list(durations_ms), **(script or {})}, **parameters)
        found = only_run(page, server.url)
        shown = rows(page).locator("[data-field=notes] [data-code]")
        assert shown.evaluate_all("all => all.map(({dataset, textContent}) => [dataset.code, textContent])") == [
            [warning.code, warning.message] for warning in found.warnings
        ]
        return found

    return run


def test_a_quiet_run_is_not_doubted(timed: Callable[..., Run]) -> None:
    run = timed(iterations=30)
    assert doubts(run) == {}
    assert run.conditions is not None
    assert run.conditions.calibration_before == run.conditions.calibration_after
    assert run.conditions.calibration_before is not None
    assert run.conditions.calibration_before.loop_ms == CALM_MS
    assert (run.conditions.times_hidden, run.conditions.repeats) == (0, 0)


# Playwright keeps every tab seen, so the page is told that it is hidden; tests/test_page_hidden.py covers a tab for real.
HIDEABLE = "Object.defineProperty(Document.prototype, 'hidden', {get: () => Boolean(window.isHiddenNow)});"
SHOW = "isHidden => { window.isHiddenNow = isHidden; document.dispatchEvent(new Event('visibilitychange')); }"


def test_a_run_whose_tab_was_hidden_is_repeated_and_says_so(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.add_init_script(HIDEABLE)
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(fake_address(server.url, {"durations_ms": [20], "pace_ms": 100}, iterations=50))
    expect(page.locator("#progress")).to_contain_text("Sample ")
    page.evaluate(SHOW, True)
    page.wait_for_timeout(500)
    page.evaluate(SHOW, False)
    wait_until_done(page)
    run = only_run(page, server.url)
    assert doubts(run) == {
        "tab_hidden": "The tab was hidden 1 time, so the run began again 1 time; browsers slow hidden tabs down. Keep it in front while it times."
    }
    assert run.conditions is not None
    assert (run.conditions.times_hidden, run.conditions.repeats) == (1, 1)
    assert len(run.samples) == 50


REFUSE = """
Object.defineProperty(Navigator.prototype, 'wakeLock', {get: () => ({
  request: () => Promise.reject(new DOMException('the battery is low', 'NotAllowedError'))})});
"""
NO_WAKE_LOCK = "delete Navigator.prototype.wakeLock;"


def test_a_wake_lock_that_is_refused_is_told(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(REFUSE)
    run = timed(iterations=5)
    assert run.conditions is not None
    assert run.conditions.wake_lock == "refused"
    assert doubts(run)["wake_lock_refused"].startswith("The browser refused to keep the screen on")


LATE = """
Object.defineProperty(Navigator.prototype, 'wakeLock', {get: () => ({
  request: () => new Promise((resolve) => setTimeout(() => resolve(Object.assign(new EventTarget(), {released: false, release: async () => {}})), 100))})});
"""


def test_a_run_that_is_over_at_once_claims_no_refusal(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """A backend that is blocked makes a failed run before anything else has happened."""
    page.add_init_script(LATE)
    page.add_init_script("Object.defineProperty(navigator, 'gpu', {get: () => undefined});")
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, backends="webgpu")
    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "start"
    assert run.conditions is not None
    assert run.conditions.wake_lock == "held"
    assert "wake_lock_refused" not in [warning.code for warning in run.warnings]


def test_a_browser_that_never_answers_has_refused_nothing(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(LATE.replace("100", "1e9"))
    run = timed(iterations=5)
    assert run.conditions is not None
    assert run.conditions.wake_lock == "unsupported"
    assert doubts(run) == {}


def test_a_browser_without_wake_lock_is_not_doubted(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(NO_WAKE_LOCK)
    run = timed(iterations=5)
    assert run.conditions is not None
    assert run.conditions.wake_lock == "unsupported"
    assert doubts(run) == {}


BATTERY = """
Navigator.prototype.getBattery = async () => Object.assign(new EventTarget(), {level: 0.42, charging: %s});
"""


def test_a_device_on_its_battery_is_told(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(BATTERY % "false")
    run = timed(iterations=5)
    assert run.conditions is not None
    assert (run.conditions.battery_level, run.conditions.battery_charging) == (0.42, False)
    assert doubts(run)["on_battery"].startswith("The device ran on its battery, 42 % full; ")


def test_a_device_that_is_plugged_in_is_not_doubted(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(BATTERY % "true")
    assert doubts(timed(iterations=5)) == {}


def test_a_battery_that_a_browser_does_not_tell_of_is_null(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(
        "Navigator.prototype.getBattery = () => Promise.reject(new DOMException('no', 'NotAllowedError'));"
    )
    run = timed(iterations=5)
    assert run.conditions is not None
    assert (run.conditions.battery_level, run.conditions.battery_charging) == (None, None)


def _without_isolation(answer: Answer) -> Answer:
    headers = tuple(pair for pair in answer.headers if not pair[0].lower().startswith("cross-origin-"))
    return Answer(answer.status, headers, answer.body, answer.announced)


def test_a_page_that_is_not_isolated_is_told(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults["/"] = _without_isolation
        page.goto(address(network.url, autorun=1, models="echo", backends="wasm", iterations=5))
        wait_until_done(page)
        run = only_run(page, server.url)
    assert not run.device.cross_origin_isolated
    assert run.threads == 1
    assert doubts(run)["not_isolated"].startswith(
        "The page is not cross-origin isolated, so WebAssembly had one thread."
    )


COARSE = """
{ const now = performance.now.bind(performance); performance.now = () => Math.floor(now()); }
"""


def test_a_coarse_clock_is_told(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(COARSE)
    run = timed(iterations=5)
    assert run.device.timer_step_ms == 1
    assert doubts(run)["coarse_timer"] == (
        "This browser's clock moves in steps of 1 ms, over 1 % of the median of 20.0 ms. Time a larger model."
    )
    assert "coarse_timer" not in doubts(timed((200,), iterations=5))


def test_samples_of_no_time_are_told(timed: Callable[..., Run]) -> None:
    run = timed((20, 20, 20, 20, 0, 20, 20, 0, 20, 20), iterations=6)
    assert doubts(run)["zero_times"].startswith("2 samples of 6 took 0 ms by this browser's clock")


def test_a_software_gpu_is_told(
    software_gpu: Browser, browser_context_args: dict[str, Any], serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo)
    with software_gpu.new_context(**browser_context_args) as context:
        page = context.new_page()
        page.goto(address(server.url, autorun=1, models="echo,echo_boxes", backends="webgpu", iterations=5, min_time=0))
        wait_until_done(page)
        found = {run.model: run for run in (stored(server.url, row) for row in rows(page).all())}
    assert all(run.device.gpu_software for run in found.values())
    assert all("emulated in software" in doubts(run)["software_gpu"] for run in found.values())
    # WebGPU adds no 64-bit integers, which where to slice is made of.
    assert "fell_back" not in doubts(found["echo"])
    assert doubts(found["echo_boxes"])["fell_back"].startswith("Not all of it ran on webgpu: ")


WEBGL = """
for (const canvas of [HTMLCanvasElement, OffscreenCanvas]) canvas.prototype.getContext = () => ({
  RENDERER: 7937, getParameter: () => 'llvmpipe, or similar', getExtension: () => null});
"""


def test_webgl_in_software_is_told(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(WEBGL)
    run = timed(backends="webgl", iterations=5)
    assert run.device.webgl_renderer == "llvmpipe, or similar"
    assert doubts(run)["software_gpu"].startswith("The GPU is emulated in software (llvmpipe, or similar), ")


ADAPTER = """
Object.defineProperty(Navigator.prototype, 'gpu', {configurable: true, get: () => ({requestAdapter: async () => (
  {info: {vendor: 'arm', architecture: 'valhall', description: 'Mali', device: '', isFallbackAdapter: %s}})})});
"""


def test_an_adapter_that_says_it_is_a_fallback_is_told(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(ADAPTER % "true")
    run = timed(backends="webgpu", iterations=5)
    assert (run.device.gpu_fallback_adapter, run.device.gpu_software) == (True, True)
    assert doubts(run)["software_gpu"].startswith("The GPU is emulated in software (Mali), so this is no GPU timing.")


def test_nodes_that_fell_back_to_another_backend_are_told(page: Page, timed: Callable[..., Run]) -> None:
    page.add_init_script(ADAPTER % "false")
    placement = {"webgpu": {"Conv": 9}, "wasm": {"TopK": 2, "NonMaxSuppression": 1}}
    run = timed(script={"placement": placement}, backends="webgpu", iterations=5)
    assert run.device.gpu_fallback_adapter is False
    assert run.device.gpu_vendor == "arm"
    assert doubts(run) == {
        "fell_back": "Not all of it ran on webgpu: 3 of 12 nodes on wasm, with copies in between. The timing is of the mixture."
    }


UNTIMED = [20.0] * 4
"""The first inference and the warm-up."""


def test_samples_that_drift_are_told(timed: Callable[..., Run]) -> None:
    run = timed(
        [*UNTIMED, *[20.0 + 0.001 * index for index in range(15)], *[21.0 + 0.001 * index for index in range(15)]],
        iterations=30,
    )
    assert doubts(run) == {
        "drift": "The samples became slower: a median of 20.0 ms in the first third, 21.0 ms in the last (5 %). Let the device rest, or ask for a longer warm-up."
    }


def test_a_device_that_slows_down_as_it_gets_hot_is_told(timed: Callable[..., Run], calm: Calibrate) -> None:
    calm([1.0, 1.25], 0.02)
    run = timed([*UNTIMED, *[20.0 + 0.1 * index for index in range(30)]], iterations=30)
    assert run.conditions is not None
    assert run.conditions.calibration_after is not None
    assert run.conditions.calibration_after.loop_ms == 1.25
    found = doubts(run)
    assert found.keys() == {"drift", "thermal_slowdown"}
    assert "samples rose from 20.5 to 22.4 ms" in found["thermal_slowdown"]
    assert "1.00 ms before and 1.25 ms after" in found["thermal_slowdown"]


def test_samples_of_two_kinds_are_told(timed: Callable[..., Run]) -> None:
    run = timed([*UNTIMED, *[20.0, 30.0, 20.1, 20.2, 30.2] * 6], iterations=30)
    assert doubts(run).keys() == {"bimodal"}
    assert "18 around 20.1 ms and 12 around 30.1 ms" in doubts(run)["bimodal"]


def test_samples_with_a_heavy_tail_are_told(timed: Callable[..., Run]) -> None:
    run = timed([*UNTIMED, *[20.0, 20.1, 20.2, 20.1, 20.0, 20.1, 20.2, 20.1, 20.0, 60.0] * 3], iterations=30)
    assert doubts(run).keys() == {"heavy_tail"}
    assert doubts(run)["heavy_tail"].startswith(
        "3 of 30 samples took over 22.1 ms, far beyond the rest, the slowest 60.0 ms"
    )


def test_a_slow_first_sample_is_told(timed: Callable[..., Run]) -> None:
    run = timed([*UNTIMED, 90.0, *[20.0] * 9], iterations=10)
    assert doubts(run).keys() == {"slow_first_sample"}


def test_a_warm_up_that_never_settles_is_told(timed: Callable[..., Run]) -> None:
    run = timed([20 * 1.05**index for index in range(100)], iterations=5, warmup=None)
    assert run.warmup_ended_by == "limit"
    assert doubts(run)["not_settled"].startswith(
        "Durations had not settled when the warm-up ended, after 60 inferences"
    )


def test_few_samples_are_told(timed: Callable[..., Run]) -> None:
    run = timed(iterations=1)
    assert doubts(run) == {"few_samples": "1 sample only: too few to tell how far they scatter. Time at least 5."}


def test_runs_that_did_not_take_turns_are_told(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [20]}, iterations=5, repeat=2, order="sequential")
    for row in rows(page).all():
        assert (
            "not in turns with the 1 other run (asked for with order=sequential)"
            in doubts(stored(server.url, row))["sequential"]
        )
    run_fake(page, server.url, {"durations_ms": [20]}, iterations=5, repeat=2)
    assert [doubts(stored(server.url, row)) for row in rows(page).all()] == [{}, {}]


def test_other_programs_that_use_the_processor_are_told(
    page: Page, context: BrowserContext, timed: Callable[..., Run]
) -> None:
    context.unroute("**/calibration_worker.js")
    spin = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    # Each in a session of its own: Linux shares the processor out among sessions first, and all of these would count as one.
    busy = [
        subprocess.Popen(spin, stdout=subprocess.PIPE, start_new_session=True) for _ in range(4 * (os.cpu_count() or 1))
    ]
    try:
        for process in busy:
            assert process.stdout is not None
            process.stdout.readline()
        run = timed(iterations=5)
    finally:
        for process in busy:
            process.kill()
            process.communicate()
    assert run.conditions is not None
    seen = (run.conditions.calibration_before, run.conditions.calibration_after)
    # Either may miss it: a scheduler lets a thread that has just woken run on for a while.
    assert max(reading.lost_share for reading in seen if reading is not None) > 0.15
    assert "a calibration loop lost " in doubts(run)["background_load"]
