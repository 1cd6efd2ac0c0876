"""Profiles on demand: which operators take the time, told by the runtime's own profiler, and never while anything is timed."""

from __future__ import annotations

import csv
import json
import re
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import Serve
from tests.support.pages import address, counts, rows, wait_until_done
from tests.support.proxy import Answer, network_to
from tests.support.serving import ORT

SOON_MS = 60_000
# In the script's place: the same one, which tells on the network what each session is made with. The package has it twice,
# minified and not.
TELLING_SCRIPT = """
import * as ort from './ort.wasm.mjs';
const create = ort.InferenceSession.create;
ort.InferenceSession.create = async (model, options) => {
  await fetch(`/told?${new URLSearchParams({profiling: String(options.enableProfiling ?? false), severity: options.logSeverityLevel})}`);
  return create.call(ort.InferenceSession, model, options);
};
export * from './ort.wasm.mjs';
"""

CATCH_SAVED = """() => {
  const {createObjectURL} = URL;
  URL.createObjectURL = (blob) => {
    window.savedBlob = blob;
    return createObjectURL.call(URL, blob);
  };
  HTMLAnchorElement.prototype.click = function () { window.savedName = this.download; };
}"""


def profiles(page: Page) -> Locator:
    return page.locator("#profile-list article")


def lines(article: Locator, table: str) -> list[dict[str, str]]:
    """A table's rows by field, as they are read."""
    found: list[dict[str, str]] = article.locator(f"table.{table} tbody tr").evaluate_all(
        "rows => rows.map(row => Object.fromEntries([...row.cells].map(cell => [cell.dataset.field, cell.innerText.trim()])))"
    )
    return found


def saved(page: Page, article: Locator, button: str) -> tuple[str, str]:
    """The name and the text of the file that a button saves. Playwright hears of no download from a blob in an installed Firefox."""
    page.evaluate(CATCH_SAVED)
    article.get_by_role("button", name=button).click()
    name, text = page.evaluate("async () => [window.savedName, await window.savedBlob.text()]")
    return str(name), str(text)


def stored_runs(server: str) -> list[Any]:
    with urllib.request.urlopen(f"{server}/api/timings.csv") as reply:
        return list(csv.DictReader(reply.read().decode().splitlines()))


