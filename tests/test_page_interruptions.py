"""A batch that is paused, stopped, hidden, or whose workers hang or never begin: nothing doubtful is kept, nothing proven is lost."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.conftest import Serve
from tests.support.pages import (
    address,
    cells,
    counts,
    fake_address,
    only_run,
    rows,
    stored,
    wait_until_done,
    wait_until_sent,
)
from tests.support.proxy import Answer, network_to

SLOW = {"durations_ms": [20], "pace_ms": 50}
LONG = {"iterations": 100}
SOON_MS = 20_000
# Playwright keeps every tab seen, so the page is told that it is hidden; tests/test_page_hidden.py covers a tab for real.
HIDABLE = """
  window.isHidden = false;
  Object.defineProperty(document, 'hidden', {get: () => window.isHidden, configurable: true});
  Object.defineProperty(document, 'visibilityState', {get: () => (window.isHidden ? 'hidden' : 'visible'), configurable: true});
  window.hide = (isHidden) => {
    window.isHidden = isHidden;
    document.dispatchEvent(new Event('visibilitychange'));
  };
"""

# Hides the page once: as soon as the first worker has its order of that kind, and of that round where it has any.
HIDE_DURING = """
  window.Worker = class extends Worker {
    postMessage(message, ...others) {
      super.postMessage(message, ...others);
      if (window.wasHidden || message.kind !== KIND || (message.round ?? null) !== ROUND) return;
      window.wasHidden = true;
      window.hide(true);
      if (!IS_LASTING) window.hide(false);
    }
  };
