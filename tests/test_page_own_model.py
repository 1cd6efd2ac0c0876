"""A file of the user's is timed in the page: nothing leaves the browser, and no number is shown without a proof made on the device."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import Serve
from tests.support import own_files
from tests.support.pages import address, cells, rows, wait_until_done
from tests.support.proxy import network_to

HELD_TO = "unoptimised WebAssembly on this device"
DASH = "\N{EN DASH}"
EVERY_TYPE = (
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.INT32,
    TensorProto.UINT8,
    TensorProto.INT8,
    TensorProto.BOOL,
)


@pytest.fixture
def ready(page: Page, serve: Serve, tiny_zoo: Path) -> Page:
    """The page, with one thread of WebAssembly and three timed inferences chosen."""
    page.goto(address(serve(tiny_zoo).url, backends="wasm-1", iterations=3, min_time=0))
    page.wait_for_selector("html[data-state=ready]")
    return page


def choose(page: Page, folder: Path, content: bytes, name: str = "own.onnx") -> None:
    """Choose a file, and wait until the page has looked at it."""
    (folder / name).write_bytes(content)
    page.get_by_label("ONNX file").set_input_files(folder / name)
    page.locator("#own-form:visible, #own-problem:visible").first.wait_for()


def time_it(page: Page) -> dict[str, str]:
    """Time the chosen file, and return the cells of the newest row."""
    page.get_by_role("button", name="Time this file").click()
    wait_until_done(page)
    return cells(rows(page).last)


def dimension(page: Page, name: str) -> Locator:
    return page.locator("#own-form").get_by_role("spinbutton", name=name)


def enter(field: Locator, number: str) -> None:
    """Put a number into a field. An installed Firefox, driven over BiDi, appends what Playwright's own `fill` enters."""
    field.evaluate(
        "(field, text) => { field.value = text; field.dispatchEvent(new Event('input', {bubbles: true})); }", number
    )


def assert_timed(row: dict[str, str]) -> None:
    assert row["verification"].startswith(f"matches {HELD_TO}")
    assert row["n"] == "3"
    assert float(row["median_ms"]) > 0
    assert "own file, outputs not checked against a reference" in row["model"]


def assert_no_number(row: dict[str, str]) -> None:
    assert (row["median_ms"], row["interval"], row["n"]) == (DASH, "", "0")
    assert "Next: " in row["notes"]


DROP = """([name, bytes]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([new Uint8Array(bytes)], name));
  for (const kind of ['dragover', 'drop']) {
    document.querySelector('h1').dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
  }
}"""


def test_a_dropped_file_is_timed_and_nothing_leaves_the_browser(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    with network_to(server.url) as network:
        page.goto(address(network.url, backends="wasm-1,wasm", iterations=3, min_time=0))
        page.wait_for_selector("html[data-state=ready]")
        before = len(network.requests)
        page.evaluate(DROP, ["dropped.onnx", list(own_files.convolution())])
        expect(page.locator("#own-name")).to_have_text("dropped.onnx")
        page.get_by_role("button", name="Time this file").click()
        wait_until_done(page)
        assert [row.get_attribute("data-outcome") for row in rows(page).all()] == ["ok", "ok"]
        for row in rows(page).all():
            assert_timed(cells(row))
        expect(page.locator("#plot .chart")).to_be_in_viewport()
        asked = network.requests[before:]
    # Each worker loads the page's own modules and the runtime; there is nothing else, and nothing is sent.
    assert any("ort-wasm-simd-threaded.wasm" in request for request in asked)
    assert [
        request
        for request in asked
        if not request.startswith("GET /") or not request.endswith((".js", ".mjs", ".wasm"))
    ] == []
    with urllib.request.urlopen(f"{server.url}/api/timings.csv") as reply:
        assert len(reply.read().splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        (own_files.convolution(), []),
        (own_files.convolution(("batch", 3, "height", "width")), ["batch 1", "height 224", "width 224"]),
        (
            own_files.convolution((None, None, None, None)),
            ["image, dimension 1 1", "image, dimension 2 3", "image, dimension 3 224", "image, dimension 4 224"],
        ),
        (own_files.token_embedding(), ["batch 1", "sequence 16"]),
        (own_files.token_embedding(TensorProto.INT32), ["batch 1", "sequence 16"]),
        (own_files.casts(*EVERY_TYPE), []),
    ],
    ids=["fixed", "named", "unnamed", "int64 and bool", "int32", "every type, in and out"],
)
def test_inputs_of_any_type_are_made_and_open_dimensions_are_asked_for(
    ready: Page, tmp_path: Path, content: bytes, asked: list[str]
) -> None:
    choose(ready, tmp_path, content)
    fields = ready.locator("#own-dimensions input")
    assert (
        fields.evaluate_all("fields => fields.map(field => `${field.labels[0].textContent} ${field.value}`)") == asked
    )
    assert_timed(time_it(ready))


