"""Models and the runtime come over a network that comes and goes: what is lost is asked for again, what cannot be had is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.conftest import Serve
from tests.support.pages import address, cells, only_run, rows, wait_until_done
from tests.support.proxy import Answer, Tamper, network_to, unreachable
from tests.support.serving import ORT_WASM

MODEL = "/models/echo/fp32.onnx"
SHORT_NAMES = {MODEL: "echo/fp32.onnx", ORT_WASM: "ort-wasm-simd-threaded.wasm"}
# What browsers write on the console of their own accord when a response is refused or breaks off.
BROKEN = ("Failed to load resource", "NetworkError", "Content-Length")

SAID = "words => new RegExp(words).test(document.querySelector('#said').textContent)"


class Breaking:
    """A fault: the first answers are tampered with, the others come whole. Keeps each answer as the server gave it."""

    def __init__(self, tamper: Tamper, times: int = 1) -> None:
        self._tamper = tamper
        self._times = times
        self.answers: list[Answer] = []

    def __call__(self, answer: Answer) -> Answer | None:
        self.answers.append(answer)
        return self._tamper(answer) if len(self.answers) <= self._times else answer


def _open(page: Page, server: str) -> None:
    page.goto(address(server, autorun=1, models="echo", backends="wasm-1", iterations=1, min_time=0, end_to_end=0))


@pytest.mark.browser_errors(*BROKEN)
def test_what_a_lost_connection_left_is_asked_for_and_no_more(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server, breaking = serve(tiny_zoo), Breaking(lambda answer: answer.cut(5_000_000))
    with network_to(server.url) as network:
        network.faults[ORT_WASM] = breaking
        _open(page, network.url)
        # It says so for a second, in which an `expect` may not look.
        page.wait_for_function(SAID, arg=r"The connection failed .*trying again in 1 s")
        wait_until_done(page)
        run = only_run(page, server.url)
    assert [answer.status for answer in breaking.answers] == [200, 206]
    assert len(breaking.answers[1].body) < len(breaking.answers[0].body)
    assert run.error is None
    assert run.samples


@pytest.mark.browser_errors(*BROKEN)
def test_without_the_servers_word_that_a_file_is_the_same_it_is_fetched_from_its_beginning(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    def without_etag(answer: Answer) -> Answer:
        headers = tuple(pair for pair in answer.headers if pair[0].lower() != "etag")
        return Answer(answer.status, headers, answer.body, answer.announced).cut(100)

    server, breaking = serve(tiny_zoo), Breaking(without_etag)
    with network_to(server.url) as network:
        network.faults[MODEL] = breaking
        _open(page, network.url)
        wait_until_done(page)
        run = only_run(page, server.url)
    assert [answer.status for answer in breaking.answers] == [200, 200]
    assert run.error is None


def test_a_file_that_stops_coming_is_asked_for_once_more(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server, over = serve(tiny_zoo), threading.Event()
    breaking = Breaking(lambda answer: answer.stuck(100, over))
    with network_to(server.url) as network:
        network.faults[MODEL] = breaking
        _open(page, network.url)
        wait_until_done(page)
        over.set()
        run = only_run(page, server.url)
    assert [answer.status for answer in breaking.answers] == [200, 206]
    assert run.error is None
    assert run.samples
    assert run.download_cached is False


@pytest.mark.browser_errors(*BROKEN)
@pytest.mark.parametrize(
    ("path", "tamper", "stage", "tries"),
    [
        (MODEL, lambda answer: answer.cut(0), "download", 3),
        (MODEL, lambda answer: answer.with_body(answer.body[:50]), "download", 3),
        (MODEL, unreachable, "download", 3),
        (ORT_WASM, unreachable, "runtime", 3),
        (MODEL, lambda answer: answer.with_body(answer.body + b"more"), "download", 1),
    ],
    ids=["aborted", "cut short", "never answered", "no runtime", "too long"],
)
def test_a_file_that_does_not_come_whole_is_a_failed_run(
    page: Page, serve: Serve, tiny_zoo: Path, path: str, tamper: Tamper, stage: str, tries: int
) -> None:
    server, breaking = serve(tiny_zoo), Breaking(tamper, times=1000)
    with network_to(server.url) as network:
        network.faults[path] = breaking
        _open(page, network.url)
        wait_until_done(page)
        run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == stage
    assert run.error.message.startswith(f"The download of {SHORT_NAMES[path]} broke off. Got: ")
    assert ("that was attempt 3" if tries == 3 else "more than ") in run.error.message
    assert "Next: check the connection" in run.error.message
    assert len(breaking.answers) >= tries
    assert run.samples == ()


def test_a_file_that_was_changed_is_refused(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults[MODEL] = lambda answer: answer.with_body(bytes([answer.body[0] ^ 1]) + answer.body[1:])
        _open(page, network.url)
        wait_until_done(page)
        run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "download"
    assert "echo/fp32.onnx is not the file that the manifest describes. Got: SHA-256 " in run.error.message
    assert run.download_ms is None


@pytest.mark.browser_errors(*BROKEN)
@pytest.mark.parametrize(("path", "stage"), [(MODEL, "download"), (ORT_WASM, "runtime")], ids=["model", "runtime"])
def test_a_file_that_the_server_refuses_is_explained_in_its_words(
    page: Page, serve: Serve, tiny_zoo: Path, path: str, stage: str
) -> None:
    refusal = {"error": {"what": "Broken file", "got": "this", "expected": "that", "next": "build it anew"}}
    body = json.dumps(refusal).encode()
    with network_to(serve(tiny_zoo).url) as network:
        network.faults[path] = lambda answer: Answer(503, answer.headers, body, len(body))
        _open(page, network.url)
        wait_until_done(page)
        notes = cells(rows(page))["notes"]
    assert notes == f"Failed at {stage}. Broken file. Got: this. Expected: that. Next: build it anew."


def _page(answer: Answer) -> Answer:
    """A page that some gateway answers in a file's place."""
    page = answer.with_body(b"<!doctype html><title>Sign in</title>")
    headers = tuple(pair for pair in page.headers if pair[0].lower() != "content-type")
    return Answer(200, (*headers, ("Content-Type", "text/html")), page.body, page.announced)


@pytest.mark.browser_errors(*BROKEN, "prepare wasm", "Aborted", "MIME", "module script", "Loading module")
@pytest.mark.parametrize(
    ("path", "tamper", "said"),
    [
        (ORT_WASM, _page, "ort-wasm-simd-threaded.wasm is no WebAssembly. Got: 37 bytes of type text/html"),
        (ORT_WASM, lambda answer: answer.with_body(answer.body[:1000]), "onnxruntime-web 1.30.0 does not start on wasm."),
        (ORT_WASM.replace(".wasm", ".mjs"), _page, "onnxruntime-web 1.30.0 does not start on wasm."),
        ("/vendor/onnxruntime-web/1.30.0/ort.wasm.min.mjs", _page, "The script of onnxruntime-web does not load."),
    ],
    ids=["a page for the wasm", "a part of the wasm", "a page for its script", "a page for the script"],
)  # fmt: skip
def test_something_else_in_the_runtimes_place_is_told(
    page: Page, serve: Serve, tiny_zoo: Path, path: str, tamper: Callable[[Answer], Answer], said: str
) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        network.faults[path] = tamper
        _open(page, network.url)
        wait_until_done(page)
        run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "runtime"
    assert run.error.message.startswith(said)
    assert "Next: " in run.error.message
    assert run.runtime_ms is None