"""


def hide_during(page: Page, kind: str, round_: int | None = None, *, is_lasting: bool = False) -> None:
    """Have the page hidden in the midst of a step. Only the page itself can tell when that is: between two steps it would cost nothing."""
    script = HIDE_DURING
    for name, value in {"KIND": kind, "ROUND": round_, "IS_LASTING": is_lasting}.items():
        script = script.replace(name, json.dumps(value))
    page.add_init_script(script)


def start(page: Page, server: str, script: object = None, **parameters: object) -> None:
    page.add_init_script(HIDABLE)
    page.goto(fake_address(server, SLOW if script is None else script, **(LONG | parameters)))  # type: ignore[arg-type]


def wait_for_samples(page: Page, least: int) -> None:
    """Until the row of a run says that it has so many."""
    page.wait_for_function(
        "least => [...document.querySelectorAll('#results [data-field=n]')].some((cell) => parseInt(cell.textContent) >= least)",
        arg=least,
        timeout=100_000,
    )


def sampled(page: Page) -> list[str]:
    return [cells(row)["n"] for row in rows(page).all()]


def test_paused_nothing_is_sampled_and_then_it_goes_on(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    start(page, server.url, iterations=100)
    wait_for_samples(page, 8)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#said")).to_have_text("Paused: nothing is measured until you go on.")
    before = sampled(page)
    page.wait_for_timeout(1000)
    assert sampled(page) == before
    page.get_by_role("button", name="Resume").click()
    wait_until_done(page)
    run = only_run(page, server.url)
    assert (len(run.samples), run.stopped_by, run.error) == (100, "iterations", None)
    assert run.conditions is not None
    assert run.conditions.repeats == 0


def test_what_follows_a_pause_is_settled_first(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """Processors slow down when they idle: the first inference after a pause is thrown away, so it takes longer than there are samples."""
    server = serve(tiny_zoo, accept_fake=True)
    start(page, server.url, {"durations_ms": [20, *range(101, 161)], "pace_ms": 200}, iterations=20, warmup=0)
    wait_for_samples(page, 4)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#said")).to_have_text(re.compile("^Paused"))
    page.get_by_role("button", name="Resume").click()
    wait_until_done(page)
    durations = [sample.duration_ms for sample in only_run(page, server.url).samples]
    missing = sorted(set(range(101, 122)) - set(durations))
    assert len(missing) == 1
    assert durations == [ms for ms in range(101, 122) if ms != missing[0]]


def test_stopping_keeps_what_is_proven(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    start(page, server.url, iterations=100)
    wait_for_samples(page, 12)
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    wait_until_sent(page)
    assert counts(page) == (1, 0, 0)
    run = only_run(page, server.url)
    assert (run.stopped_by, run.error) == ("user", None)
    assert run.final_check is not None
    assert run.final_check.passed
    # Rounds of ten: the round that was under way has no proof.
    assert len(run.samples) % 10 == 0
    assert 10 <= len(run.samples) < 100
    assert "stopped_by_user" in [warning.code for warning in run.warnings]
    assert cells(rows(page))["n"] == f"{len(run.samples)} of 100: stopped"


def test_stopping_answers_at_once_and_drops_a_run_without_proven_samples(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    """The worker never comes back from its inference."""
    server = serve(tiny_zoo, accept_fake=True)
    start(page, server.url, {"faults": {"5": "hang"}, "pace_ms": 50}, iterations=100)
    expect(page.locator("#progress-detail")).to_have_text(re.compile("Warming up|Sample"))
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page, timeout_ms=SOON_MS)
    assert counts(page) == (0, 0, 0)
    expect(page.locator("#progress")).to_contain_text("Stopped: 0 of 1 runs timed")
    expect(page.locator("#plot svg")).to_have_count(0)
    expect(page.locator("#results-section")).to_be_hidden()


def test_stopping_while_an_inference_hangs_keeps_the_rounds_before(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    start(page, server.url, {"faults": {"30": "hang"}, "pace_ms": 120}, iterations=100)
    # The second round is proven when the third one has begun, which hangs with its seventh sample.
    wait_for_samples(page, 21)
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page, timeout_ms=SOON_MS)
    wait_until_sent(page)
    run = only_run(page, server.url)
    assert (len(run.samples), run.stopped_by) == (20, "user")


def test_stopping_in_the_midst_of_several_keeps_each_ones_proven_samples(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    start(page, server.url, models="echo,echo_ssd", iterations=100)
    wait_for_samples(page, 20)
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    wait_until_sent(page)
    runs = [stored(server.url, row) for row in rows(page).all()]
    assert [run.stopped_by for run in runs] == ["user", "user"]
    # Whole rounds of ten, of which one of them may have had one more; how many went by until the button was pressed is the machine's.
    few, many = sorted(len(run.samples) for run in runs)
    assert few in range(10, 100, 10)
    assert many in (few, few + 10)


def test_a_hidden_page_forgets_the_samples_waits_and_takes_them_again(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    hide_during(page, "take", 3, is_lasting=True)
    start(page, server.url, {"durations_ms": [*([20] * 4), *([500] * 25), *([20] * 100)], "pace_ms": 40}, iterations=30)
    expect(page.locator("#said")).to_have_text("Waiting for this page to be seen: browsers slow hidden pages down.")
    page.wait_for_timeout(500)
    assert page.locator("html").get_attribute("data-state") == "running"
    page.evaluate("hide(false)")
    wait_until_done(page)
    run = only_run(page, server.url)
    assert (run.error, run.stopped_by, len(run.samples)) == (None, "iterations", 30)
    assert run.conditions is not None
    assert (run.conditions.times_hidden, run.conditions.repeats) == (1, 1)
    assert "tab_hidden" in [warning.code for warning in run.warnings]
    # Three warm-ups and nine samples were taken before: the numbers are those of a second warm-up and what follows it.
    assert run.samples[0].start_ms == 0
    assert run.warmup_iterations == 3


def test_a_page_that_is_hidden_while_a_run_is_prepared_has_it_prepared_anew(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    hide_during(page, "prepare")
    start(page, server.url, {"durations_ms": [20]}, iterations=2)
    wait_until_done(page)
    run = only_run(page, server.url)
    assert run.error is None
    assert run.conditions is not None
    assert (run.conditions.times_hidden, run.conditions.repeats) == (1, 1)
    # The second worker's clock begins at 0 too, and its download comes from the browser's cache.
    assert run.download_cached


def test_a_page_that_is_hidden_from_the_start_waits_until_it_is_seen(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.add_init_script(HIDABLE + "window.isHidden = true;")
    page.goto(fake_address(server.url, {"durations_ms": [20]}, iterations=2))
    expect(page.locator("#said")).to_have_text(re.compile("^Waiting for this page to be seen"))
    assert rows(page).count() == 0
    page.evaluate("hide(false)")
    wait_until_done(page)
    run = only_run(page, server.url)
    assert run.conditions is not None
    assert (run.error, run.conditions.repeats) == (None, 0)


def test_a_page_that_is_hidden_again_and_again_gives_up_and_says_what_to_do(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    start(page, server.url, {"durations_ms": [20], "pace_ms": 100}, iterations=40)
    page.evaluate("setInterval(() => { hide(true); hide(false); }, 250)")
    wait_until_done(page)
    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.message.startswith("This page was hidden again and again while this was timed. Got: ")
    assert "Next: keep this tab in front and the screen on, then time it again." in run.error.message
    assert run.conditions is not None
    assert run.conditions.repeats == 3
    assert run.samples == ()


def test_the_other_runs_of_a_batch_keep_their_samples_when_the_page_is_hidden(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    hide_during(page, "take", 3)
    start(page, server.url, {"durations_ms": [20]}, models="echo,echo_ssd", iterations=40)
    wait_until_done(page)
    runs = [stored(server.url, row) for row in rows(page).all()]
    assert [run.error for run in runs] == [None, None]
    assert [len(run.samples) for run in runs] == [40, 40]
    assert sorted(run.conditions.repeats for run in runs if run.conditions) == [0, 1]
    (undisturbed,) = [run for run in runs if run.conditions and run.conditions.repeats == 0]
    (repeated,) = [run for run in runs if run is not undisturbed]
    # It has ten rounds of its own, from the one on in which the page was hidden, and takes turns as long as there is somebody.
    own = Counter(sample.round for sample in repeated.samples)
    assert list(own.values()) == [4] * 10
    assert list(own) == list(range(min(own), min(own) + 10))
    assert min(own) == 3
    assert Counter(sample.round for sample in undisturbed.samples) == dict.fromkeys(range(1, 11), 4)
    assert [run.order.mode for run in runs if run.order] == ["interleaved"] * 2


def test_a_run_that_is_taken_again_when_the_others_are_done_took_no_turns(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    hide_during(page, "take", 8)
    start(page, server.url, {"durations_ms": [20]}, models="echo,echo_ssd", iterations=10)
    wait_until_done(page)
    runs = [stored(server.url, row) for row in rows(page).all()]
    (repeated,) = [run for run in runs if run.conditions and run.conditions.repeats == 1]
    assert [sample.round for sample in repeated.samples] == list(range(8, 18))
    assert repeated.order is not None
    assert (repeated.order.mode, repeated.order.reason) == (
        "sequential",
        "only 3 of its 10 samples were taken in rounds that another run shared",
    )
    assert "sequential" in [warning.code for warning in repeated.warnings]


def test_a_page_that_is_hidden_after_the_samples_loses_the_times_end_to_end_and_says_so(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    hide_during(page, "finish")
    start(page, server.url, {"durations_ms": [20]}, iterations=1, end_to_end=8)
    wait_until_done(page)
    run = only_run(page, server.url)
    assert (run.error, len(run.samples), run.end_to_end) == (None, 1, ())
    assert {warning.code: warning.message for warning in run.warnings}["tab_hidden"].startswith(
        "The tab was hidden 1 time, so its times end to end were dropped; "
    )


def test_a_calibration_of_a_hidden_page_is_none(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.add_init_script("""
      let isFirst = true;
      window.Worker = class extends Worker {
        postMessage(message, ...others) {
          super.postMessage(message, ...others);
          if (message !== 'begin' || !isFirst) return;
          isFirst = false;
          window.hide(true);
          window.hide(false);
        }
      };
    """)
    start(page, server.url, {"durations_ms": [20]}, iterations=2)
    wait_until_done(page)
    run = only_run(page, server.url)
    assert run.conditions is not None
    assert run.conditions.calibration_before is None
    assert run.conditions.calibration_after is not None


def test_after_stop_nobody_waits_for_a_server_that_does_not_answer(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server, over = serve(tiny_zoo, accept_fake=True), threading.Event()
    with network_to(server.url) as network:
        network.faults["/api/runs"] = lambda answer: answer.stuck(0, over)
        start(page, network.url, iterations=100)
        wait_for_samples(page, 12)
        page.get_by_role("button", name="Stop").click()
        wait_until_done(page, timeout_ms=5000)
        assert counts(page) == (1, 0, 1)
        over.set()


def begun_anew(said: list[str]) -> list[str]:
    return [text for text in said if "begun anew" in text]


def test_a_worker_that_never_begins_is_begun_anew(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server, over = serve(tiny_zoo, accept_fake=True), threading.Event()
    answers: list[Answer] = []
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    def stuck_at_first(answer: Answer) -> Answer:
        answers.append(answer)
        return answer.stuck(100, over) if len(answers) == 1 else answer

    with network_to(server.url) as network:
        network.faults["/worker.js"] = stuck_at_first
        page.goto(fake_address(network.url, {"durations_ms": [20]}, iterations=2, timeout=30))
        wait_until_done(page)
        over.set()
    run = only_run(page, server.url)
    assert run.error is None
    assert len(answers) > 1
    assert (
        begun_anew(said)[0] == "echo wasm-1: the worker said nothing while it started (stage start), and is begun anew."
    )


def test_a_runtime_that_never_comes_is_begun_anew(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server, over = serve(tiny_zoo), threading.Event()
    answers: list[Answer] = []

    def stuck_at_first(answer: Answer) -> Answer:
        answers.append(answer)
        return answer.stuck(100, over) if len(answers) == 1 else answer

    with network_to(server.url) as network:
        network.faults["/vendor/onnxruntime-web/1.30.0/ort.wasm.min.mjs"] = stuck_at_first
        parameters = {"models": "echo", "backends": "wasm-1", "iterations": 2, "min_time": 0, "timeout": 60}
        page.goto(address(network.url, autorun=1, **parameters))
        wait_until_done(page)
        over.set()
    run = only_run(page, server.url)
    assert run.error is None
    assert len(answers) > 1
    assert run.runtime_ms is not None


def test_a_worker_that_never_begins_however_often_is_a_failed_run(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server, over = serve(tiny_zoo, accept_fake=True), threading.Event()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    with network_to(server.url) as network:
        network.faults["/worker.js"] = lambda answer: answer.stuck(100, over)
        page.goto(fake_address(network.url, iterations=2, timeout=3))
        wait_until_done(page)
        over.set()
    run = only_run(page, server.url)
    assert run.error is not None
    assert (run.error.stage, len(begun_anew(said))) == ("start", 2)
    assert run.error.message.startswith("The worker said nothing for 3 s and was stopped.")
