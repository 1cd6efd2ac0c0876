"""web/plan.js and web/backend_options.js: what is light, what is predicted, which backends there are, and which runs a choice makes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.javascript import JavaScript

MODELS: list[dict[str, Any]] = [
    {"id": "small", "title": "Small", "variants": [{"name": "fp32", "support": [{"backend": "wasm", "status": "runs"}]}]},
    {
        "id": "stubborn",
        "title": "Stubborn",
        "variants": [
            {
                "name": "fp32",
                "support": [{"backend": "wasm", "status": "runs"}, {"backend": "webgpu", "status": "stops"}],
            },
            {"name": "fp16", "support": [{"backend": "webgpu", "status": "falls_back"}]},
        ],
    },
]  # fmt: skip
OPTIONS = [
    {"value": "wasm-1", "backend": "wasm", "title": "WebAssembly, 1 thread"},
    {"value": "webgpu", "backend": "webgpu", "title": "WebGPU"},
]
PLAN = """({planRuns, skippedRuns}, {models, options, choice}) => ({
  planned: planRuns({models}, options, choice).map(({model, variant, option}) => `${model.id} ${variant.name} ${option.value}`),
  skipped: skippedRuns({models}, options, choice).map(({title, backend}) => `${title} on ${backend}`),
})"""


def plan(javascript: JavaScript, **choice: object) -> dict[str, list[str]]:
    argument = {"models": MODELS, "options": OPTIONS, "choice": choice}
    planned: dict[str, list[str]] = javascript("plan.js", PLAN, argument)
    return planned


def test_what_is_predicted_to_stop_is_left_out_and_named(javascript: JavaScript) -> None:
    assert plan(javascript, models=["stubborn", "small"], backends=["webgpu", "wasm-1"]) == {
        "planned": ["stubborn fp32 wasm-1", "stubborn fp16 webgpu", "stubborn fp16 wasm-1", "small fp32 webgpu", "small fp32 wasm-1"],
        "skipped": ["Stubborn on WebGPU"],
    }  # fmt: skip


def test_what_the_address_names_is_run_whatever_is_predicted(javascript: JavaScript) -> None:
    assert plan(javascript, models=["stubborn"], backends=["webgpu"], evenStopped=True) == {
        "planned": ["stubborn fp32 webgpu", "stubborn fp16 webgpu"],
        "skipped": [],
    }


def test_a_backend_of_which_nothing_is_predicted_has_no_prediction(javascript: JavaScript) -> None:
    predict = "({predictedSupport}, [variant, backend]) => predictedSupport(variant, backend)"
    variant = MODELS[1]["variants"][0]
    assert javascript("plan.js", predict, [variant, "webgpu"]) == {"backend": "webgpu", "status": "stops"}
    assert javascript("plan.js", predict, [variant, "webnn"]) is None


@pytest.mark.parametrize(
    ("variants", "light"),
    [
        ([{"macs": 569_000_000, "bytes": 16_900_000}], True),
        ([{"macs": 10_000_000_000, "bytes": 60_000_000}], True),
        ([{"macs": 10_000_000_001, "bytes": 1}], False),
        ([{"macs": 1, "bytes": 60_000_001}], False),
        ([{"macs": 1, "bytes": 1}, {"macs": 1, "bytes": 110_000_000}], False),
    ],
)
def test_light_is_what_is_soon_downloaded_and_soon_run(
    javascript: JavaScript, variants: list[dict[str, int]], *, light: bool
) -> None:
    assert javascript("plan.js", "({isLight}, model) => isLight(model)", {"variants": variants}) is light


ENVIRONMENT = {
    "cross_origin_isolated": True,
    "wasm_threads": True,
    "cores": 8,
    "secure_context": True,
    "webgl_renderer": "ANGLE (a graphics card)",
}
NO_GPU = {"gpu": None, "missing": "this browser has no WebGPU"}


def options(
    javascript: JavaScript, *asked: str, webgl: bool = False, webnn: bool = False, **environment: object
) -> dict[str, dict[str, Any]]:
    """The options by value, in order."""
    argument = [ENVIRONMENT | environment, NO_GPU, list(asked), {"webgl": webgl, "webnn": webnn}]
    found = javascript("backend_options.js", "({backendOptions}, all) => backendOptions(...all)", argument)
    by_value = {option["value"]: option for option in found}
    assert len(by_value) == len(found)
    return by_value


@pytest.mark.parametrize(
    ("cores", "values"),
    [
        (1, ["wasm"]),
        (2, ["wasm", "wasm-1"]),
        (4, ["wasm", "wasm-1", "wasm-2"]),
        (6, ["wasm", "wasm-1", "wasm-2", "wasm-4"]),
        (8, ["wasm", "wasm-1", "wasm-2", "wasm-4"]),
        (9, ["wasm", "wasm-1", "wasm-2", "wasm-4", "wasm-8"]),
        (None, ["wasm"]),
    ],
)
def test_webassembly_is_offered_on_all_cores_and_on_powers_of_two_below(
    javascript: JavaScript, cores: int | None, values: list[str]
) -> None:
    found = options(javascript, cores=cores)
    assert list(found) == [*values, "webgpu"]
    assert found["wasm"]["threads"] == (cores or 1)
    assert [found[value]["threads"] for value in values[1:]] == [int(value.split("-")[1]) for value in values[1:]]
    assert [value for value, option in found.items() if option["chosenByDefault"]] == ["wasm"]


@pytest.mark.parametrize("lacks", ["cross_origin_isolated", "wasm_threads"])
def test_without_shared_memory_there_is_one_thread(javascript: JavaScript, lacks: str) -> None:
    found = options(javascript, "wasm-4", **{lacks: False})
    assert list(found) == ["wasm", "webgpu", "wasm-4"]
    assert found["wasm"]["threads"] == 1
    assert found["wasm-4"]["blocked"].startswith("4 threads cannot be had: this page has no shared memory")


def test_webgl_and_webnn_are_offered_where_the_browser_has_them(javascript: JavaScript) -> None:
    found = options(javascript, webgl=True, webnn=True)
    assert list(found)[-5:] == ["webgpu", "webgl", "webnn-cpu", "webnn-gpu", "webnn-npu"]
    assert [found[value]["deviceType"] for value in list(found)[-4:]] == [None, "cpu", "gpu", "npu"]
    assert all(found[value]["blocked"] is None for value in list(found)[-4:])
    assert not any(found[value]["chosenByDefault"] for value in list(found)[-4:])
    assert found["webnn-npu"]["title"] == "WebNN, NPU"


def test_what_the_address_names_is_shown_with_the_reason_why_it_cannot_be_had(javascript: JavaScript) -> None:
    found = options(javascript, "webgl", "webnn-gpu", "wasm-64")
    assert list(found)[-3:] == ["webgl", "webnn-gpu", "wasm-64"]
    assert found["webgl"]["blocked"] == "this browser gives a worker no WebGL 2"
    assert found["webnn-gpu"]["blocked"] == "this browser has no WebNN"
    assert found["wasm-64"]["blocked"] == "64 threads cannot be had: this device has 8 cores"
    assert options(javascript, "webnn-gpu", secure_context=False)["webnn-gpu"]["blocked"] == (
        "WebNN needs https (or localhost)"
    )


def test_webgl_in_software_is_told(javascript: JavaScript) -> None:
    renderer = "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)))"
    assert "emulated in software" in options(javascript, webgl=True, webgl_renderer=renderer)["webgl"]["note"]
    assert "few operators" in options(javascript, webgl=True)["webgl"]["note"]