def _model(operator: str, opset: int) -> bytes:
    value = helper.make_tensor_value_info
    node = helper.make_node(operator, ["a"], ["b"])
    shapes = [value("a", TensorProto.FLOAT, [1, 6])], [value("b", TensorProto.FLOAT, [1, 6])]
    return own_files.model([node], *shapes, opset=opset, check=False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello, this is a text\n" * 20, "own.onnx is no ONNX model"),
        (b"", "own.onnx is no ONNX model"),
        (own_files.convolution()[:-20], "own.onnx is cut off"),
        (own_files.convolution()[:60], "own.onnx is cut off"),
        (own_files.with_external_data(), "own.onnx keeps its weights in another file. Got: external data in weights.bin"),
        (own_files.casts(TensorProto.STRING), "This page cannot make the input input_8. Got: string."),
    ],
    ids=["text", "empty", "cut off", "cut off early", "external data", "strings"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_in_one_message(
    ready: Page, tmp_path: Path, content: bytes, said: str
) -> None:
    choose(ready, tmp_path, content)
    alert = ready.locator("#own-problem")
    expect(alert).to_have_role("alert")
    expect(alert).to_contain_text(said)
    expect(alert).to_contain_text("Next: ")
    expect(ready.locator("#own-form")).to_be_hidden()
    choose(ready, tmp_path, own_files.convolution(), "good.onnx")
    expect(alert).to_be_hidden()
    assert_timed(time_it(ready))


@pytest.mark.browser_errors("onnxruntime")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (own_files.chain("MyOp", domain="com.example"), "it lacks an operator. Got: com.example:MyOp."),
        (_model("NoSuchOperator", 18), "it lacks an operator. Got: NoSuchOperator."),
        (_model("Relu", 99), "own.onnx is newer than onnxruntime-web 1.30.0. Got: opset 99."),
        (own_files.chain("Neg", "Sqrt"), "holds NaN or infinity for noise"),
        (own_files.chain("Sign"), "are the same everywhere, so that comparing them would prove nothing. Got: 6 times 1."),
        (own_files.chain("RandomNormalLike"), "take out what draws random numbers (RandomNormalLike)"),
    ],
    ids=["custom operator", "unknown operator", "new opset", "NaN", "constant", "random"],
)  # fmt: skip
def test_without_a_proof_there_is_a_reason_and_no_number(
    ready: Page, tmp_path: Path, content: bytes, said: str
) -> None:
    choose(ready, tmp_path, content)
    row = time_it(ready)
    assert_no_number(row)
    assert said in row["notes"]
    assert rows(ready).last.get_attribute("data-outcome") == "failed"
    expect(ready.locator("#plot .chart-dots")).to_have_count(0)


@pytest.mark.browser_errors("onnxruntime")
def test_dimensions_that_the_model_refuses_can_be_chosen_again(ready: Page, tmp_path: Path) -> None:
    choose(ready, tmp_path, own_files.joined(4))
    enter(dimension(ready, "rows"), "3")
    row = time_it(ready)
    assert_no_number(row)
    assert "own.onnx refuses these inputs" in row["notes"]
    assert "Next: choose other dimensions." in row["notes"]
    enter(dimension(ready, "rows"), "4")
    assert_timed(time_it(ready))


def test_inputs_that_no_browser_holds_are_refused(ready: Page, tmp_path: Path) -> None:
    choose(ready, tmp_path, own_files.convolution(("batch", 3, "height", "width")))
    for name in ("height", "width"):
        enter(dimension(ready, name), "100000")
    row = time_it(ready)
    assert_no_number(row)
    assert "would not fit into a browser's memory. Got: 1 × 3 × 100000 × 100000." in row["notes"]  # noqa: RUF001
    enter(dimension(ready, "height"), "0")
    ready.get_by_role("button", name="Time this file").click()
    expect(dimension(ready, "height")).to_be_focused()
    assert rows(ready).count() == 1


