"""Each backend does what it says: WebGL and WebNN where a browser has them, WebGPU with its losses, memory that does not suffice."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Browser, BrowserType, Page, expect

from builder import manifest
from builder.files import sha256_of
from fleet import browsers
from tests.conftest import Serve
from tests.support.pages import address, counts, only_run, rows, stored, wait_until_done
from tests.support.tiny_zoo import ECHO_INPUT, ECHO_OUTPUTS
from timings.records import Run

WEBGL_MS = 300_000
HEAVY_MS = 3_600_000
HAS_WEBGL = "() => 'OffscreenCanvas' in window && new OffscreenCanvas(1, 1).getContext('webgl2') !== null"
WEBNN = "() => navigator.ml.createContext({deviceType: 'cpu'}).then(() => null, (error) => error.message)"


def _assert_proven(run: Run) -> None:
    assert run.error is None
    assert run.samples
    for check in (run.verification, run.final_check):
        assert check is not None
        assert check.passed
        assert check.task.matched == check.task.expected > 0


def _webgl_page(page: Page, server: str, model: str) -> None:
    """A page that has timed this model on WebGL, or a test that is skipped."""
    page.goto(server)
    if not page.evaluate(HAS_WEBGL):
        pytest.skip("this browser gives no WebGL 2 here")
    asked = {"models": model, "backends": "webgl", "iterations": 1, "warmup": 0, "min_time": 0, "end_to_end": 0}
    page.goto(address(server, autorun=1, timeout=HEAVY_MS / 1000, time_budget=1, **asked))


def test_webgl_gives_pytorchs_outputs(page: Page, serve: Serve, real_zoo: Path) -> None:
    server = serve(real_zoo)
    _webgl_page(page, server.url, "ssd_mobilenet_v1")
    wait_until_done(page, WEBGL_MS)
    run = only_run(page, server.url)
    _assert_proven(run)
    assert (run.backend, run.device_type, run.placement) == ("webgl", None, None)
    assert run.runtime_ms is not None


@pytest.mark.exhaustive
def test_webgl_gives_pytorchs_outputs_for_the_large_network_too(page: Page, serve: Serve, real_zoo: Path) -> None:
    server = serve(real_zoo)
    _webgl_page(page, server.url, "ssd_resnet34")
    wait_until_done(page, HEAVY_MS)
    _assert_proven(only_run(page, server.url))


def test_what_webgl_cannot_run_is_left_out_or_refused_with_the_runtimes_reason(
    page: Page, serve: Serve, real_zoo: Path
) -> None:
    server = serve(real_zoo)
    _webgl_page(page, server.url, "mobilenet_v1")
    wait_until_done(page, WEBGL_MS)
    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.message == "Reduce op requires 1 input."
    page.goto(server.url)
    page.wait_for_selector("html[data-state=ready]")
    page.get_by_role("button", name="None").click()
    page.get_by_role("checkbox", name="MobileNetV1 1.0").check()
    page.get_by_role("checkbox", name="WebGL").check()
    expect(page.locator("#plan")).to_contain_text("Left out")
    expect(page.locator("#plan")).to_contain_text("MobileNetV1 1.0 on WebGL")


def test_without_webgl_it_is_shown_only_when_asked_for(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.add_init_script("delete window.OffscreenCanvas")
    page.goto(server.url)
    expect(page.get_by_role("checkbox", name="WebAssembly").first).to_be_visible()
    expect(page.get_by_role("checkbox", name="WebGL")).to_have_count(0)
    page.goto(address(server.url, autorun=1, models="echo", backends="webgl,wasm-1", iterations=1, min_time=0))
    wait_until_done(page)
    failed, timed = (stored(server.url, row) for row in rows(page).all())
    assert failed.error is not None
    assert failed.error.message == "WebGL cannot run here: this browser gives a worker no WebGL 2."
    assert timed.error is None


def test_without_webnn_the_runs_say_so(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.goto(server.url)
    if page.evaluate("() => 'ml' in navigator"):
        pytest.skip("this browser has WebNN without being asked for it")
    expect(page.get_by_role("checkbox", name="WebAssembly").first).to_be_visible()
    expect(page.get_by_role("checkbox", name="WebNN")).to_have_count(0)
    page.goto(address(server.url, autorun=1, models="echo", backends="webnn-cpu,webnn-npu", iterations=1))
    wait_until_done(page)
    expect(rows(page)).to_have_count(2)
    runs = [stored(server.url, row) for row in rows(page).all()]
    assert sorted(run.device_type or "" for run in runs) == ["cpu", "npu"]
    for run in runs:
        assert run.error is not None
        assert (
            run.error.message == f"WebNN, {(run.device_type or '').upper()} cannot run here: this browser has no WebNN."
        )


def test_webnn_runs_or_says_why_not(
    browser_type: BrowserType,
    browser_name: str,
    local_browser: browsers.LocalBrowser,
    browser_type_launch_args: dict[str, Any],
    browser_context_args: dict[str, Any],
    serve: Serve,
    real_zoo: Path,
) -> None:
    if browser_name != "chromium":
        pytest.skip("only Chromium has WebNN behind a flag")
    args = [*local_browser.launch_options()["args"], "--enable-features=WebMachineLearningNeuralNetwork"]
    with browser_type.launch(**{**browser_type_launch_args, "args": args}) as browser:
        server, page = serve(real_zoo), browser.new_context(**browser_context_args).new_page()
        page.goto(server.url)
        page.wait_for_selector("html[data-state=ready]")
        assert [page.get_by_role("checkbox", name=f"WebNN, {name}").count() for name in ("CPU", "GPU", "NPU")] == [
            1
        ] * 3
        missing = page.evaluate(WEBNN)
        asked = {"models": "mobilenet_v1", "backends": "webnn-cpu", "iterations": 2, "min_time": 0}
        page.goto(address(server.url, autorun=1, **asked))
        wait_until_done(page, WEBGL_MS)
        run = only_run(page, server.url)
    assert (run.backend, run.device_type) == ("webnn", "cpu")
    if missing is None:
        _assert_proven(run)
    else:
        assert run.error is not None
        assert run.error.stage == "runtime"
        assert run.error.message.startswith("WebNN gives no context on this device's CPU. Got: ")
        assert missing in run.error.message


def test_where_webgpus_nodes_ran_is_read_after_the_timing(
    software_gpu: Browser, browser_context_args: dict[str, Any], serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo)
    with software_gpu.new_context(**browser_context_args) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(address(server.url, autorun=1, models="echo", backends="webgpu", iterations=3, min_time=0))
        wait_until_done(page)
        run = only_run(page, server.url)
    _assert_proven(run)
    assert run.placement is not None
    assert list(run.placement) == ["webgpu"]
    assert sum(run.placement["webgpu"].values()) >= 1
    assert [text for text in said if "onnxruntime" in text] == []  # it logs a great deal, none of it on the console


def test_a_gpu_that_is_lost_ends_the_run_and_says_what_to_do(
    software_gpu: Browser, browser_context_args: dict[str, Any], serve: Serve, tiny_zoo: Path
) -> None:
    server = serve(tiny_zoo)
    with software_gpu.new_context(**browser_context_args) as context:
        page = context.new_page()
        page.goto(
            address(server.url, autorun=1, models="echo", backends="webgpu", iterations=10_000, min_time=0, warmup=1)
        )
        expect(page.locator("#progress-detail")).to_contain_text("Sample ", timeout=60_000)
        software_gpu.new_browser_cdp_session().send("Browser.crashGpuProcess")
        wait_until_done(page)
        run = only_run(page, server.url)
        assert counts(page)[:2] == (1, 1)
    assert run.error is not None
    assert "The GPU was lost while it computed. Got: " in run.error.message
    assert "Next: close what else uses the GPU" in run.error.message


def _too_large() -> bytes:
    """Echo with a tensor beside it that no WebAssembly has room for: 32,760 x 32,760 floats are all but 2 MB of 4 GiB."""
    ((name, shape),) = ECHO_OUTPUTS.items()
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, ECHO_INPUT)
    made = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    constants: dict[str, NDArray[Any]] = {
        "sides": np.array([32_760, 32_760], np.int64), "shape": np.array(shape, np.int64), "none": np.array([0], np.float32)
    }  # fmt: skip
    nodes = [
        helper.make_node("Reshape", ["input", "shape"], ["flat"]),
        helper.make_node("ReduceMax", ["flat"], ["greatest"], keepdims=0),
        helper.make_node("Expand", ["greatest", "sides"], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["same"], keepdims=0),
        helper.make_node("Mul", ["same", "none"], ["zero"]),
        helper.make_node("Add", ["flat", "zero"], [name]),
    ]
    initializers = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, "too_large", [given], [made], initializer=initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def test_a_model_that_does_not_fit_in_memory_is_told_with_what_to_do(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    zoo = tmp_path / "zoo"
    shutil.copytree(tiny_zoo, zoo)
    path = zoo / "echo" / "fp32.onnx"
    path.write_bytes(_too_large())
    whole = manifest.read(zoo)
    echo = next(model for model in whole.models if model.id == "echo")
    variant = echo.variants[0].model_copy(update={"bytes": path.stat().st_size, "sha256": sha256_of(path)})
    changed = echo.model_copy(update={"variants": (variant,)})
    models = tuple(changed if model is echo else model for model in whole.models)
    manifest.write(zoo, whole.model_copy(update={"models": models}))

    server = serve(zoo)
    page.goto(address(server.url, autorun=1, models="echo", backends="wasm-1", iterations=1))
    wait_until_done(page)
    run = only_run(page, server.url)
    assert run.error is not None
    assert run.error.stage == "first_inference"
    assert run.error.message.startswith("The memory of this browser does not suffice for Echo. Got: ")
    assert "bad_alloc" in run.error.message
    assert "Next: close other tabs and programs" in run.error.message
