"""The way from the photograph's pixels to its answer gives the reference's outputs, and says so where it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder import manifest
from builder.records import ModelEntry
from tests.support.javascript import JavaScript
from tests.support.zoos import copied

TAKE = """async ({canEndToEnd, endToEnd}, {model, times, change}) => {
  const at = path => new URL(path, location.href).href;
  const [{loadOnnxruntimeWeb}, {readSafetensors}] = await Promise.all([import(at('/runtimes/ort.js')), import(at('/inputs.js'))]);
  const bytes = async path => new Uint8Array(await (await fetch(at('/models/' + path))).arrayBuffer());
  const {onnxruntime_web} = await (await fetch(at('/api/config'))).json();
  const [variant] = model.variants;
  const reference = readSafetensors(await bytes(model.references[0].path), 'reference');
  for (const [name, by] of Object.entries(change)) reference[name].data[0] += by;
  const priors = model.postprocessing.kind === 'ssd' ? readSafetensors(await bytes(model.postprocessing.priors.path), 'priors').priors : null;
  const purpose = {backend: 'wasm', threads: 2};
  const runtime = await loadOnnxruntimeWeb(onnxruntime_web, purpose);
  const session = await runtime.createSession(await bytes(variant.path), {...purpose, outputs: model.outputs, placement: false});
  try {
    const photograph = await bytes('photograph.png');
    const pass = await endToEnd({model, variant}, session, runtime.now, {photograph, reference, priors});
    const taken = [];
    while (taken.length < times) {
      const {times: parts, mismatch} = await pass();
      if (mismatch) throw mismatch;
      taken.push(parts);
    }
    return {can: canEndToEnd({model}), taken};
  } catch (error) {
    return {name: error.name, message: error.message};
  } finally {
    await session.release();
  }
}"""
CAN = "({canEndToEnd}, model) => canEndToEnd({model})"


def entry(zoo: Path, model_id: str) -> ModelEntry:
    found = manifest.find(manifest.read(zoo), model_id)
    assert found
    return found


def take(javascript: JavaScript, model: ModelEntry, times: int = 2, change: dict[str, float] | None = None) -> Any:
    argument = {"model": model.model_dump(mode="json"), "times": times, "change": change or {}}
    return javascript("end_to_end.js", TAKE, argument)


@pytest.mark.parametrize(
    "model_id",
    ["mobilenet_v1", "efficientnet_b0", "ssd_mobilenet_v1", "ssdlite320_mobilenet_v3", "ssd_mobilenet_v1_coco"],
)
def test_real_networks_give_the_references_outputs(
    javascript_beside: Callable[[Path], JavaScript], real_zoo: Path, tmp_path: Path, model_id: str
) -> None:
    javascript = javascript_beside(copied((model_id,), real_zoo, tmp_path / "zoo"))
    found = take(javascript, entry(real_zoo, model_id), times=3)
    assert found.get("can"), found
    assert len(found["taken"]) == 3
    for one in found["taken"]:
        assert list(one) == ["preprocess_ms", "inference_ms", "postprocess_ms"]
        assert one["preprocess_ms"] >= 0
        assert one["inference_ms"] > 0
        assert one["postprocess_ms"] >= 0


def test_a_graph_that_gives_detections_itself_gives_the_references(
    javascript_beside: Callable[[Path], JavaScript], real_zoo: Path, tmp_path: Path
) -> None:
    model_id = "fasterrcnn_resnet50_fpn"
    javascript = javascript_beside(copied((model_id,), real_zoo, tmp_path / "zoo"))
    found = take(javascript, entry(real_zoo, model_id), times=1)
    assert found.get("can"), found
    assert len(found["taken"]) == 1


def test_other_outputs_than_the_references_are_an_error_that_tells_whether_the_input_was_the_same(
    javascript: JavaScript, tiny_zoo: Path
) -> None:
    model = entry(tiny_zoo, "echo")
    wrong = take(javascript, model, change={"logits": 0.5})
    assert wrong["name"] == "ZooError"
    assert "gives another one than PyTorch" in wrong["message"]
    assert "logits is off by up to 0.5" in wrong["message"]
    assert "from the same input as the reference's" in wrong["message"]
    assert "try another backend" in wrong["message"]
    other = take(javascript, model, change={"logits": 0.5, "input": 0.25})
    assert "from an input that is off by up to 0.25" in other["message"]
    assert "so that models and photograph belong together" in other["message"]


PASSES = """async ({takePasses}, {parts, limits}) => {
  const told = [];
  const pass = async () => ({times: parts, mismatch: null});
  try {
    const {taken} = await takePasses(pass, limits, done => told.push(done));
    return [taken.length, told];
  } catch (error) {
    return error.message;
  }
}"""


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, 5),
        ({"times": 0}, 0),
        ({"spentMs": 9700}, 3),
        ({"spentMs": 9701}, 3),
        ({"spentMs": 12_000}, 1),
        ({"inferenceMs": 500}, 5),
        ({"inferenceMs": 501}, 1),
        ({"inferenceMs": 501, "times": 0}, 0),
    ],
)
def test_passes_end_with_the_budget_and_each_is_told(
    javascript: JavaScript, limits: dict[str, float], expected: int
) -> None:
    parts = {"preprocess_ms": 10, "inference_ms": 80, "postprocess_ms": 10}
    whole = {"times": 5, "budgetMs": 10_000, "spentMs": 0, "inferenceMs": 80, **limits}
    found = javascript("passes.js", PASSES, {"parts": parts, "limits": whole})
    assert found == [expected, list(range(1, expected + 1))]


def test_a_clock_that_goes_back_between_the_parts_is_an_error(javascript: JavaScript) -> None:
    parts = {"preprocess_ms": 10, "inference_ms": -80, "postprocess_ms": 10}
    whole = {"times": 5, "budgetMs": 10_000, "spentMs": 0, "inferenceMs": 80}
    said = javascript("passes.js", PASSES, {"parts": parts, "limits": whole})
    assert said.startswith("The clock went backwards. Got: 10, -80, 10 ms for the three parts. ")


def test_a_right_answer_is_taken_as_often_as_asked(javascript: JavaScript, tiny_zoo: Path) -> None:
    model = entry(tiny_zoo, "echo_ssd")
    assert len(take(javascript, model, times=5)["taken"]) == 5
    assert take(javascript, model, times=0)["taken"] == []


def test_what_is_not_taken_from_a_picture_cannot_be(javascript: JavaScript, tiny_zoo: Path) -> None:
    def can(model: ModelEntry, **changes: object) -> bool:
        found: bool = javascript("end_to_end.js", CAN, {**model.model_dump(mode="json"), **changes})
        return found

    assert can(entry(tiny_zoo, "echo"))
    assert not can(entry(tiny_zoo, "echo_boxes"))  # its input is no picture
    assert not can(entry(tiny_zoo, "echo"), postprocessing={"kind": "raw"})
    assert not can(entry(tiny_zoo, "echo"), references=[])
