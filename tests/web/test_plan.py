"""web/plan.js: what is light, what is predicted, and which runs a choice makes."""

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
