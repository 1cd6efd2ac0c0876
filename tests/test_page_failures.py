"""A run that goes wrong is a failed run with its reason, never a number; what was measured before stays, and the next run goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Serve
from tests.support.pages import address, cells, counts, only_run, rows, run_fake, stored, wait_until_done
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
    assert (shown["median_ms"], shown["mean_ms"], shown["p95_ms"], shown["n"]) == ("\N{EN DASH}",) * 3 + ("0",)
    assert said in shown["notes"]
    if stage in ("verification", "final_check"):
        assert shown["verification"] == "differs from PyTorch"
        check = run.verification if stage == "verification" else run.final_check
        assert check is not None
        assert not check.passed


def test_a_worker_that_hangs_is_stopped_and_the_page_stays_alive(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    script = {"faults": {"2": "hang"}, "session_ms": 30}
    page.goto(
        address(server.url, autorun=1, runtime="fake", fake=script, models="echo", backends="wasm-1", timeout="2.5")
    )
    expect(page.locator("#progress-detail")).to_have_text("Warming up 1 of 3")
    begin = time.monotonic()
    assert page.evaluate("1 + 1") == 2
    assert time.monotonic() - begin < 1
    wait_until_done(page)

    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "warm_up"
    assert run.error.message.startswith("The worker said nothing for 2.5 s and was stopped.")
    assert run.session_ms == 30
    assert run.verification is not None
    assert run.verification.passed


def test_the_next_run_goes_on_after_a_failure(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults["/models/echo/fp32.onnx"] = lambda answer: answer.cut(100)
        page.goto(address(network.url, autorun=1, models="echo,echo_ssd", backends="wasm-1", iterations=1))
        wait_until_done(page)
        assert [row.get_attribute("data-outcome") for row in rows(page).all()] == ["failed", "ok"]
        assert counts(page) == (2, 1, 0)


def _flipped(answer: Answer) -> Answer:
    return answer.with_body(bytes([answer.body[0] ^ 1]) + answer.body[1:])


@pytest.mark.browser_errors("Failed to load resource", "NetworkError", "Content-Length")
@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda answer: answer.cut(100), "The download of echo/fp32.onnx broke off. Got: "),
        (lambda answer: answer.with_body(answer.body[:100]), "The download of echo/fp32.onnx broke off. Got: 100 bytes"),
        (lambda answer: answer.with_body(answer.body + b"more"), "more than "),
        (lambda answer: None, "The download of echo/fp32.onnx broke off."),
        (_flipped, "echo/fp32.onnx is not the file that the manifest describes. Got: SHA-256 "),
    ],
    ids=["aborted", "cut short", "too long", "never answered", "changed"],
)  # fmt: skip
def test_a_file_that_does_not_come_whole_is_a_failed_download(
    page: Page, serve: Serve, tiny_zoo: Path, tamper: Callable[[Answer], Answer | None], said: str
) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults["/models/echo/fp32.onnx"] = tamper
        page.goto(address(network.url, autorun=1, models="echo", backends="wasm-1", iterations=1))
        wait_until_done(page)
        run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "download"
    assert said in run.error.message
    assert "Next: " in run.error.message
    assert run.download_ms is None


def test_a_file_that_stops_coming_is_asked_for_once_more(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server, over = serve(tiny_zoo), threading.Event()
    answers: list[Answer] = []

    def stuck_at_first(answer: Answer) -> Answer:
        answers.append(answer)
        return answer.stuck(100, over) if len(answers) == 1 else answer

    with network_to(server.url) as network:
        network.faults["/models/echo/fp32.onnx"] = stuck_at_first
        page.goto(address(network.url, autorun=1, models="echo", backends="wasm-1", iterations=1))
        wait_until_done(page)
        over.set()
        run = only_run(page, server.url)
    assert len(answers) == 2
    assert run.error is None
    assert run.samples


@pytest.mark.browser_errors("Failed to load resource")
def test_a_file_that_the_server_refuses_is_explained_in_its_words(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    refusal = {"error": {"what": "Broken file", "got": "this", "expected": "that", "next": "build it anew"}}
    body = json.dumps(refusal).encode()
    with network_to(serve(tiny_zoo).url) as network:
        network.faults["/models/echo/fp32.onnx"] = lambda answer: Answer(503, answer.headers, body, len(body))
        page.goto(address(network.url, autorun=1, models="echo", backends="wasm-1", iterations=1))
        wait_until_done(page)
        notes = cells(rows(page))["notes"]
    assert notes == "Failed at download. Broken file. Got: this. Expected: that. Next: build it anew."


@pytest.mark.browser_errors(
    "expected magic word", "wasm streaming compile failed", "falling back to", "prepare wasm", "Aborted"
)
def test_a_runtime_that_does_not_load_is_a_failed_session(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults["/vendor/onnxruntime-web/1.30.0/ort-wasm-simd-threaded.wasm"] = lambda answer: answer.with_body(
            b"not wasm"
        )
        page.goto(address(network.url, autorun=1, models="echo", backends="wasm-1", iterations=1))
        wait_until_done(page)
        run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "session"


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
    page.goto(address(server.url, autorun=1, models="echo", backends=f"{backend},wasm-1", iterations=1))
    wait_until_done(page)
    failed, timed = (stored(server.url, row) for row in rows(page).all())
    assert failed.error is not None
    assert failed.error.stage == "start"
    assert failed.error.message.startswith(said)
    assert timed.error is None


def _without_isolation(answer: Answer) -> Answer:
    headers = tuple(pair for pair in answer.headers if not pair[0].lower().startswith("cross-origin-"))
    return Answer(answer.status, headers, answer.body, answer.announced)


def test_without_isolation_the_page_says_so_and_times_one_thread(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults["/"] = _without_isolation
        page.goto(address(network.url, autorun=1, models="echo", backends="wasm", iterations=3))
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
        page.goto(address("http://laptop.example", autorun=1, models="echo", backends="wasm,webgpu", iterations=2))
        wait_until_done(page)
        timed, failed = (stored(server.url, row) for row in rows(page).all())
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
