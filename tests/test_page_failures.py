"""A run that goes wrong is a failed run with its reason, never a number; what was measured before stays, and the next run goes on."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Serve
from tests.support.pages import (
    address,
    cells,
    counts,
    fake_address,
    only_run,
    rows,
    run_fake,
    stored,
    wait_until_done,
    wait_until_sent,
)
from tests.support.proxy import Answer, network_to

LAST = 4  # inference 0 is the first, 1 to 3 are warm-up, and one sample is asked for


@pytest.mark.parametrize(
    ("fault", "at", "stage", "said"),
    [
        ("wrong", 0, "verification", "The outputs of fake 1 wasm, 1 thread differ from the reference's: logits is off by up to 1"),
        ("nan", 0, "verification", "logits is missing, of another shape or type, not finite"),
        ("infinity", 0, "verification", "logits is missing, of another shape or type, not finite"),
        ("shape", 0, "verification", "logits is missing, of another shape or type, not finite"),
        ("wrong", LAST, "final_check", "differ from the reference's"),
        ("nan", LAST, "final_check", "not finite"),
        ("throw", 0, "first_inference", "a scripted failure"),
        ("throw", 2, "warm_up", "a scripted failure"),
        ("throw", LAST, "sampling", "a scripted failure"),
        ("throw", "runtime", "runtime", "a scripted failure"),
        ("throw", "session", "session", "a scripted failure"),
        ("crash", "session", "session", "The worker crashed: "),
        ("crash", LAST, "sampling", "The worker crashed: "),
    ],
)  # fmt: skip
def test_a_fault_is_a_failed_run_with_its_stage(
    page: Page, serve: Serve, tiny_zoo: Path, fault: str, at: int | str, stage: str, said: str
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"faults": {str(at): fault}, "durations_ms": [5]}, iterations=1)

    assert counts(page) == (1, 1, 0)
    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == stage
    assert said in run.error.message
    assert run.samples == ()
    assert run.stopped_by == "error"
    shown = cells(rows(page))
    assert (shown["median_ms"], shown["interval"], shown["n"]) == ("\N{EN DASH}", "", "0")
    assert said in shown["notes"]
    if stage in ("verification", "final_check"):
        assert shown["verification"] == "differs from PyTorch"
        check = run.verification if stage == "verification" else run.final_check
        assert check is not None
        assert not check.passed


def test_a_worker_that_hangs_is_stopped_and_the_page_stays_alive(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    script = {"faults": {"2": "hang"}, "session_ms": 30}
    page.goto(fake_address(server.url, script, timeout=8))
    expect(page.locator("#progress-detail")).to_have_text("Warming up 1 of 3")
    begin = time.monotonic()
    assert page.evaluate("1 + 1") == 2
    assert time.monotonic() - begin < 4
    wait_until_done(page)

    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "warm_up"
    assert run.error.message.startswith("The worker said nothing for 8 s and was stopped.")
    assert run.session_ms == 30
    assert run.verification is not None
    assert run.verification.passed


def test_outputs_that_go_wrong_in_a_middle_round_cost_all_samples(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """Twenty samples in rounds of two: inference 9 ends the third round. The rounds before were right, but the session is not."""
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"faults": {"9": "wrong"}, "durations_ms": [5]}, iterations=20)
    run = only_run(page, server.url)
    assert run.error is not None
    assert (run.error.stage, run.samples) == ("final_check", ())
    assert "differ from the reference's" in run.error.message
    assert run.final_check is not None
    assert not run.final_check.passed


@pytest.mark.parametrize(
    ("script", "iterations", "said"),
    [
        ({"durations_ms": [20], "faults": {"2": "backwards"}}, 3, "The clock went backwards. Got: -940 ms after 40 ms."),
        ({"durations_ms": [20], "faults": {"6": "backwards"}}, 3, "The clock went backwards. Got: -860 ms after 120 ms."),
        ({"durations_ms": [20], "faults": {"2": "stopped"}}, 3, "The clock did not move. Got: 3 inferences of 0 ms each."),
        ({"durations_ms": [20], "faults": {"2": "stopped"}}, 500, "The clock did not move. Got: 100 inferences of 0 ms each."),
        ({"durations_ms": [0]}, 1, "The clock did not move. Got: 1 inferences of 0 ms each."),
    ],
    ids=["backwards in warm-up", "backwards in a sample", "stopped", "stopped for long", "never moved"],
)  # fmt: skip
def test_a_clock_that_tells_no_time_is_a_failed_run(
    page: Page, serve: Serve, tiny_zoo: Path, script: dict[str, Any], iterations: int, said: str
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, script, iterations=iterations)
    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.message.startswith(said)
    assert run.samples == ()


def test_some_samples_of_zero_are_a_coarse_clock_and_kept(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [5, 5, 5, 5, 0, 1, 0, 0, 1, 0]}, iterations=6)
    run = only_run(page, server.url)
    assert run.error is None
    assert [sample.duration_ms for sample in run.samples] == [0, 1, 0, 0, 1, 0]
    assert "zero_times" in [warning.code for warning in run.warnings]


# The first session that is asked for finds no memory while another worker lives: what one that is alone then has.
SHORT_OF_MEMORY = """
  let alive = 0;
  window.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options);
      this.counts = /^echo/.test(options.name);
      alive += this.counts;
    }
    postMessage(message, ...others) {
      const isShort = message.kind === 'prepare' && alive > 1;
      const job = isShort && {...message.job, fake: {...message.job.fake, faults: {session: 'oom'}}};
      super.postMessage(isShort ? {...message, job} : message, ...others);
    }
    terminate() {
      alive -= this.counts;
      this.counts = false;
      super.terminate();
    }
  };
