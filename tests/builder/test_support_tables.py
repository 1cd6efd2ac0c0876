"""The operator tables are those of the pinned onnxruntime-web, and they say what it does."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

from builder import operator_tables
from builder.operator_tables import Placement
from builder.records import BackendName
from builder.support import predict
from scripts.operator_documents import webgl_operators, webnn_operators
from scripts.operator_probes import Probe, probes
from scripts.operator_runners import PACKAGE, ROOT, in_chromium, in_node
from scripts.operator_tables import TABLES, as_text, wasm_table, webnn_table
from tests.builder.test_support import BOOL, INT64, constant, model, node

NAMES: tuple[BackendName, ...] = ("wasm", "webgpu", "webgl", "webnn")
_KILOBYTES = 150


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_of_the_pinned_version(name: BackendName) -> None:
    """After a change of the version in package.json: python -m scripts.operator_tables."""
    pinned = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]["onnxruntime-web"]
    assert operator_tables.version(name) == pinned


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_small(name: BackendName) -> None:
    assert (TABLES / f"{name}.json").stat().st_size < _KILOBYTES * 1024


def test_the_table_of_webassembly_is_what_node_answers() -> None:
    assert (TABLES / "wasm.json").read_text(encoding="utf-8") == as_text(wasm_table())


def test_the_table_of_webnn_is_what_its_document_says() -> None:
    assert (TABLES / "webnn.json").read_text(encoding="utf-8") == as_text(webnn_table())


def test_webgl_has_the_opsets_that_its_document_gives() -> None:
    written = json.loads((TABLES / "webgl.json").read_text(encoding="utf-8"))["operators"]
    document = webgl_operators(ROOT / PACKAGE / "docs" / "webgl-operators.md")
    assert {operator: row["opsets"] for operator, row in written.items()} == document
    assert all(row["tried"] for row in written.values()), "every operator of the document was run"


def test_documents_are_read_in_full() -> None:
    """Every row that names an operator is read, and the remarks of which something can be read."""
    lines = (ROOT / PACKAGE / "docs" / "webnn-operators.md").read_text(encoding="utf-8").splitlines()
    rows = webnn_operators(ROOT / PACKAGE / "docs" / "webnn-operators.md")
    named = {line.split("|")[1].strip() for line in lines if line.startswith("| ") and "(" in line.split("|")[2]}
    assert named == {operator.rpartition(":")[2] for operator in rows}
    assert (rows["Conv"].ranks, rows["Slice"].constant_inputs) == ((3, 4), ("starts", "ends", "axes", "steps"))
    assert {"RotaryEmbedding", "com.microsoft:RotaryEmbedding"} <= set(rows)


def _probe(operator: str, since_version: int, *types: str) -> Probe:
    """The probe that the tables were made with."""
    found = [p for p in probes(range(7, 27)) if (p.operator, p.since_version) == (operator, since_version)]
    return next(p for p in found if tuple(kind for _, kind in p.types) == types)


ASKED: tuple[tuple[str, int, tuple[str, ...], Placement, Placement], ...] = (
    ("Conv", 11, ("float",), "cpu", "gpu"),
    ("Conv", 11, ("double",), "none", "none"),
    ("Round", 11, ("float",), "cpu", "cpu"),
    ("RoiAlign", 16, ("float", "int64"), "cpu", "cpu"),
    ("RoiAlign", 22, ("float", "int64"), "none", "none"),
    ("MaxPool", 12, ("float",), "cpu", "gpu"),
    ("MaxPool", 22, ("float",), "cpu", "cpu"),
    ("Cast", 13, ("float", "int64"), "cpu", "gpu"),
    ("If", 16, ("bool", "float"), "cpu", "gpu"),
    ("Loop", 16, ("float",), "cpu", "cpu"),
    ("com.microsoft:MatMulNBits", 1, ("float", "uint8"), "cpu", "gpu"),
)


@pytest.mark.parametrize(("operator", "version", "types", "in_wasm", "in_webgpu"), ASKED)
def test_what_is_known_of_the_runtime_is_in_the_tables(
    operator: str, version: int, types: tuple[str, ...], in_wasm: Placement, in_webgpu: Placement
) -> None:
    places = dict(_probe(operator, version, *types).types)
    assert operator_tables.kernels("wasm").look_up(operator, version, places).placement == in_wasm
    assert operator_tables.kernels("webgpu").look_up(operator, version, places).placement == in_webgpu


def test_node_agrees_with_the_table() -> None:
    """The pinned package itself, asked here and now."""
    answers = in_node([_probe(operator, version, *types).model for operator, version, types, _, _ in ASKED])
    for (operator, version, types, in_wasm, _), answer in zip(ASKED, answers, strict=True):
        assert (answer.error is None) == (in_wasm == "cpu"), (operator, version, types, answer.error)
        if answer.error is not None:
            assert "Could not find an implementation" in answer.error or "Failed to find kernel" in answer.error


def test_an_invalid_probe_is_unknown_rather_than_unsupported() -> None:
    """A window's element type must be the one that its attribute names: the probes with another are no questions."""
    table = operator_tables.kernels("wasm")
    assert table.look_up("HannWindow", 17, {"i0": "int64", "o0": "float"}).placement == "cpu"
    assert table.look_up("HannWindow", 17, {"i0": "int64", "o0": "int8"}).placement == "unknown"


