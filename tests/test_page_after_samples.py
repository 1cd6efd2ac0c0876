"""What follows the samples, end to end and where nodes ran, may fail: the samples are proven by then, and stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.conftest import Serve
from tests.support.pages import fake_address, only_run, run_fake, wait_until_done
from tests.support.proxy import Answer, network_to

LAST = 4  # inference 0 is the first, 1 to 3 are warm-up, and one sample is asked for
PATIENCE_S = 8  # a busy machine takes seconds to start a worker


@pytest.mark.parametrize("fault", ["throw", "crash", "hang"])
def test_what_goes_wrong_after_the_samples_takes_none_of_them(
    page: Page, serve: Serve, tiny_zoo: Path, fault: str
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    script = {"durations_ms": [20], "faults": {str(LAST + 2): fault}}
    run_fake(page, server.url, script, iterations=1, end_to_end=3, timeout=PATIENCE_S)
    run = only_run(page, server.url)
    assert (run.error, len(run.samples), run.stopped_by, run.end_to_end) == (None, 1, "iterations", ())
    (said,) = [warning.message for warning in run.warnings if warning.code == "end_to_end_failed"]
    reasons = {
        "throw": "a scripted failure",
        "crash": "The worker crashed: ",
        "hang": f"The worker said nothing for {PATIENCE_S} s",
    }
    assert reasons[fault] in said


def test_wrong_outputs_after_the_samples_fail_the_run(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    script = {"durations_ms": [20], "faults": {str(LAST + 2): "wrong"}}
    run_fake(page, server.url, script, iterations=1, end_to_end=3)
    run = only_run(page, server.url)
    assert run.error is not None
    assert (run.error.stage, run.samples, run.end_to_end) == ("end_to_end", (), ())


@pytest.mark.parametrize(("durations", "expected"), [([20], 3), ([20] * LAST + [900], 1)])
def test_the_way_from_a_picture_is_taken_once_where_inferences_are_heavy(
    page: Page, serve: Serve, tiny_zoo: Path, durations: list[float], expected: int
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": durations}, iterations=1, end_to_end=3, time_budget=10)
    run = only_run(page, server.url)
    assert (run.error, len(run.end_to_end)) == (None, expected)


@pytest.mark.browser_errors("Failed to load resource")
def test_without_the_photograph_there_is_a_timing_all_the_same(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    with network_to(server.url) as network:
        network.faults["/models/photograph.png"] = lambda answer: Answer(404, answer.headers, b"", 0)
        page.goto(fake_address(network.url, {"durations_ms": [20]}, iterations=2, end_to_end=2))
        wait_until_done(page)
        run = only_run(page, server.url)
    assert (run.error, len(run.samples), run.end_to_end) == (None, 2, ())
    (said,) = [warning.message for warning in run.warnings if warning.code == "end_to_end_failed"]
    assert "photograph.png" in said


def test_a_worker_that_dies_when_its_samples_are_complete_leaves_them(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """As where a GPU is lost while other runs take their turns."""
    page.add_init_script("""
      window.Worker = class extends Worker {
        postMessage(message, ...others) {
          if (message.kind !== 'finish') super.postMessage(message, ...others);
          else this.dispatchEvent(new ErrorEvent('error', {message: 'The GPU was lost', cancelable: true}));
        }
      };
    """)
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"durations_ms": [20]}, iterations=3, end_to_end=2)
    run = only_run(page, server.url)
    assert (run.error, len(run.samples), run.stopped_by, run.end_to_end) == (None, 3, "iterations", ())
    (said,) = [warning.message for warning in run.warnings if warning.code == "end_to_end_failed"]
    assert said.endswith("The worker crashed: The GPU was lost.")


@pytest.mark.parametrize("fault", ["throw", "crash", "hang"])
def test_where_nodes_ran_is_worth_no_timing(page: Page, serve: Serve, tiny_zoo: Path, fault: str) -> None:
    """What is looked up last, when all is timed and proven, may fail without a loss."""
    page.add_init_script("""
      const info = {vendor: 'acme', architecture: 'x', description: 'a GPU', device: '', isFallbackAdapter: false};
      const gpu = {requestAdapter: () => Promise.resolve({info, features: new Set(), limits: {}})};
      Object.defineProperty(navigator, 'gpu', {get: () => gpu});
    """)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "warning" else None)
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(
        fake_address(server.url, {"faults": {"placement": fault}}, backends="webgpu", iterations=2, timeout=PATIENCE_S)
    )
    wait_until_done(page)
    run = only_run(page, server.url)
    assert (run.error, run.placement, len(run.samples), run.stopped_by) == (None, None, 2, "iterations")
    assert [text for text in said if text.startswith("Where the nodes ran is not known: ")]
