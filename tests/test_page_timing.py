"""The page times models with the real onnxruntime-web, verifies them, and what it measured comes back from the server."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.conftest import Serve
from tests.support.pages import address, cells, counts, rows, stored, wait_until_done


def test_every_model_and_backend_is_verified_timed_and_stored(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.goto(address(server.url, autorun=1, backends="wasm,wasm-1", iterations=5, warmup=2, device="Test bench"))
    wait_until_done(page)

    assert counts(page) == (4, 0, 0)
    found = rows(page).all()
    threads = str(page.evaluate("navigator.hardwareConcurrency"))  # fewer than os.cpu_count() under an affinity mask
    assert [(r.get_attribute("data-model"), r.get_attribute("data-threads")) for r in found] == [
        ("echo", threads),
        ("echo", "1"),
        ("echo_ssd", threads),
        ("echo_ssd", "1"),
    ]
    for row in found:
        assert row.get_attribute("data-outcome") == "ok"
        assert cells(row)["verification"] == "matches PyTorch 0 % of tolerance"
        run = stored(server.url, row)
        assert run.error is None
        assert run.stopped_by == "iterations"
        assert (len(run.samples), run.warmup_iterations) == (5, 2)
        assert all(s.duration_ms >= 0 for s in run.samples)
        assert [s.start_ms for s in run.samples] == sorted(s.start_ms for s in run.samples)
        assert run.verification is not None
        assert run.final_check == run.verification
        assert run.verification.passed
        assert run.runtime_version == "1.30.0"
        assert run.download_ms is not None
        assert run.session_ms is not None
        assert run.first_ms is not None
        assert run.device.device_name == "Test bench"
        assert run.device.cross_origin_isolated
    # A model's file is fetched once; the next backend finds it in the browser's cache.
    assert [stored(server.url, row).download_cached for row in found] == [False, True, False, True]
    tasks = {run.verification.task.measure for run in (stored(server.url, row) for row in found) if run.verification}
    assert tasks == {"top_5", "detections"}


def test_a_person_chooses_presses_one_button_and_downloads_the_table(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    server = serve(tiny_zoo)
    page.goto(server.url)
    page.get_by_role("checkbox", name="Echo SSD").uncheck()
    page.locator("input[name=backend][value=wasm]").uncheck()
    page.locator("input[name=backend][value=wasm-1]").check()
    page.get_by_label("Timed inferences").press(
        "ControlOrMeta+a"
    )  # fill() appends in an installed Firefox's number field
    page.get_by_label("Timed inferences").press_sequentially("3")
    page.get_by_label("Name of this device").fill("Kim's laptop")
    expect(page.locator("#plan")).to_have_text(
        "1 network on 1 backend: 1 run of 3 timed inferences, 120 seconds a run at most."
    )
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)

    assert cells(rows(page))["n"] == "3"
    with page.expect_download() as download:
        page.get_by_role("link", name="Timings").click()
    download.value.save_as(tmp_path / "timings.csv")
    with (tmp_path / "timings.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    run = stored(server.url, rows(page))
    assert (line["run_id"], line["model"], line["backend"]) == (run.run_id, "echo", "wasm")
    assert (line["device_name"], line["n"], line["verified"]) == ("Kim's laptop", "3", "passed")

    page.reload()
    expect(page.get_by_label("Name of this device")).to_have_value("Kim's laptop")


def test_results_of_the_visit_stay_when_it_is_timed_again(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.goto(address(server.url, models="echo", backends="wasm-1", iterations=2))
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)
    page.get_by_role("button", name="Time again").click()
    expect(rows(page)).to_have_count(2)
    expect(page.locator("tr[data-outcome=ok]")).to_have_count(2)
    wait_until_done(page)
    assert counts(page) == (1, 0, 0)
    assert len({row.get_attribute("data-run-id") for row in rows(page).all()}) == 2
