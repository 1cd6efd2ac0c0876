"""What the page makes of a device: its browser's name, its features, and the backends that it can offer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.javascript import JavaScript

CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
)
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.70"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
SAMSUNG = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"
IPHONE_CHROME = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("user_agent", "name", "version", "system"),
    [
        (CHROME, "Chrome", "131.0.0.0", "Android"),
        (EDGE, "Edge", "131.0.2903.70", "Windows"),
        (FIREFOX, "Firefox", "153.0", "Linux"),
        (SAFARI, "Safari", "18.1", "macOS"),
        (IPHONE, "Safari", "18.1", "iOS"),
        (SAMSUNG, "Samsung Internet", "27.0", "Android"),
        (IPHONE_CHROME, "Chrome", "131.0.6778.73", "iOS"),
        ("curl/8.0", "unknown", "", "unknown"),
    ],
)
def test_a_user_agent_string_tells_browser_and_system(
    javascript: JavaScript, user_agent: str, name: str, version: str, system: str
) -> None:
    found = javascript(
        "browser_name.js", "(m, agent) => ({...m.browserName([], agent), system: m.systemName(agent)})", user_agent
    )
    assert found == {"browser": name, "browser_version": version, "system": system}


@pytest.mark.parametrize(
    ("user_agent", "engine", "version"),
    [
        (CHROME, "Blink", "131.0.0.0"),
        (EDGE, "Blink", "131.0.0.0"),
        (SAMSUNG, "Blink", "125.0.0.0"),
        (FIREFOX, "Gecko", "153.0"),
        (SAFARI, "WebKit", "605.1.15"),
        (IPHONE_CHROME, "WebKit", "605.1.15"),
        ("curl/8.0", None, None),
    ],
)
def test_a_user_agent_string_tells_the_engine(
    javascript: JavaScript, user_agent: str, engine: str | None, version: str | None
) -> None:
    found = javascript("browser_name.js", "(m, agent) => m.engineName([], agent)", user_agent)
    assert found == {"engine": engine, "engine_version": version}


def test_hints_tell_the_engines_whole_version(javascript: JavaScript) -> None:
    brands = [{"brand": "Microsoft Edge", "version": "131.0.2"}, {"brand": "Chromium", "version": "131.0.6778.1"}]
    found = javascript("browser_name.js", "(m, [brands, agent]) => m.engineName(brands, agent)", [brands, EDGE])
    assert found == {"engine": "Blink", "engine_version": "131.0.6778.1"}


@pytest.mark.parametrize(
    ("brands", "name", "version"),
    [
        ([("Not_A Brand", "8.0"), ("Chromium", "131.0.1"), ("Google Chrome", "131.0.2")], "Chrome", "131.0.2"),
        ([("Microsoft Edge", "131.0.3"), ("Chromium", "131.0.1")], "Edge", "131.0.3"),
        ([("Chromium", "156.0.1"), ("Not)A;Brand", "24.0")], "Chromium", "156.0.1"),
        ([("Somebody's Own", "1.0")], "Chrome", "131.0.0.0"),
    ],
)
def test_hints_tell_the_browser_better(
    javascript: JavaScript, brands: list[tuple[str, str]], name: str, version: str
) -> None:
    argument = [[{"brand": brand, "version": number} for brand, number in brands], CHROME]
    found = javascript("browser_name.js", "(m, [brands, agent]) => m.browserName(brands, agent)", argument)
    assert found == {"browser": name, "browser_version": version}


def test_this_browser_is_described_and_isolated(javascript: JavaScript, browser_name: str) -> None:
    device = javascript("environment.js", "m => m.readEnvironment(null)")
    assert device["browser"] in ({"chromium": ("Chromium", "Chrome", "Edge"), "firefox": ("Firefox",)}[browser_name])
    assert device["cross_origin_isolated"] is device["secure_context"] is True
    assert device["wasm_simd"] is device["wasm_relaxed_simd"] is device["wasm_threads"] is True
    assert 0 < device["timer_step_ms"] < 1
    assert device["gpu_software"] is device["gpu_fallback_adapter"] is None
    assert device["engine"] == {"chromium": "Blink", "firefox": "Gecko"}[browser_name]
    assert device["engine_version"].split(".")[0] == device["browser_version"].split(".")[0]
    assert (device["bitness"], device["wow64"]) == (("64", False) if browser_name == "chromium" else (None, None))


HINTS = """async ({readEnvironment}, hints) => {
  const data = {mobile: true, platform: 'Android', getHighEntropyValues: async names => {
    if (hints === null) throw new DOMException('refused', 'NotAllowedError');
    return Object.fromEntries(names.map(name => [name, hints[name]]));
  }};
  Object.defineProperty(navigator, 'userAgentData', {value: data, configurable: true});
  try { return await readEnvironment(null); } finally { delete navigator.userAgentData; }
}"""


def test_every_hint_that_a_browser_gives_is_kept(javascript: JavaScript) -> None:
    brands = [{"brand": "Chromium", "version": "131.0.6778.1"}, {"brand": "Google Chrome", "version": "131.0.6778.2"}]
    device = javascript(
        "environment.js",
        HINTS,
        {
            "fullVersionList": brands,
            "platformVersion": "15.0.0",
            "architecture": "arm",
            "bitness": "64",
            "model": "Pixel 9",
            "formFactors": ["Mobile", "XR"],
            "wow64": False,
        },
    )
    expected = {
        "browser": "Chrome",
        "browser_version": "131.0.6778.2",
        "engine": "Blink",
        "engine_version": "131.0.6778.1",
        "platform": "Android",
        "platform_version": "15.0.0",
        "architecture": "arm",
        "bitness": "64",
        "device_model": "Pixel 9",
        "form_factor": "Mobile, XR",
        "wow64": False,
        "mobile": True,
    }
    assert {name: device[name] for name in expected} == expected


def test_hints_that_are_refused_are_null(javascript: JavaScript) -> None:
    device = javascript("environment.js", HINTS, None)
    assert [device[name] for name in ("architecture", "bitness", "device_model", "form_factor", "wow64")] == [None] * 5


ADAPTER = """async ({probeGpu}, {info, isFallbackAdapter}) => {
  const gpu = {requestAdapter: async () => ({info, isFallbackAdapter})};
  Object.defineProperty(navigator, 'gpu', {value: gpu, configurable: true});
  try { return (await probeGpu()).gpu; } finally { delete navigator.gpu; }
}"""
REAL = {"vendor": "arm", "architecture": "valhall", "description": "", "device": ""}
EMULATED = {"vendor": "google", "architecture": "swiftshader", "description": "", "device": ""}


@pytest.mark.parametrize(
    ("adapter", "software", "fallback"),
    [
        ({"info": {**REAL, "isFallbackAdapter": False}}, False, False),
        ({"info": {**REAL, "isFallbackAdapter": True}}, True, True),
        ({"info": REAL, "isFallbackAdapter": True}, True, True),
        ({"info": REAL}, False, None),
        ({"info": {**EMULATED, "isFallbackAdapter": False}}, True, False),
    ],
)
def test_an_emulated_gpu_is_told_by_its_flag_or_by_its_name(
    javascript: JavaScript, adapter: dict[str, Any], software: bool, fallback: bool | None
) -> None:
    gpu = javascript("gpu.js", ADAPTER, adapter)
    assert (gpu["software"], gpu["fallback"]) == (software, fallback)


def test_webgls_renderer_is_named_unmasked(javascript: JavaScript) -> None:
    name = javascript("gpu.js", "m => m.webglRenderer()")
    assert name is None or (name != "WebKit WebGL" and len(name) > 3)
    assert (
        javascript(
            "gpu.js",
            "m => { const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = () => null; try { return m.webglRenderer(); } finally { HTMLCanvasElement.prototype.getContext = get; } }",
        )
        is None
    )


@pytest.mark.parametrize(
    ("name", "software"),
    [
        ("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)", True),
        ("llvmpipe, or similar", True),
        ("ANGLE (Microsoft, Microsoft Basic Render Driver Direct3D11 vs_5_0 ps_5_0, D3D11)", True),
        ("ANGLE (Apple, ANGLE Metal Renderer: Apple M1, Unspecified Version)", False),
        ("Mali-G78", False),
        (None, False),
    ],
)
def test_a_renderers_name_tells_whether_it_is_emulated(
    javascript: JavaScript, name: str | None, software: bool
) -> None:
    assert javascript("gpu.js", "(m, name) => m.isSoftware(name)", name) is software


WITHOUT_FEATURES = """({wasmFeatures}) => {
  const validate = WebAssembly.validate;
  WebAssembly.validate = bytes => !bytes.includes(0xfe) && !bytes.join().includes('253,128,2') && validate(bytes);
  try { return wasmFeatures(); } finally { WebAssembly.validate = validate; }
}"""


def test_a_feature_that_is_missing_is_seen(javascript: JavaScript) -> None:
    # As in a browser that refuses the opcodes of threads (prefix 0xfe) and of relaxed SIMD (0xfd 0x100 and on, as LEB128).
    found = javascript("wasm_features.js", WITHOUT_FEATURES)
    assert found == {"wasm_simd": True, "wasm_relaxed_simd": False, "wasm_threads": False}


def test_a_device_keeps_its_id_and_every_run_gets_its_own(javascript: JavaScript) -> None:
    first, second, made = javascript("identity.js", "m => [m.deviceId(), m.deviceId(), m.randomUuid()]")
    assert first == second != made
    assert made[14] == "4"
    assert made[19] in "89ab"


OPTIONS = """({backendOptions}, {environment, probe, asked}) =>
  Object.fromEntries(backendOptions(environment, probe, asked, {webgl: false, webnn: false}).map(option => [option.value, option]))"""
NO_GPU = {"gpu": None, "missing": "this browser has no WebGPU"}


def options(javascript: JavaScript, *, isolated: bool = True, cores: int | None = 8, probe: object = NO_GPU) -> Any:
    environment = {"cross_origin_isolated": isolated, "wasm_threads": True, "cores": cores}
    asked = ["wasm-4", "wasm-16"]
    return javascript("backend_options.js", OPTIONS, {"environment": environment, "probe": probe, "asked": asked})


def test_webassembly_gets_a_thread_per_core(javascript: JavaScript) -> None:
    found = options(javascript)
    assert {value: option["threads"] for value, option in found.items()} == {
        "wasm": 8,
        "wasm-1": 1,
        "wasm-2": 2,
        "wasm-4": 4,
        "webgpu": 1,
        "wasm-16": 16,
    }
    assert [value for value, option in found.items() if option["chosenByDefault"]] == ["wasm"]
    assert found["wasm-16"]["blocked"] == "16 threads cannot be had: this device has 8 cores"
    assert found["wasm-4"]["blocked"] is found["wasm-1"]["blocked"] is found["wasm"]["blocked"] is None


def test_without_isolation_there_is_one_thread_and_a_reason(javascript: JavaScript) -> None:
    found = options(javascript, isolated=False)
    assert found["wasm"]["threads"] == 1
    assert found["wasm"]["blocked"] is None
    assert "cross-origin isolation" in found["wasm"]["note"]
    assert "needs https" in found["wasm-4"]["blocked"]


def test_webgpu_says_why_it_is_missing_and_when_it_is_emulated(javascript: JavaScript) -> None:
    assert options(javascript)["webgpu"]["blocked"] == NO_GPU["missing"]
    real = {"vendor": "arm", "architecture": "valhall", "description": None, "software": False}
    found = options(javascript, probe={"gpu": real, "missing": None})["webgpu"]
    assert (found["blocked"], found["chosenByDefault"], found["note"]) == (None, True, "arm valhall")
    emulated = {**real, "architecture": "swiftshader", "software": True}
    found = options(javascript, probe={"gpu": emulated, "missing": None})["webgpu"]
    assert (found["blocked"], found["chosenByDefault"]) == (None, False)
    assert "emulated in software" in found["note"]
