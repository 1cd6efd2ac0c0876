"""python -m builder add with ONNX files that the zoo can hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from safetensors.numpy import load_file

from builder import manifest, operator_tables
from builder.__main__ import main
from builder.cards import card
from builder.key import tool_versions
from builder.records import ModelEntry, Raw, TopK
from builder.verify import compare
from tests.builder.commands import contents
from tests.builder.own_files import classifier, model, saved, single


def add(path: Path, out: Path, *options: str, name: str = "mine") -> ModelEntry:
    """Add the file and return its entry in the manifest, after verifying it as any other model."""
    assert main(["add", str(path), "--id", name, "--out", str(out), *options]) == 0
    assert main(["verify", name, "--out", str(out)]) == 0
    entry = manifest.find(manifest.read(out), name)
    assert entry is not None
    return entry


def test_a_classifier_is_held_to_the_file_as_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(classifier(), tmp_path / "net.onnx")
    out = tmp_path / "models"
    entry = add(path, out, "--licence", "MIT")
    assert (entry.task, entry.postprocessing) == ("classification", TopK(kind="top_k", k=5))
    assert (entry.input.name, entry.input.shape) == ("image", (1, 3, 16, 16))
    assert entry.input.preprocessing
    assert entry.input.preprocessing.size == 18  # 16 x 256 / 224
    assert [(o.name, o.shape) for o in entry.outputs] == [("scores", (1, 7))]
    assert entry.parameters == 8 * 3 * 9 + 8 * 7 + 7
    assert entry.variants[0].macs == 16 * 16 * 8 * 27 + 8 * 7
    assert entry.variants[0].operators == {"Conv": 1, "Flatten": 1, "Gemm": 1, "GlobalAveragePool": 1, "Relu": 1}
    assert (entry.weights.kind, entry.weights.origin, entry.weights.licence) == ("pretrained", "file net.onnx", "MIT")
    assert entry.weights.bytes == path.stat().st_size
    assert "without graph optimisations, on the file as given" in entry.reference_runtime
    assert json.loads((out / entry.labels.path).read_text()) == [f"class {i}" for i in range(7)]
    assert [r.name for r in entry.references] == ["photograph", "noise"]
    assert "classification" in capsys.readouterr().out

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for reference in entry.references:
        tensors = load_file(out / reference.path)
        (expected,) = session.run(None, {"image": tensors["image"]})
        np.testing.assert_array_equal(tensors["scores"], expected)


@pytest.mark.parametrize("text", ['["ant", "bee", "cat"]', "ant\nbee\n\ncat\n", "\ufeffant\r\nbee\r\ncat"])
def test_labels_come_from_a_list_or_from_lines(text: str, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text(text, encoding="utf-8")
    path = saved(classifier(3), tmp_path / "net.onnx")
    entry = add(path, tmp_path / "models", "--labels", str(tmp_path / "labels.txt"))
    assert json.loads((tmp_path / "models" / entry.labels.path).read_text()) == ["ant", "bee", "cat"]
    assert entry.postprocessing == TopK(kind="top_k", k=3)


def test_what_is_no_classifier_is_compared_number_by_number(tmp_path: Path) -> None:
    entry = add(saved(single("Sigmoid", shape=(2, 8)), tmp_path / "net.onnx"), tmp_path / "models")
    assert (entry.task, entry.postprocessing, entry.input.preprocessing) == ("other", Raw(kind="raw"), None)
    first, second = (load_file(tmp_path / "models" / r.path)["x"] for r in entry.references)
    assert not np.array_equal(first, second)
    proof = entry.variants[0].verifications[0]
    assert (proof.task.measure, proof.task.expected, proof.passed) == ("elements", 16, True)


def test_whole_numbers_may_come_out(tmp_path: Path) -> None:
    nodes = [helper.make_node("Sigmoid", ["x"], ["y"]), helper.make_node("ArgMax", ["x"], ["best"], axis=1, keepdims=0)]
    net = model(nodes, inputs={"x": (1, 8)}, outputs={"y": (1, 8), "best": (1,)}, types={"best": TensorProto.INT64})
    entry = add(saved(net, tmp_path / "net.onnx"), tmp_path / "models")
    assert [(o.name, o.dtype) for o in entry.outputs] == [("y", "float32"), ("best", "int64")]
    assert entry.variants[0].tolerances[1].atol == 0


def test_small_outputs_have_a_small_tolerance(tmp_path: Path) -> None:
    """A network that gives nothing but zeros is not within it."""
    nodes = [helper.make_node("Mul", ["x", "small"], ["y"])]
    net = model(nodes, inputs={"x": (2, 8)}, outputs={"y": (2, 8)}, constants={"small": np.array([1e-4], np.float32)})
    entry = add(saved(net, tmp_path / "net.onnx"), tmp_path / "models")
    (tolerance,) = entry.variants[0].tolerances
    for reference in entry.references:
        expected = load_file(tmp_path / "models" / reference.path)["y"]
        assert compare(expected * np.float32(1.0005), expected, tolerance).passed
        assert not compare(np.zeros_like(expected), expected, tolerance).passed
    greatest = np.abs(load_file(tmp_path / "models" / entry.references[0].path)["y"]).max()
    assert (tolerance.atol, tolerance.rtol) == (1e-3 * float(greatest), 1e-3)
    assert f"{greatest:.3g}, the greatest |reference| of this output on the photograph" in tolerance.reason


def test_an_entry_tells_what_made_it(tmp_path: Path) -> None:
    entry = add(saved(classifier(), tmp_path / "net.onnx"), tmp_path / "models")
    assert entry.tools == {**tool_versions(), "onnxruntime-web": operator_tables.version("wasm")}


def test_rows_that_depend_on_data_have_no_fixed_number(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["positive"]),
        helper.make_node("Compress", ["x", "positive"], ["y"]),
    ]
    net = model(nodes, inputs={"x": (20,)}, outputs={"y": ("found",)}, constants={"zero": np.zeros(1, np.float32)})
    entry = add(saved(net, tmp_path / "net.onnx"), tmp_path / "models")
    assert entry.outputs[0].shape == (None,)


def test_symbolic_dimensions_get_the_sizes_given(tmp_path: Path) -> None:
    net = classifier(batch="batch")
    entry = add(saved(net, tmp_path / "net.onnx"), tmp_path / "models", "--dim", "batch=1")
    assert (entry.task, entry.input.shape, entry.outputs[0].shape) == ("classification", (1, 3, 16, 16), (1, 7))
    written = onnx.load(tmp_path / "models" / entry.variants[0].path)
    assert all(
        d.HasField("dim_value")
        for v in (*written.graph.input, *written.graph.output)
        for d in v.type.tensor_type.shape.dim
    )


def test_dimensions_without_a_name_go_by_their_place(tmp_path: Path) -> None:
    net = single("Sigmoid", shape=(None, 8))
    entry = add(saved(net, tmp_path / "net.onnx"), tmp_path / "models", "--dim", "axis0=3")
    assert entry.input.shape == (3, 8)


def test_weights_in_a_file_beside_it_are_taken_in(tmp_path: Path) -> None:
    path = saved(
        classifier(), tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=16
    )
    entry = add(path, tmp_path / "models")
    assert entry.weights.bytes == path.stat().st_size + (tmp_path / "net.data").stat().st_size
    (tmp_path / "net.data").unlink()
    onnxruntime.InferenceSession(tmp_path / "models" / entry.variants[0].path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(("opset", "becomes"), [(9, 17), (13, 17), (17, 17), (20, 20), (21, 21)])
def test_older_opsets_are_converted_upwards(opset: int, becomes: int, tmp_path: Path) -> None:
    entry = add(saved(classifier(opset=opset, ir_version=8), tmp_path / "net.onnx"), tmp_path / "models")
    assert entry.variants[0].opset == becomes


def test_a_file_of_before_2019_lists_its_weights_as_inputs(tmp_path: Path) -> None:
    net = classifier(opset=9, ir_version=3)
    for tensor in net.graph.initializer:
        net.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    entry = add(saved(net, tmp_path / "net.onnx"), tmp_path / "models")
    assert entry.input.name == "image"
    assert entry.variants[0].ir_version >= 8


def test_float16_inside_is_no_obstacle(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["half", "matrix"], ["product"]),
        helper.make_node("Cast", ["product"], ["y"], to=TensorProto.FLOAT),
    ]
    matrix = np.random.default_rng(1).standard_normal((8, 5)).astype(np.float16)
    net = model(nodes, inputs={"x": (1, 8)}, outputs={"y": (1, 5)}, constants={"matrix": matrix})
    entry = add(saved(net, tmp_path / "net.onnx"), tmp_path / "models")
    assert entry.parameters == 40
    assert "float16" in entry.variants[0].tolerances[0].reason


def test_functions_of_the_file_are_taken_apart_and_unused_domains_dropped(tmp_path: Path) -> None:
    net = single("Sigmoid")
    twice = helper.make_function(
        "mine",
        "Twice",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 18)],
    )
    net.functions.append(twice)
    net.graph.node[0].output[0] = "half"
    net.graph.node.append(helper.make_node("Twice", ["half"], ["y"], domain="mine"))
    net.opset_import.extend([helper.make_opsetid("mine", 1), helper.make_opsetid("ai.onnx.ml", 3)])
    entry = add(saved(net, tmp_path / "net.onnx"), tmp_path / "models")
    assert entry.variants[0].operators == {"Add": 1, "Sigmoid": 1}


def test_the_same_id_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    out = tmp_path / "models"
    add(saved(single("Sigmoid"), tmp_path / "one.onnx"), out, name="other")
    add(saved(single("Sigmoid"), tmp_path / "two.onnx"), out)
    before = contents(out, "other/*")
    entry = add(saved(classifier(), tmp_path / "three.onnx"), out)
    assert entry.task == "classification"
    assert [m.id for m in manifest.read(out).models] == ["mine", "other"]
    assert contents(out, "other/*") == before
    named = {file.path for m in manifest.read(out).models for file in m.files()}
    assert set(contents(out)) == named


def test_its_card_lies_beside_it(tmp_path: Path) -> None:
    entry = add(saved(classifier(), tmp_path / "net.onnx"), tmp_path / "models")
    text = (tmp_path / "models" / "mine" / "card.md").read_text(encoding="utf-8")
    assert text == card(entry)
    assert "file net.onnx" in text


def test_remove_takes_one_away_and_keeps_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "models"
    add(saved(single("Sigmoid"), tmp_path / "one.onnx"), out, name="other")
    add(saved(single("Sigmoid"), tmp_path / "two.onnx"), out)
    assert main(["remove", "mine", "--out", str(out)]) == 0
    assert "removed" in capsys.readouterr().out
    assert [m.id for m in manifest.read(out).models] == ["other"]
    assert not (out / "mine").exists()
    assert main(["remove", "mine", "--out", str(out)]) == 2
    message = capsys.readouterr().err
    assert "no model mine was added" in message
    assert "one of other" in message
    assert main(["remove", "resnet50", "--out", str(out)]) == 2
    assert "catalogue" in capsys.readouterr().err


def test_list_and_licences_show_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "models"
    add(saved(classifier(), tmp_path / "net.onnx"), out, "--licence", "CC-BY-4.0")
    capsys.readouterr()
    assert main(["list", "--full", "--out", str(out)]) == 0
    assert "your own" in capsys.readouterr().out
    assert main(["licences", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "CC-BY-4.0" in shown
    assert "file net.onnx" in shown