def test_a_file_over_2_gb_is_refused_before_it_is_read(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    page.add_init_script("Object.defineProperty(Blob.prototype, 'size', {get: () => 3e9})")
    page.goto(serve(tiny_zoo).url)
    page.wait_for_selector("html[data-state=ready]")
    choose(page, tmp_path, own_files.convolution())
    expect(page.locator("#own-problem")).to_contain_text("own.onnx is over 2 GB. Got: 3000.0 MB.")


def test_a_file_dropped_while_something_is_timed_waits(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(address(server.url, runtime="fake", fake={"pace_ms": 200}, models="echo", backends="wasm-1"))
    page.get_by_role("button", name="Start timing").click()
    page.wait_for_selector("html[data-state=running]")
    page.evaluate(DROP, ["dropped.onnx", list(own_files.convolution())])
    expect(page.locator("#own-problem")).to_contain_text("drop it again when the runs are over")
    page.get_by_role("button", name="Stop").click()
    wait_until_done(page)
    page.evaluate(DROP, ["dropped.onnx", list(own_files.convolution())])
    expect(page.locator("#own-problem")).to_be_hidden()
    expect(page.get_by_role("button", name="Time this file")).to_be_visible()


# What a press of the button saves. Playwright does not hear of a download from a blob in an installed Firefox, which makes it all the same.
SAVED = """() => new Promise(resolve => {
  const make = URL.createObjectURL;
  URL.createObjectURL = blob => { blob.text().then(resolve); return make.call(URL, blob); };
  document.getElementById('own-save').click();
})"""


def test_own_runs_can_be_stopped_and_saved(ready: Page, tmp_path: Path) -> None:
    expect(ready.locator("#own-save")).to_be_hidden()
    enter(ready.get_by_label("Timed inferences"), "10000")
    choose(ready, tmp_path, own_files.convolution((1, 3, 224, 224)))
    ready.get_by_role("button", name="Time this file").click()
    # The first round is proven when the second one has begun.
    expect(ready.locator("#plot .chart-round")).not_to_have_count(0, timeout=60_000)
    ready.get_by_role("button", name="Stop").click()
    wait_until_done(ready)
    assert cells(rows(ready))["n"].endswith(" of 10000: stopped")
    enter(ready.get_by_label("Timed inferences"), "3")
    assert_timed(time_it(ready))
    stopped, run = json.loads(ready.evaluate(SAVED))
    assert (stopped["stopped_by"], stopped["final_check"]["passed"]) == ("user", True)
    assert 1000 <= len(stopped["samples"]) < 10_000
    assert_explains_itself(run)


def assert_explains_itself(run: dict[str, Any]) -> None:
    assert (run["model"], run["held_to"], len(run["model_sha256"])) == ("own.onnx", HELD_TO, 64)
    assert len(run["samples"]) == 3
    for check in (run["verification"], run["final_check"]):
        assert check["passed"]
        assert check["task"]["matched"] == check["task"]["expected"] > 0
        assert {output["rtol"] for output in check["outputs"]} == {1e-3}
        assert all(output["atol"] > 0 for output in check["outputs"])


def test_without_a_backend_the_form_says_so(ready: Page, tmp_path: Path) -> None:
    choose(ready, tmp_path, own_files.convolution())
    ready.get_by_role("checkbox", name="WebAssembly, 1 thread").uncheck()
    ready.get_by_role("button", name="None", exact=True).click()
    ready.get_by_role("button", name="Time this file").click()
    expect(ready.locator("html")).to_have_attribute("data-state", "ready")
    ready.get_by_role("checkbox", name="WebAssembly, 1 thread").check()
    assert_timed(time_it(ready))


def test_webgpu_is_held_to_webassembly_too(
    software_gpu: Browser, browser_context_args: dict[str, Any], serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    with software_gpu.new_context(**browser_context_args) as context:
        page = context.new_page()
        page.goto(address(serve(tiny_zoo).url, backends="webgpu", iterations=3, min_time=0))
        page.wait_for_selector("html[data-state=ready]")
        choose(page, tmp_path, own_files.convolution())
        row = time_it(page)
    assert row["backend"] == "WebGPU every node"
    assert_timed(row)
    assert "software gpu" in row["notes"]