"""


def test_a_session_that_finds_no_memory_beside_others_is_run_again_alone(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.add_init_script(SHORT_OF_MEMORY)
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [20]}, models="echo,echo_ssd", iterations=3)
    assert counts(page) == (2, 0, 0)
    runs = sorted(
        (stored(server.url, row) for row in rows(page).all()), key=lambda run: run.order.block if run.order else 0
    )
    assert [len(run.samples) for run in runs] == [3, 3]
    deserted, starved = (run.order for run in runs)
    assert deserted is not None
    assert starved is not None
    assert (deserted.mode, starved.mode) == ("sequential", "sequential")
    assert deserted.reason == (
        "none of the runs that it was to take turns with completed a round: each failed, lacked memory or was stopped before"
    )
    assert starved.reason == "its memory did not suffice beside other sessions, so it was run again alone"
    assert starved.block == 2


def test_a_run_that_was_put_aside_for_memory_is_recorded_though_the_batch_is_stopped(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.add_init_script(SHORT_OF_MEMORY)
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(fake_address(server.url, {"durations_ms": [20], "pace_ms": 50}, models="echo,echo_ssd", iterations=100))
    expect(page.locator("#progress-detail")).to_have_text(re.compile("Sample [2-9]"))
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    wait_until_sent(page)
    runs = [stored(server.url, row) for row in rows(page).all()]
    (starved,) = [run for run in runs if run.error]
    assert starved.error is not None
    assert starved.error.stage == "session"
    assert starved.error.message.startswith("The memory of this browser does not suffice")


def test_a_run_whose_second_attempt_is_stopped_is_recorded_with_the_failure_of_the_first(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.add_init_script(SHORT_OF_MEMORY)
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(
        fake_address(
            server.url, {"durations_ms": [20], "pace_ms": 200}, models="echo,echo_ssd", iterations=2, warmup=20
        )
    )
    page.locator("#results tbody tr[data-outcome=ok]").wait_for()
    expect(page.locator("#progress-detail")).to_have_text(re.compile("Warming up"))
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    wait_until_sent(page)
    assert counts(page) == (2, 1, 0)
    (error,) = [run.error for run in (stored(server.url, row) for row in rows(page).all()) if run.error]
    assert error.message.startswith("The memory of this browser does not suffice")


def test_a_partner_that_fails_after_a_round_leaves_a_run_that_took_turns(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.add_init_script("""
      window.Worker = class extends Worker {
        constructor(url, options) {
          super(url, options);
          this.isOdd = options.name === 'echo wasm-1';
        }
        postMessage(message, ...others) {
          const isLast = this.isOdd && message.kind === 'take' && message.round === 7;
          if (isLast) this.dispatchEvent(new ErrorEvent('error', {message: 'a scripted crash', cancelable: true}));
          else super.postMessage(message, ...others);
        }
      };
    """)
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [20]}, models="echo,echo_ssd", iterations=10)
    runs = {run.model: run for run in (stored(server.url, row) for row in rows(page).all())}
    assert runs["echo"].error is not None
    left = runs["echo_ssd"].order
    assert left is not None
    assert (left.mode, left.reason) == ("interleaved", None)


def test_samples_of_no_time_are_a_failure_though_the_run_is_stopped(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(fake_address(server.url, {"durations_ms": [0], "pace_ms": 60}, iterations=100))
    expect(page.locator("#progress-detail")).to_have_text(re.compile("Sample [2-9][0-9]"))
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    wait_until_sent(page)
    assert counts(page) == (1, 1, 0)
    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.message.startswith("The clock did not move. Got: ")
    assert run.samples == ()


def test_a_session_that_finds_no_memory_alone_is_a_failed_run(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"faults": {"session": "oom"}}, models="echo,echo_ssd", iterations=3)
    assert counts(page) == (2, 2, 0)
    for row in rows(page).all():
        run = stored(server.url, row)
        assert run.error is not None
        assert run.error.stage == "session"
        assert run.error.message.startswith("The memory of this browser does not suffice for Echo")
        assert "Next: close other tabs and programs" in run.error.message
        assert run.order is not None
        assert run.order.reason == "its memory did not suffice beside other sessions, so it was run again alone"


def test_the_next_run_goes_on_after_a_failure(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults["/models/echo/fp32.onnx"] = lambda answer: answer.cut(0)
        both = {"models": "echo,echo_ssd", "backends": "wasm-1", "iterations": 1, "min_time": 0}
        page.goto(address(network.url, autorun=1, **both))
        wait_until_done(page)
        outcomes = {row.get_attribute("data-model"): row.get_attribute("data-outcome") for row in rows(page).all()}
        assert outcomes == {"echo": "failed", "echo_ssd": "ok"}
        assert counts(page) == (2, 1, 0)


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("wasm-64", "WebAssembly, 64 threads cannot run here: 64 threads cannot be had: this device has "),
        ("webgpu", "WebGPU cannot run here: "),
    ],
)
def test_a_backend_that_the_device_lacks_is_a_failed_run_that_says_why(
    page: Page, serve: Serve, tiny_zoo: Path, backend: str, said: str
) -> None:
    server = serve(tiny_zoo)
    page.add_init_script("Object.defineProperty(navigator, 'hardwareConcurrency', {get: () => 8})")
    page.add_init_script("Object.defineProperty(navigator, 'gpu', {get: () => undefined})")
    page.goto(address(server.url, autorun=1, models="echo", backends=f"{backend},wasm-1", iterations=1, min_time=0))
    wait_until_done(page)
    failed, timed = sorted((stored(server.url, row) for row in rows(page).all()), key=lambda run: run.error is None)
    assert failed.error is not None
    assert failed.error.stage == "start"
    assert failed.error.message.startswith(said)
    assert timed.error is None


# Firefox's clock moves in steps of 1 ms without isolation: of few inferences of this model each may take none.
COARSELY = 300


def _without_isolation(answer: Answer) -> Answer:
    headers = tuple(pair for pair in answer.headers if not pair[0].lower().startswith("cross-origin-"))
    return Answer(answer.status, headers, answer.body, answer.announced)


def test_without_isolation_the_page_says_so_and_times_one_thread(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults["/"] = _without_isolation
        page.goto(address(network.url, autorun=1, models="echo", backends="wasm", iterations=COARSELY, min_time=0))
        wait_until_done(page)
        expect(page.locator("#backends")).to_contain_text(
            "Threads need https (or localhost) and cross-origin isolation."
        )
        run = only_run(page, server.url)
    assert run.error is None
    assert run.threads == 1
    assert not run.device.cross_origin_isolated
    assert "not_isolated" in [warning.code for warning in run.warnings]


def test_over_plain_http_on_a_network_the_page_says_what_it_cannot_do_and_times_the_rest(
    browser: Browser, browser_context_args: dict[str, Any], serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo)
    with (
        network_to(server.url) as network,
        browser.new_context(**browser_context_args, proxy={"server": network.url}) as context,
    ):
        page = context.new_page()
        page.goto(
            address(
                "http://laptop.example",
                autorun=1,
                models="echo",
                backends="wasm,webgpu",
                iterations=COARSELY,
                min_time=0,
            )
        )
        wait_until_done(page)
        failed, timed = sorted((stored(server.url, row) for row in rows(page).all()), key=lambda run: run.error is None)
    assert timed.error is None
    assert timed.threads == 1
    assert not timed.device.secure_context
    assert {"not_isolated", "hash_unchecked"} <= {warning.code for warning in timed.warnings}
    assert failed.error is not None
    assert failed.error.message == "WebGPU cannot run here: WebGPU needs https (or localhost)."


@pytest.mark.browser_errors("Failed to load resource")
@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/models/manifest.json", {"schema_version": 3, "models": []}, "schema_version"),
        ("/models/manifest.json", {"schema_version": 2, "models": []}, "one model at least"),
        ("/models/manifest.json", {"schema_version": 2, "models": [{"id": "echo"}]}, "models.0.title"),
        ("/api/config", {"page_version": "1"}, "/api/config.onnxruntime_web"),
        ("/api/config", "no JSON at all", "is not JSON"),
    ],
)
def test_a_server_that_makes_no_sense_is_reported(
    page: Page, serve: Serve, tiny_zoo: Path, path: str, body: Any, said: str
) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with network_to(serve(tiny_zoo).url) as network:
        network.faults[path] = lambda answer: answer.with_body(content)
        page.goto(network.url)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("The page cannot start")
        expect(alert).to_contain_text(said)
        expect(page.locator("html")).to_have_attribute("data-state", "invalid")
        expect(page.locator("#start")).to_be_hidden()
