"""The page of one network: what it tells of it and of this device's timings, and what it says to addresses that are off."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from builder import cards
from tests.conftest import Serve
from tests.support.model_page import ANSWER_MS, ask, model_of, open_model
from tests.support.proxy import network_to
from tests.support.runs import fits, make_failed_run, make_run


def test_the_page_tells_all_that_the_manifest_tells(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    open_model(page, serve(tiny_zoo), "echo")
    model = model_of(tiny_zoo, "echo")
    (variant,) = model.variants
    expect(page).to_have_title("Echo – Browser Zoo")  # noqa: RUF001
    expect(page.get_by_role("heading", level=1)).to_have_text("Echo")
    text = page.locator("main").inner_text()
    for fact in (
        "input: float32, 1 × 3 × 4 × 4",  # noqa: RUF001
        "stretched to the input; then (pixel / 255 − [0.485, 0.456, 0.406])",  # noqa: RUF001
        "logits: float32, 1 × 48",  # noqa: RUF001
        model.weights.origin,
        model.weights.licence,
        model.weights.citation,
        "predictions mean nothing",
        variant.sha256,
        f"{variant.bytes:,} bytes",
        f"opset {variant.opset}, IR version {variant.ir_version}",
        variant.tolerances[0].reason,
        model.reference_runtime,
        model.build_key,
        f"{model.parameters:,}",
        "5 of 5 top-5 places agree",
        "✓ passed, onnxruntime",
        f"onnx {model.tools['onnx']}",
        *(f"{count} {operator}" for operator, count in variant.operators.items()),
    ):
        assert fact in text, fact
    row = page.locator("#support-table tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("td[data-backend=wasm]")).to_contain_text("✓ runs")

    with page.expect_download() as download:
        page.get_by_role("link", name="echo-fp32.onnx").click()
    assert download.value.suggested_filename == "echo-fp32.onnx"
    assert hashlib.sha256(Path(download.value.path()).read_bytes()).hexdigest() == variant.sha256
    with page.expect_download() as download:
        page.get_by_role("link", name="This card as Markdown").click()
    assert Path(download.value.path()).read_text(encoding="utf-8") == cards.card(model)


def test_each_network_of_the_first_page_leads_here_and_back(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.goto(serve(tiny_zoo).url)
    page.wait_for_selector("html[data-state=ready]")
    page.get_by_role("link", name="About Echo SSD").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Echo SSD")
    page.wait_for_selector("html[data-state=ready]")
    page.get_by_role("link", name="Time it").first.click()
    expect(page.get_by_role("button", name="Start timing")).to_be_visible()  # this page was ready too
    page.wait_for_selector("html[data-state=ready]")
    assert page.locator("input[name=model]:checked").evaluate_all("all => all.map(box => box.value)") == ["echo_ssd"]


def test_what_cannot_look_at_pictures_is_told(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    open_model(page, serve(tiny_zoo), "echo_boxes")
    expect(page.get_by_text("Its input is no picture, so there is nothing to try here.")).to_be_visible()
    expect(page.get_by_role("button", name="What does it see?")).to_have_count(0)
    expect(page.get_by_text("nothing: the graph itself gives boxes, labels and scores")).to_be_visible()


@pytest.mark.parametrize(
    ("query", "said"), [("?id=vgg", "id=vgg"), ("", "no id"), ("?id=", "id="), ("?ID=echo", "no id")]
)
def test_an_address_that_names_no_network_here_shows_those_that_are(
    page: Page, serve: Serve, tiny_zoo: Path, query: str, said: str
) -> None:
    page.goto(f"{serve(tiny_zoo).url}/model.html{query}")
    alert = page.get_by_role("alert").filter(has_text="This page cannot be shown")
    expect(alert).to_contain_text(f"Got: {said}.")
    assert page.get_by_role("navigation", name="Networks").get_by_role("link").all_inner_texts() == [
        "Echo",
        "Echo SSD",
        "Echo boxes",
    ]
    page.get_by_role("link", name="Echo SSD").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Echo SSD")


def test_an_unknown_parameter_is_told_and_the_rest_is_shown(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.goto(f"{serve(tiny_zoo).url}/model.html?id=echo&backend=wasm")
    expect(page.get_by_role("alert").filter(has_text="does not know")).to_contain_text("the parameter backend")
    expect(page.get_by_role("heading", level=1)).to_have_text("Echo")


@pytest.mark.browser_errors(r"503 \(SERVICE UNAVAILABLE\)")
def test_a_manifest_that_is_gone_is_told(page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    zoo = Path(shutil.copytree(tiny_zoo, tmp_path / "zoo"))
    server = serve(zoo)
    (zoo / "manifest.json").unlink()
    page.goto(f"{server.url}/model.html?id=echo")
    expect(page.get_by_role("alert").filter(has_text="This page cannot be shown")).to_contain_text("Next:")


def test_this_devices_timings_are_listed_newest_first(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    open_model(page, server, "echo")
    expect(page.get_by_text("This device has not timed it yet.")).to_be_visible()
    device_id = page.evaluate("localStorage.getItem('browser-zoo.device-id')")
    known = fits(tiny_zoo)
    here = make_run().device.model_copy(update={"device_id": device_id})
    old = make_run(**known, device=here, started_at="2026-03-04T10:00:00Z", samples_ms=(9.0,) * 6)
    failed = make_failed_run(**{**known, "final_check": None}, device=here, started_at="2026-03-05T10:00:00Z")
    elsewhere = make_run(**known)
    for run in (old, failed, elsewhere):
        headers = {"Content-Type": "application/json"}
        requests.post(f"{server.url}/api/runs", run.model_dump_json(), headers=headers, timeout=20).raise_for_status()
    page.reload()
    rows = page.locator("#timings tbody tr")
    expect(rows).to_have_count(2)
    assert [row.get_attribute("data-run-id") for row in rows.all()] == [failed.run_id, old.run_id]
    assert failed.error
    expect(rows.first).to_contain_text(failed.error.message)
    expect(rows.last).to_contain_text("9.00")
    expect(rows.last).to_contain_text("9.00 to 9.00")
    expect(rows.last).to_contain_text("matches PyTorch")
    expect(rows.last.locator("time")).to_have_attribute("datetime", "2026-03-04T10:00:00Z")


def test_it_can_be_used_with_the_keyboard_and_fits_a_phone(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_model(page, serve(tiny_zoo), "echo_ssd")
    button = page.get_by_role("button", name="What does it see?")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .proof", timeout=ANSWER_MS)
    page.locator("summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.locator("button:visible, select:visible, input:visible, summary:visible").evaluate_all(
        "nodes => nodes.map(node => [node.getBoundingClientRect().height, node.textContent])"
    )
    assert len(heights) > 4
    assert [text for height, text in heights if height < 44] == []
    for field in ("Runs on", "Picture file"):
        expect(page.get_by_label(field)).to_be_visible()


def test_stop_ends_a_download_that_is_stuck_and_the_button_begins_anew(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    released = threading.Event()
    with network_to(serve(tiny_zoo).url) as network:
        page.goto(f"{network.url}/model.html?id=echo")
        page.wait_for_selector("html[data-state=ready]")
        network.faults["/models/echo/fp32.onnx"] = lambda answer: answer.stuck(100, released)
        page.get_by_role("button", name="What does it see?").click()
        expect(page.get_by_role("status").filter(has_text="Downloading the network…")).to_be_visible()
        expect(page.get_by_label("Runs on")).to_be_disabled()
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_role("status").filter(has_text="Downloading the network…")).to_have_count(0)
        expect(page.get_by_label("Runs on")).to_be_enabled()
        del network.faults["/models/echo/fp32.onnx"]
        ask(page)
        expect(page.get_by_text("It is ready: every further picture is looked at")).to_be_visible()
        released.set()


@pytest.mark.browser_errors("Failed to load resource")
def test_a_file_that_comes_changed_is_told_and_not_run(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    with network_to(serve(tiny_zoo).url) as network:
        page.goto(f"{network.url}/model.html?id=echo")
        page.wait_for_selector("html[data-state=ready]")
        network.faults["/models/echo/fp32.onnx"] = lambda answer: answer.with_body(answer.body[:-1] + b"!")
        page.get_by_role("button", name="What does it see?").click()
        alert = page.get_by_role("alert").filter(has_text="echo/fp32.onnx")
        expect(alert).to_contain_text("SHA-256", timeout=ANSWER_MS)
        expect(page.locator("#answer")).to_be_empty()
        del network.faults["/models/echo/fp32.onnx"]
        expect(page.get_by_role("button", name="What does it see?")).to_be_enabled()