def test_a_profile_is_shown_by_operator_and_by_node_and_can_be_saved(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.goto(address(server.url, autorun=1, profile=1, models="echo_ssd", backends="wasm-1"))
    wait_until_done(page)
    assert counts(page) == (1, 0, 0)
    assert rows(page).count() == 0
    assert stored_runs(server.url) == []

    (article,) = profiles(page).all()
    expect(article.get_by_role("heading")).to_have_text("Echo SSD fp32 on WebAssembly, 1 thread")
    expect(article).to_contain_text("of 10 after 3 of warm-up")
    expect(article).to_contain_text("The last output matches PyTorch.")
    operators = lines(article, "profile-operators")
    assert operators
    shares = [float(line["share"].removesuffix(" %")) for line in operators]
    assert shares == sorted(shares, reverse=True)
    assert abs(sum(shares) - 100) <= 0.05 * len(shares) + 1e-9
    bar = article.get_by_role("img")
    assert re.search(
        r"^Time by operator, Echo SSD fp32 on WebAssembly, 1 thread: \w+ [\d.]+ %", str(bar.get_attribute("aria-label"))
    )
    assert article.locator(".profile-keys li").count() == article.locator(".profile-bar rect").count() == len(operators)

    article.get_by_text("By node: ").click()
    expect(article.locator("table.profile-node-times tbody tr")).not_to_have_count(0)
    nodes = lines(article, "profile-node-times")
    assert {line["operator"] for line in nodes} == {line["operator"] for line in operators}

    name, text = saved(page, article, "Save as JSON")
    profile = json.loads(text)
    assert name == "profile-echo_ssd-fp32-wasm-1.json"
    assert (profile["model"], profile["backend"], profile["threads"], profile["iterations"]) == (
        "echo_ssd",
        "wasm",
        1,
        10,
    )
    assert profile["verification"]["passed"]
    assert profile["final_check"]["passed"]
    assert len(profile["nodes"]) == len(nodes)
    assert all(len(node["durations_ms"]) == 10 and min(node["durations_ms"]) >= 0 for node in profile["nodes"])
    assert 0 < profile["nodes_ms"] <= profile["inference_ms"]
    name, text = saved(page, article, "Save nodes as CSV")
    assert name == "profile-echo_ssd-fp32-wasm-1.csv"
    assert [line["node"] for line in csv.DictReader(text.splitlines())] == [node["node"] for node in profile["nodes"]]


def test_a_result_has_a_button_that_profiles_it(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo)
    page.goto(address(server.url, autorun=1, models="echo,echo_boxes", backends="wasm-1", iterations=2, min_time=0))
    wait_until_done(page)
    row = page.locator("#results tr[data-model=echo_boxes]")
    row.get_by_role("button", name="Profile").click()
    expect(profiles(page)).to_have_attribute("data-outcome", "ok", timeout=SOON_MS)
    wait_until_done(page)
    expect(profiles(page)).to_have_attribute("data-model", "echo_boxes")
    assert rows(page).count() == 2
    assert len(stored_runs(server.url)) == 2


def test_nothing_that_is_timed_has_a_profiler_or_a_log(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    def telling(answer: Answer) -> Answer:
        return answer.with_body(TELLING_SCRIPT.encode())

    def told(answer: Answer) -> Answer:
        return Answer(200, answer.headers, b"", 0)

    with network_to(serve(tiny_zoo).url) as network:
        network.faults |= {f"{ORT}/ort.wasm.min.mjs": telling, "/told": told}

        def sessions() -> list[tuple[str, str]]:
            asked = [
                parse_qs(urlsplit(request.split()[1]).query) for request in network.requests if " /told?" in request
            ]
            return [(query["profiling"][0], query["severity"][0]) for query in asked]

        page.goto(address(network.url, autorun=1, models="echo", backends="wasm-1", iterations=2, min_time=0))
        wait_until_done(page)
        assert counts(page) == (1, 0, 0)
        timed = sessions()
        assert timed == [("false", "3")] * 2  # the one that starts the runtime, and the network's
        page.get_by_role("button", name="Profile").click()
        expect(profiles(page)).to_have_attribute("data-outcome", "ok", timeout=SOON_MS)
        assert sessions()[len(timed) :] == [("false", "3"), ("true", "3")]


def test_the_code_that_profiles_is_loaded_when_it_is_needed(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    with network_to(serve(tiny_zoo).url) as network:
        page.goto(network.url)
        page.wait_for_selector("html[data-state=ready]", state="attached")
        loaded = [request.split("/")[-1] for request in network.requests if "profile" in request]
    assert loaded == ["profile_gate.js"]


def test_a_backend_without_a_profile_says_so(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'gpu', {get: () => undefined})")
    page.goto(address(serve(tiny_zoo).url, autorun=1, profile=1, models="echo", backends="webgl,webgpu,wasm-1"))
    wait_until_done(page)
    assert counts(page) == (3, 2, 0)
    assert [article.get_attribute("data-outcome") for article in profiles(page).all()] == ["failed", "failed", "ok"]
    webgl, webgpu = profiles(page).all()[:2]
    expect(webgl).to_contain_text("No profile. WebGL gives no profile here: ")
    expect(webgpu).to_contain_text("No profile. WebGPU gives no profile here: this browser has no WebGPU.")


def test_outputs_that_are_wrong_have_no_profile(
    browser: Browser, browser_context_args: dict[str, Any], serve: Serve, tiny_zoo: Path
) -> None:
    def with_another_number(answer: Answer) -> Answer:
        return answer.with_body(answer.body[:-1] + bytes([answer.body[-1] ^ 0x80]))

    # Over plain http from a network's address there is nothing to check the file's hash with, so that what came is computed with.
    with (
        network_to(serve(tiny_zoo).url) as network,
        browser.new_context(**browser_context_args, proxy={"server": network.url}) as context,
    ):
        network.faults["/models/echo/photograph.safetensors"] = with_another_number
        page = context.new_page()
        page.goto(address("http://laptop.example", autorun=1, profile=1, models="echo", backends="wasm"))
        wait_until_done(page)
        expect(profiles(page)).to_have_attribute("data-outcome", "failed")
        expect(profiles(page)).to_contain_text("differ from the reference's")


def test_webgpu_is_profiled_by_the_gpus_own_clock(
    software_gpu: Browser, browser_context_args: dict[str, Any], serve: Serve, real_zoo: Path
) -> None:
    server = serve(real_zoo)
    with software_gpu.new_context(**browser_context_args) as context:
        page = context.new_page()
        page.goto(
            address(
                server.url, autorun=1, profile=1, models="mobilenet_v1", backends="webgpu", time_budget=10, timeout=400
            )
        )
        wait_until_done(page, 400_000)
        (article,) = profiles(page).all()
        expect(article).to_contain_text("The last output matches PyTorch.")
        expect(article).to_contain_text("Operators by the GPU's own clock")
        operators = {line["operator"]: line for line in lines(article, "profile-operators")}
        _, text = saved(page, article, "Save as JSON")
    profile = json.loads(text)
    assert profile["clock"] == "gpu"
    assert {line["backend"] for line in operators.values()} == {"WebGPU"}
    assert int(operators["Conv"]["nodes"]) >= 27  # MobileNetV1's convolutions
    assert profile["nodes_ms"] > 0
    assert profile["verification"]["passed"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_bars_colours_stand_out(page: Page, serve: Serve, tiny_zoo: Path, browser_name: str, scheme: str) -> None:
    if browser_name == "firefox":
        pytest.skip("Firefox refuses to emulate colour schemes over WebDriver BiDi")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(address(serve(tiny_zoo).url, autorun=1, profile=1, models="echo_ssd", backends="wasm-1"))
    wait_until_done(page)
    contrasts: list[float] = page.evaluate(CONTRASTS)
    assert len(contrasts) == 8
    assert min(contrasts) >= 3  # WCAG 2.2, 1.4.11


CONTRASTS = """() => {
  const channels = text => text.match(/\\d+/g).slice(0, 3).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map(v => v / 255).map(v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const article = document.querySelector('#profile-list article');
  const under = luminance(channels(getComputedStyle(article).backgroundColor));
  return [0, 1, 2, 3, 4, 5, 6, 'rest'].map(name => {
    const key = document.createElement('span');
    key.className = `profile-key slice-${name}`;
    article.append(key);
    const over = luminance(channels(getComputedStyle(key).backgroundColor));
    return (Math.max(over, under) + 0.05) / (Math.min(over, under) + 0.05);
  });
}"""
