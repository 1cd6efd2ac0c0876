"""What the first page tells of each model: which backend runs it and why not, and what the form makes of that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from builder import manifest
from builder.records import BackendSupport, Blocker, Manifest, ModelEntry, Observation
from tests.conftest import Serve
from tests.support.pages import address, rows, wait_until_done

NO_KERNEL = "it has no kernel for this operator in onnxruntime-web 1.30.0"
HEAVY_MACS = 200_000_000_000


def observation(model: ModelEntry, browser: str, backend: str, message: str | None = None) -> Observation:
    return Observation.model_validate(
        {
            "browser": browser,
            "browser_version": "153.0.2",
            "runtime_version": "1.30.0",
            "backend": backend,
            "status": "stops" if message else "runs",
            "fallback": None,
            "verification": None if message else model.variants[0].verifications[0],
            "message": message,
        }
    )


def with_support(model: ModelEntry) -> ModelEntry:
    """The same model, which WebGPU stops at, and two browsers that were seen with it."""
    variant = model.variants[0]
    blocker = Blocker(operator="Reshape", count=2, reason=NO_KERNEL)
    support = (
        BackendSupport(backend="wasm", status="runs", fallback={}, blockers=(), caveats=()),
        BackendSupport(backend="webgpu", status="stops", fallback={}, blockers=(blocker,), caveats=()),
        BackendSupport(
            backend="webnn", status="falls_back", fallback={"Split": 1, "Reshape": 2}, blockers=(), caveats=()
        ),
    )
    seen = (
        observation(model, "Chromium", "wasm"),
        observation(model, "Firefox", "wasm"),
        observation(model, "Chromium", "webgpu", "Reshape could not be placed"),
        observation(model, "Chromium", "webnn"),
    )
    return model.model_copy(
        update={"variants": (variant.model_copy(update={"support": support, "observations": seen}),)}
    )


@pytest.fixture
def zoo(tiny_zoo: Path, tmp_path: Path) -> Path:
    """The tiny zoo, in which WebGPU cannot run echo, and echo_ssd is heavy."""
    folder = Path(shutil.copytree(tiny_zoo, tmp_path / "zoo"))
    whole = manifest.read(folder)
    echo, ssd, *others = whole.models
    heavy = ssd.variants[0].model_copy(update={"macs": HEAVY_MACS})
    models = (with_support(echo), ssd.model_copy(update={"variants": (heavy,)}), *others)
    manifest.write(folder, whole.model_copy(update={"models": models}))
    return folder


@pytest.fixture
def whole(zoo: Path) -> Manifest:
    return manifest.read(zoo)


@pytest.fixture
def ready(page: Page, serve: Serve, zoo: Path) -> Page:
    page.goto(serve(zoo).url)
    page.wait_for_selector("html[data-state=ready]")
    return page


def test_the_support_table_tells_what_is_predicted_and_what_was_seen(ready: Page, whole: Manifest) -> None:
    ready.get_by_role("heading", name="What runs where").click()
    table = ready.locator("#support-table")
    expect(table.locator("tbody tr")).to_have_count(len(whole.models))
    assert table.locator("thead th").all_inner_texts() == ["Network", "WebAssembly", "WebGPU", "WebGL", "WebNN"]
    expect(table.get_by_role("link", name="Echo", exact=True)).to_have_attribute("href", "./model.html?id=echo")
    echo = table.locator("tr[data-model=echo]")
    cell = {name: echo.locator(f"td[data-backend={name}]") for name in ("wasm", "webgpu", "webgl", "webnn")}
    expect(cell["wasm"]).to_have_text("✓ runsChromium 153, Firefox 153: ✓ ran, matches PyTorch")
    expect(cell["webgl"]).to_have_text("? not predictedno browser tried yet")

    expect(cell["webgpu"].locator(".predicted summary")).to_have_text("✕ does not run")
    expect(cell["webgpu"].get_by_text(NO_KERNEL)).to_be_hidden()
    cell["webgpu"].locator(".predicted summary").click()
    expect(cell["webgpu"].locator("li")).to_have_text(f"Reshape (2 nodes): {NO_KERNEL}")
    cell["webgpu"].locator(".seen summary").click()
    expect(cell["webgpu"].get_by_text("Reshape could not be placed")).to_be_visible()

    summary = cell["webnn"].locator("summary")
    expect(summary).to_have_text("◐ 3 nodes in WebAssembly")
    summary.press("Enter")
    assert cell["webnn"].locator("li").all_inner_texts() == [
        "Split: 1 node in WebAssembly",
        "Reshape: 2 nodes in WebAssembly",
    ]
    expect(cell["webnn"]).to_contain_text("Chromium 153: ✓ ran, matches PyTorch, not as predicted")


def test_networks_are_grouped_and_heavy_ones_wait_to_be_asked_for(ready: Page) -> None:
    def ticked() -> list[str]:
        found: list[str] = ready.locator("input[name=model]:checked").evaluate_all("all => all.map(box => box.value)")
        return found

    groups = ready.get_by_role("group", name="Networks").get_by_role("group")
    assert groups.evaluate_all("all => all.map(group => group.querySelector('h3').textContent)") == [
        "What is in the picture: classification",
        "Where things are: detection",
    ]
    expect(groups.nth(1)).to_contain_text("200 GMAC · heavy")
    plan = ready.locator("#plan")
    assert ticked() == ["echo", "echo_boxes"]
    ready.get_by_role("button", name="All", exact=True).click()
    assert ticked() == ["echo", "echo_ssd", "echo_boxes"]
    expect(plan).to_contain_text("3 networks on")
    ready.get_by_role("button", name="None", exact=True).click()
    assert ticked() == []
    expect(plan).to_have_text("Choose a network and a backend below.")
    ready.get_by_role("button", name="Light", exact=True).click()
    assert ticked() == ["echo", "echo_boxes"]
    expect(ready.locator("html")).to_have_attribute("data-state", "ready")


GPU = """Object.defineProperty(navigator, 'gpu', {get: () => ({
  requestAdapter: async () => ({info: {vendor: 'test', architecture: '', description: '', device: ''}, isFallbackAdapter: false, features: new Set(), limits: {}}),
})})"""


def test_a_backend_that_cannot_run_a_network_is_left_out_with_a_note(page: Page, serve: Serve, zoo: Path) -> None:
    page.add_init_script(GPU)
    server = serve(zoo, accept_fake=True)
    page.goto(address(server.url, runtime="fake", models="echo,echo_boxes", iterations=3))
    page.wait_for_selector("html[data-state=ready]")
    for box in page.locator("input[name=backend]:enabled").all():
        box.set_checked(box.get_attribute("value") in {"wasm-1", "webgpu"})
    expect(page.locator("#plan")).to_contain_text("2 networks on 2 backends: 3 runs of")
    expect(page.locator("#plan")).to_contain_text("Left out, because that backend cannot run them: Echo on WebGPU.")
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)
    found = [(row.get_attribute("data-model"), row.get_attribute("data-backend")) for row in rows(page).all()]
    assert sorted(found) == [("echo", "wasm"), ("echo_boxes", "wasm"), ("echo_boxes", "webgpu")]


def test_a_choice_that_nothing_can_run_does_not_start(page: Page, serve: Serve, zoo: Path) -> None:
    page.add_init_script(GPU)
    page.goto(address(serve(zoo).url, models="echo", backends="webgpu"))
    page.wait_for_selector("html[data-state=ready]")
    expect(page.locator("#plan")).to_contain_text("0 runs of")
    page.get_by_role("button", name="Start timing").click()
    expect(page.locator("html")).to_have_attribute("data-state", "ready")
    complaint = page.locator("input[name=backend]:enabled").first.evaluate("box => box.validationMessage")
    assert complaint == "Choose a backend that can run these networks"
