"""The real networks give PyTorch's outputs in real browsers, and their timings are stored."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from builder import manifest
from tests.conftest import Serve
from tests.support.pages import address, counts, only_run, rows, stored, wait_until_done

# The heaviest compute over 200 GMAC: some ten seconds an inference on two cores, and several inferences make a run.
PATIENCE_MS = {"light": 400_000, "heavy": 1_800_000}
# Chosen by web/plan.js, so that the page's own choice is what is tested.
LIGHT = """async () => {
  const {isLight} = await import(new URL('/plan.js', location.href).href);
  const {models} = await (await fetch('/models/manifest.json')).json();
  return models.map(model => [model.id, isLight(model)]);
}"""


@pytest.mark.parametrize("weight", ["light", "heavy"])
def test_all_networks_are_verified_and_stored(page: Page, serve: Serve, real_zoo: Path, weight: str) -> None:
    if weight == "heavy" and not os.environ.get("ZOO_TEST_HEAVY"):
        pytest.skip("the heavy networks take many minutes: set ZOO_TEST_HEAVY=1 for them")
    server = serve(real_zoo)
    page.goto(server.url)
    networks = [name for name, is_light in page.evaluate(LIGHT) if is_light == (weight == "light")]
    variants = {model.id: len(model.variants) for model in manifest.read(real_zoo).models}
    page.goto(
        address(
            server.url,
            autorun=1,
            models=",".join(networks),
            backends="wasm",
            iterations=2,
            warmup=0,
            min_time=0,
            end_to_end=1,
            time_budget=60,
        )
    )
    wait_until_done(page, PATIENCE_MS[weight])

    expected = [name for name in networks for _ in range(variants[name])]
    assert expected
    assert counts(page) == (len(expected), 0, 0)
    assert sorted(str(row.get_attribute("data-model")) for row in rows(page).all()) == sorted(expected)
    for row in rows(page).all():
        run = stored(server.url, row)
        assert run.error is None
        assert 1 <= len(run.samples) <= 2
        assert len(run.end_to_end) == 1
        assert run.runtime_ms is not None
        assert run.verification is not None
        assert run.final_check is not None
        for check in (run.verification, run.final_check):
            assert check.passed
            assert all(output.max_abs_diff is not None for output in check.outputs)
            # A comparison of nothing with nothing would prove nothing.
            least = {"top_5": 5, "elements": 1, "detections": 10 if run.weights == "seeded" else 1}[check.task.measure]
            assert check.task.matched == check.task.expected >= least

    with page.expect_download() as download:
        page.locator("#download-timings").click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert sorted(line["model"] for line in lines) == sorted(expected)
    assert {line["verified"] for line in lines} == {"passed"}
    assert all(1 <= int(line["n"]) <= 2 and float(line["median_ms"]) > 0 for line in lines)


def test_webgpu_gives_pytorchs_outputs_too(
    software_gpu: Browser, browser_context_args: dict[str, Any], serve: Serve, real_zoo: Path
) -> None:
    server = serve(real_zoo)
    with software_gpu.new_context(**browser_context_args) as context:
        page = context.new_page()
        page.goto(
            address(
                server.url,
                autorun=1,
                models="mobilenet_v1",
                backends="webgpu",
                iterations=1,
                warmup=0,
                min_time=0,
                end_to_end=0,
                timeout=400,
            )
        )
        wait_until_done(page, PATIENCE_MS["light"])
        run = only_run(page, server.url)
    assert run.error is None
    assert run.backend == "webgpu"
    assert run.verification is not None
    assert run.verification.passed
    assert run.device.gpu_software is True
    assert "software_gpu" in [warning.code for warning in run.warnings]