def test_types_that_are_not_known_decide_nothing_unless_all_agree() -> None:
    table = operator_tables.kernels("webgpu")
    assert table.look_up("Round", 18, {"i0": "float"}).placement == "cpu"
    assert table.look_up("Loop", 18, {"i2": None}).placement == "cpu"
    assert table.look_up("Add", 18, {"i0": None}).placement == "unknown"


def _bodies() -> ModelProto:
    result = helper.make_tensor_value_info("r", TensorProto.FLOAT, [1, 4, 8, 8])
    body = helper.make_graph([node("Round", "x", "q"), node("Relu", "q", "r")], "body", [], [result])
    condition = [node("ReduceMax", "x", "m", keepdims=0), node("Cast", "m", "c", to=BOOL)]
    return model([*condition, node("If", "c", "y", then_branch=body, else_branch=body)])


def _shapes() -> ModelProto:
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Cast", "n", "i", to=TensorProto.INT32),
        node("Add", "i one", "j"),
        node("Cast", "j", "k", to=INT64),
        node("Concat", "k rest", "t", axis=0),
        node("Expand", "x t"),
    ]
    constants = [constant("zero", [0]), constant("one", [1], TensorProto.INT32), constant("rest", [4, 8, 8])]
    return model(nodes, shape=("N", 1, 1, 1), constants=constants)


def _detection() -> ModelProto:
    """Boxes chosen by NonMaxSuppression, gathered, and their features pooled."""
    nodes = [
        node("Reshape", "x boxes_shape", "b"),
        node("ReduceMax", "b last", "m", keepdims=0),
        node("Unsqueeze", "m one", "scores"),
        node("NonMaxSuppression", "b scores most", "chosen"),
        node("Gather", "chosen two", "index", axis=1),
        node("Squeeze", "b zero", "flat"),
        node("Gather", "flat index", "rois"),
        node("Gather", "chosen none", "batch", axis=1),
        node("RoiAlign", "x rois batch", "a"),
        node("Softmax", "a", "y"),
    ]
    constants = [
        constant("boxes_shape", [1, 64, 4]),
        constant("last", [2]),
        constant("one", [1]),
        constant("zero", [0]),
        constant("most", [5]),
        helper.make_tensor("two", INT64, [], [2]),
        helper.make_tensor("none", INT64, [], [0]),
    ]
    return model(nodes, constants=constants)


def test_webgpu_places_nodes_where_it_is_predicted() -> None:
    """In Chromium's software WebGPU, with all of onnxruntime's optimisations: the whole of the prediction, not a table's row."""
    asked = {
        "bodies": _bodies(),
        "shapes": _shapes(),
        "detection": _detection(),
        "integers": model([node("Add", "x x", "a"), node("Cast", "a", "y", to=TensorProto.FLOAT)], element=INT64),
        "small and from a shape": model(
            [node("Shape", "x", "s"), node("Cast", "s", "f", to=TensorProto.FLOAT), node("Sigmoid", "f")],
            shape=("N", 1),
        ),
        "pooling": model([node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)]),
        "pooling at opset 22": model([node("Relu", "x", "r"), node("MaxPool", "r", kernel_shape=[2, 2])], opset=22),
    }
    # In a thread of its own: the synchronous Playwright does not start a second time where other tests have it running.
    with ThreadPoolExecutor(1) as thread:
        answers = thread.submit(in_chromium, list(asked.values()), "all").result()
    for (name, each), answer in zip(asked.items(), answers, strict=True):
        assert answer.error is None, f"{name}: {answer.error}"
        observed = set(answer.placement.get("CPUExecutionProvider", []))
        if set(answer.placement) == {"CPUExecutionProvider"}:  # then the runtime lists no node
            observed = {n.op_type for n in each.graph.node}
        assert set(predict(each, each.ByteSize())[1].fallback) == observed, name


def test_list_reads_no_table_and_none_of_the_heavy_packages() -> None:
    """How long it takes is benchmarks/list_models.py's."""
    code = (
        "import sys, builder.listing; "
        "print(sorted({'builder.operator_tables', 'builder.support', 'onnx', 'numpy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_models_of_the_tests_are_valid() -> None:
    for each in (_bodies(), _shapes(), _detection()):
        inferred = onnx.shape_inference.infer_shapes(each)
        onnx.checker.check_model(inferred)  # raises where one is not
        assert len(inferred.graph.output) == len(each.graph.output) > 0
