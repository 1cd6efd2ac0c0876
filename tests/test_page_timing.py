"""The page times models with the real onnxruntime-web, verifies them, and what it measured comes back from the server."""

from __future__ import annotations

import csv
import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from safetensors.numpy import load, save

from builder import manifest
from tests.conftest import Serve
from tests.support.pages import address, cells, counts, only_run, rows, run_fake, stored, wait_until_done
from tests.support.proxy import network_to
from tests.support.zoos import copied


def test_every_model_and_backend_is_verified_timed_and_stored(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(
        address(
            server.url, autorun=1, backends="wasm,wasm-1", iterations=5, min_time=0, warmup=2, device="Test bench", order="sequential"
        )
    )  # fmt: skip
    wait_until_done(page)

    assert counts(page) == (6, 0, 0)
    found = rows(page).all()
    threads = str(page.evaluate("navigator.hardwareConcurrency"))  # fewer than os.cpu_count() under an affinity mask
    assert sorted((r.get_attribute("data-model"), r.get_attribute("data-threads")) for r in found) == [
        (model, one) for model in ("echo", "echo_boxes", "echo_ssd") for one in sorted({"1", threads})
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
        assert run.runtime_ms is not None
        assert run.session_ms is not None
        assert run.first_ms is not None
        assert run.device.device_name == "Test bench"
        assert run.device.cross_origin_isolated
    # A model's file is fetched once; whichever backend is next finds it in the browser's cache, and so does a worker that is begun anew.
    for model in ("echo", "echo_ssd", "echo_boxes"):
        mine = [stored(server.url, row) for row in found if row.get_attribute("data-model") == model]
        is_anew = any(text.startswith(f"{model} ") and "begun anew" in text for text in said)
        assert [run.download_cached for run in mine] in ([False, True], *([[True, True]] if is_anew else []))
    tasks = {run.verification.task.measure for run in (stored(server.url, row) for row in found) if run.verification}
    assert tasks == {"top_5", "detections"}


def test_a_person_chooses_presses_one_button_and_downloads_the_table(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    server = serve(tiny_zoo)
    page.goto(server.url)
    page.get_by_role("radio", name="Quick look").check()
    page.get_by_role("checkbox", name="Echo SSD").uncheck()
    page.get_by_role("checkbox", name="Echo boxes").uncheck()
    page.locator("input[name=backend][value=wasm]").uncheck()
    page.locator("input[name=backend][value=wasm-1]").check()
    page.get_by_label("Name of this device").fill("Kim's laptop")
    expect(page.locator("#plan")).to_contain_text("1 network on 1 backend: 1 run of 5 timed inferences")
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)

    assert cells(rows(page))["n"] == "5"
    with page.expect_download() as download:
        page.get_by_role("link", name="Timings").click()
    download.value.save_as(tmp_path / "timings.csv")
    with (tmp_path / "timings.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    run = stored(server.url, rows(page))
    assert (line["run_id"], line["model"], line["backend"]) == (run.run_id, "echo", "wasm")
    assert (line["device_name"], line["n"], line["verified"]) == ("Kim's laptop", "5", "passed")

    page.reload()
    expect(page.get_by_label("Name of this device")).to_have_value("Kim's laptop")


def test_results_of_the_visit_stay_when_it_is_timed_again(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.goto(address(server.url, models="echo", backends="wasm-1", iterations=2, min_time=0))
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)
    page.get_by_role("button", name="Time again").click()
    expect(rows(page)).to_have_count(2)
    wait_until_done(page)
    expect(page.locator("tr[data-outcome=ok]")).to_have_count(2)
    assert counts(page) == (1, 0, 0)
    assert len({row.get_attribute("data-run-id") for row in rows(page).all()}) == 2


def test_a_network_that_finds_nothing_is_proven_and_timed_too(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree(tiny_zoo, models)
    whole = manifest.read(models)
    boxes = manifest.find(whole, "echo_boxes")
    assert boxes is not None
    blank = next(reference for reference in boxes.references if reference.name == "blank")
    (variant,) = boxes.variants
    proof = next(proof for proof in variant.verifications if proof.reference == "blank")
    empty = boxes.model_copy(
        update={
            "references": (blank.model_copy(update={"name": "photograph"}),),
            "variants": (
                variant.model_copy(update={"verifications": (proof.model_copy(update={"reference": "photograph"}),)}),
            ),
        }
    )
    manifest.write(models, whole.model_copy(update={"models": (empty,)}))
    server = serve(models)
    page.goto(address(server.url, autorun=1, models="echo_boxes", backends="wasm-1", iterations=2, min_time=0))
    wait_until_done(page)
    run = stored(server.url, rows(page))
    assert run.error is None
    assert run.verification is not None
    assert (run.verification.task.expected, run.verification.task.actual, run.verification.passed) == (0, 0, True)
    assert [output.max_abs_diff for output in run.verification.outputs] == [0, 0, 0]


@pytest.mark.parametrize("threads", [1, 2])
def test_where_nodes_ran_is_stored_when_it_is_asked_for_and_the_console_stays_quiet(
    page: Page, serve: Serve, tiny_zoo: Path, threads: int
) -> None:
    said: list[str] = []
    page.context.on("console", lambda message: said.append(message.text))
    server = serve(tiny_zoo)
    page.goto(
        address(
            server.url,
            autorun=1,
            models="echo_boxes",
            backends=f"wasm-{threads}",
            iterations=2,
            min_time=0,
            placement=1,
        )
    )
    wait_until_done(page)
    run = stored(server.url, rows(page))
    assert run.error is None
    assert run.placement is not None
    assert list(run.placement) == ["wasm"]
    assert run.placement["wasm"]["*"] > 0
    assert run.warnings[0].code == "placement"
    assert "placement" in cells(rows(page))["notes"]
    assert [text for text in said if "onnxruntime" in text] == []


def test_a_scripted_runtime_is_asked_too_and_a_run_that_did_not_ask_has_no_placement(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, placement=1, models="echo_boxes", iterations=1)
    asked = stored(server.url, rows(page))
    assert (asked.error, asked.placement) == (None, {"wasm": {"Echo": 1}})
    run_fake(page, server.url, iterations=1)
    assert stored(server.url, rows(page)).placement is None


def _with_a_wrong_blank(zoo: Path, folder: Path) -> Path:
    """echo_boxes, whose blank image gives one detection where the reference has none."""
    copied(("echo_boxes",), zoo, folder)
    whole = manifest.read(folder)
    (entry,) = whole.models
    photograph, blank = entry.references
    tensors = load((folder / blank.path).read_bytes())
    image = load((folder / photograph.path).read_bytes())["input"].copy()
    image.ravel()[0] = 1
    content = save({**tensors, "input": image})
    (folder / blank.path).write_bytes(content)
    wrong = blank.model_copy(update={"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})
    changed = entry.model_copy(update={"references": (photograph, wrong)})
    manifest.write(folder, whole.model_copy(update={"models": (changed,)}))
    return folder


def test_a_run_for_proof_is_held_to_every_reference_and_a_timing_run_to_the_photograph(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    server = serve(_with_a_wrong_blank(tiny_zoo, tmp_path / "models"))
    options = {"autorun": 1, "models": "echo_boxes", "backends": "wasm-1", "iterations": 1, "min_time": 0}
    page.goto(address(server.url, **options, placement=1))
    wait_until_done(page)
    proof = only_run(page, server.url)
    assert proof.error is not None
    assert proof.error.stage == "verification"
    assert proof.error.message.startswith("On the reference blank: The outputs of onnxruntime-web ")
    assert "0 of 0 detections agree (1 found)" in proof.error.message
    assert proof.verification is not None
    assert (proof.verification.reference, proof.verification.passed) == ("blank", False)

    with network_to(server.url) as network:
        page.goto(address(network.url, **options))
        wait_until_done(page)
    timing = stored(server.url, rows(page))
    assert timing.error is None
    assert timing.verification is not None
    assert (timing.verification.reference, timing.verification.passed) == ("photograph", True)
    fetched = [request.partition("?")[0] for request in network.requests if ".safetensors" in request]
    assert fetched == ["GET /models/echo_boxes/photograph.safetensors"]


def test_a_reference_that_cannot_be_run_is_named(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """Inference 0 is the photograph's, 1 the blank image's."""
    server = serve(tiny_zoo, accept_fake=True)
    run_fake(page, server.url, {"faults": {"1": "throw"}}, placement=1, models="echo_boxes", iterations=1)
    run = only_run(page, server.url)
    assert run.error is not None
    assert (run.error.stage, run.error.message) == (
        "verification",
        "On the reference blank: Error: a scripted failure",
    )
    assert run.verification is not None
    assert (run.verification.reference, run.verification.passed) == ("blank", False)


def test_further_references_are_outside_of_the_clock(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    """The second inference, on the blank image, takes longer than the whole budget."""
    server = serve(tiny_zoo, accept_fake=True)
    script = {"durations_ms": [5, 9000, *([5] * 20)]}
    run_fake(page, server.url, script, placement=1, models="echo_boxes", iterations=4, time_budget=1)
    run = only_run(page, server.url)
    assert run.error is None
    assert [sample.duration_ms for sample in run.samples] == [5] * 4
    assert (run.first_ms, run.stopped_by, run.warmup_iterations) == (5, "iterations", 3)
    assert run.verification is not None
    assert run.verification.reference == "photograph"


def test_where_nodes_ran_on_a_gpu_is_told_by_operator(
    software_gpu: Browser, browser_context_args: dict[str, Any], serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo)
    with software_gpu.new_context(**browser_context_args) as context:
        page = context.new_page()
        said: list[str] = []
        context.on("console", lambda message: said.append(message.text))
        page.goto(
            address(
                server.url,
                autorun=1,
                models="echo,echo_boxes",
                backends="webgpu",
                iterations=1,
                min_time=0,
                placement=1,
            )
        )
        wait_until_done(page)
        runs = sorted((stored(server.url, row) for row in rows(page).all()), key=lambda run: run.model)
    all_there, some_elsewhere = runs
    assert all_there.placement is not None
    assert list(all_there.placement) == ["webgpu"]
    assert some_elsewhere.placement is not None
    # WebGPU adds no 64-bit integers, which where to slice is made of.
    assert some_elsewhere.placement["wasm"]["Add"] >= 1
    assert some_elsewhere.placement["webgpu"]["Slice"] >= 1
    assert [run.error for run in runs] == [None, None]
    assert [text for text in said if "onnxruntime" in text] == []
