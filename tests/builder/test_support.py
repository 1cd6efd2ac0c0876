"""What builder/support.py says of hand-made models, one rule at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import onnx
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper

from builder.records import BackendSupport
from builder.support import predict

FLOAT, DOUBLE, HALF, INT64, BOOL = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.FLOAT16,
    TensorProto.INT64,
    TensorProto.BOOL,
)
IMAGE = (1, 4, 8, 8)
Shape = Sequence[int | str | None]


def _caveats(asked: ModelProto) -> tuple[str, ...]:
    return next(s for s in predict(asked, 1000) if s.backend == "webgpu").caveats


def model(
    nodes: Sequence[NodeProto],
    *,
    opset: int = 18,
    ir_version: int = 10,
    element: int = FLOAT,
    shape: Shape = IMAGE,
    constants: Sequence[TensorProto] = (),
    domain: str = "",
) -> ModelProto:
    """From input x to output y, whose type and shape onnx infers where it can."""
    imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    given = [helper.make_tensor_value_info("x", element, shape)]
    graph = helper.make_graph(nodes, "main", given, [onnx.ValueInfoProto(name="y")], constants)
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version)


def node(operator: str, inputs: str = "x", outputs: str = "y", **attributes: object) -> NodeProto:
    """inputs and outputs are names with blanks between them; "-" leaves an optional input out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    made: NodeProto = helper.make_node(operator, names, outputs.split(), **attributes)  # type: ignore[arg-type]
    return made


def constant(name: str, values: Sequence[float], element: int = INT64) -> TensorProto:
    return helper.make_tensor(name, element, [len(values)], values)


def prediction(asked: ModelProto, content_bytes: int = 1000) -> dict[str, BackendSupport]:
    answers = predict(asked, content_bytes)
    assert [answer.backend for answer in answers] == ["wasm", "webgpu", "webgl", "webnn"]
    return {answer.backend: answer for answer in answers}


def statuses(asked: ModelProto, content_bytes: int = 1000) -> list[str]:
    return [answer.status for answer in prediction(asked, content_bytes).values()]


def reasons(answer: BackendSupport) -> str:
    return "; ".join(f"{b.operator} x{b.count}: {b.reason}" for b in answer.blockers)


def test_what_every_backend_has_runs_everywhere() -> None:
    assert statuses(model([node("Relu")])) == ["runs"] * 4


def test_an_operator_without_gpu_kernel_falls_back_and_is_counted() -> None:
    found = prediction(model([node("Round", "x", "a"), node("Relu", "a", "b"), node("Round", "b", "y")]))
    assert found["wasm"].status == "runs"
    assert (found["webgpu"].status, found["webgpu"].fallback) == ("falls_back", {"Round": 2})
    assert reasons(found["webgl"]) == "Round x2: WebGL does not have it"


def test_fallback_is_a_matter_of_the_operator() -> None:
    zero = helper.make_tensor("z", TensorProto.UINT8, [], [0])
    scale = helper.make_tensor("s", FLOAT, [], [0.1])
    quantize = model([node("QuantizeLinear", "x s z")], constants=[scale, zero])
    dequantize = model([node("DequantizeLinear", "x s z")], element=TensorProto.UINT8, constants=[scale, zero])
    assert prediction(quantize)["webgpu"].fallback == {"QuantizeLinear": 1}
    assert prediction(dequantize)["webgpu"].fallback == {}
    assert prediction(model([node("Mod", "x x", fmod=1)]))["webgpu"].fallback == {"Mod": 1}
    assert prediction(model([node("Erf")]))["webgpu"].fallback == {}


def test_fallback_is_a_matter_of_the_element_type() -> None:
    assert prediction(model([node("Add", "x x")]))["webgpu"].status == "runs"
    assert prediction(model([node("Add", "x x")], element=INT64))["webgpu"].fallback == {"Add": 1}
    assert prediction(model([node("Cast", to=INT64)]))["webgpu"].status == "runs"
    assert prediction(model([node("Cast", to=FLOAT)], element=INT64))["webgpu"].fallback == {"Cast": 1}


def test_float64_stops_webgpu_whose_build_lacks_it() -> None:
    found = prediction(model([node("Relu")], element=DOUBLE))
    assert found["wasm"].status == "runs"
    assert reasons(found["webgpu"]) == "Relu x1: there is no kernel for it as defined in opset 14 with double"


def test_an_element_type_that_was_not_asked_for_is_not_known() -> None:
    found = prediction(model([node("Transpose")], element=TensorProto.UINT16))
    assert found["wasm"].status == "stops"
    assert (
        reasons(found["wasm"])
        == "Transpose x1: not known to run: it was not asked for as defined in opset 13 with uint16"
    )


def test_roi_align_from_opset_22_has_no_kernel_anywhere() -> None:
    rois = helper.make_tensor("rois", FLOAT, [1, 4], [0, 0, 4, 4])

    def asked(opset: int) -> ModelProto:
        return model([node("RoiAlign", "x rois batch")], opset=opset, constants=[rois, constant("batch", [0])])

    assert statuses(asked(21)) == ["runs", "falls_back", "stops", "falls_back"]
    assert statuses(asked(22)) == ["stops"] * 4
    assert "as defined in opset 22" in reasons(prediction(asked(22))["wasm"])


def test_pooling_from_opset_22_falls_back_on_webgpu() -> None:
    pool = node("MaxPool", kernel_shape=[2, 2])
    assert prediction(model([pool], opset=21))["webgpu"].status == "runs"
    assert prediction(model([pool], opset=22))["webgpu"].fallback == {"MaxPool": 1}


def test_rounding_up_in_pooling_stops_webgl_alone() -> None:
    for operator in ("MaxPool", "AveragePool"):
        found = prediction(model([node(operator, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)]))
        assert [answer.status for answer in found.values()] == ["runs", "runs", "stops", "runs"]
        assert "using ceil() in shape computation is not yet supported" in reasons(found["webgl"])


@pytest.mark.parametrize(
    ("mode", "webgl"), [("linear", "runs"), ("nearest", "stops"), ("cubic", "stops"), (None, "stops")]
)
def test_webgl_resizes_linearly_only(mode: str | None, webgl: str) -> None:
    scales = constant("scales", [1, 1, 2, 2], FLOAT)
    resize = node("Resize", "x - scales", "y") if mode is None else node("Resize", "x - scales", "y", mode=mode)
    found = prediction(model([resize], constants=[scales]))
    assert (found["webgpu"].status, found["webgl"].status) == ("runs", webgl)


def test_webgl_cannot_read_axes_as_an_input() -> None:
    found = prediction(model([node("ReduceMean", "x axes")], constants=[constant("axes", [2, 3])]))
    assert found["wasm"].status == found["webgpu"].status == "runs"
    assert reasons(found["webgl"]) == "ReduceMean x1: WebGL: Reduce op requires 1 input."
    assert prediction(model([node("ReduceMean", axes=[2, 3])], opset=13))["webgl"].status == "runs"


def test_webgl_wants_inputs_of_one_shape() -> None:
    assert reasons(prediction(model([node("Relu")], shape=("N", 4, 8, 8)))["webgl"]) == (
        "None x1: WebGL wants inputs of one shape, and that of 'x' is open"
    )


def test_webnn_wants_sizes_and_settings_that_are_known() -> None:
    assert prediction(model([node("Relu")], shape=("N", 4, 8, 8)))["webnn"].fallback == {"Relu": 1}
    reshape = [node("Shape", "x", "s", start=0), node("Reshape", "x s")]
    assert prediction(model(reshape, shape=("N", 4, 8, 8)))["webnn"].fallback == {"Reshape": 1, "Shape": 1}
    pool = node("GlobalAveragePool")
    assert prediction(model([pool]))["webnn"].status == "runs"
    assert prediction(model([pool], shape=(1, 4, 8)))["webnn"].fallback == {"GlobalAveragePool": 1}


def test_a_custom_domain_stops_everything() -> None:
    found = prediction(model([node("Magic", domain="com.example")], domain="com.example"))
    assert [answer.status for answer in found.values()] == ["stops"] * 4
    assert reasons(found["wasm"]).startswith(
        "com.example:Magic x1: not known to run: the domain com.example is not in the tables"
    )


def test_a_domain_that_is_not_imported_stops() -> None:
    assert "imports no version of the domain com.example" in reasons(
        prediction(model([node("Magic", domain="com.example")]))["wasm"]
    )


def test_operators_of_onnxruntimes_own_domain_are_in_the_tables() -> None:
    found = prediction(model([node("Gelu", domain="com.microsoft")], domain="com.microsoft"))
    assert [answer.status for answer in found.values()] == ["runs", "runs", "stops", "falls_back"]


def test_a_function_of_the_models_own_is_looked_into() -> None:
    asked = model([node("Twice", domain="mine")], domain="mine")
    body = [node("Round", "a", "b"), node("Round", "b", "c")]
    asked.functions.append(helper.make_function("mine", "Twice", ["a"], ["c"], body, [helper.make_opsetid("", 18)]))
    assert prediction(asked)["webgpu"].fallback == {"Round": 2}


def test_an_operator_that_no_probe_could_ask_for_is_not_known() -> None:
    words = model([node("SequenceConstruct", "x", "s"), node("SequenceAt", "s i")], constants=[constant("i", [0])])
    assert "SequenceAt x1: not known to run: the tables do not have it at opset 18" in reasons(
        prediction(words)["wasm"]
    )


def test_too_new_files_stop_what_runs_in_webassembly() -> None:
    assert statuses(model([node("Relu")], ir_version=14)) == ["stops", "stops", "runs", "stops"]
    assert statuses(model([node("Relu")], opset=27)) == ["stops", "stops", "runs", "stops"]
    assert reasons(prediction(model([node("Relu")], ir_version=14))["wasm"]) == (
        "None x1: it has IR version 14; the runtime reads up to 13"
    )


def test_values_in_other_files_stop_everything() -> None:
    weight = TensorProto(name="w", data_type=FLOAT, dims=[8, 8], data_location=TensorProto.EXTERNAL)
    asked = model([node("MatMul", "x w")], constants=[weight])
    assert statuses(asked) == ["stops"] * 4
    assert "None x1: the values of tensors are in other files" in reasons(prediction(asked)["wasm"])


def test_two_gigabytes_stop_everything() -> None:
    assert statuses(model([node("Relu")]), 2**31 - 1) == ["runs"] * 4
    assert statuses(model([node("Relu")]), 2**31) == ["stops"] * 4


def _branches(operator: str, element: int = FLOAT) -> ModelProto:
    """An If both of whose branches have one node, on a value from outside of them."""
    result = helper.make_tensor_value_info("r", element, IMAGE)
    body = helper.make_graph([node(operator, "x", "r")], "body", [], [result])
    choice = node("If", "c", "y", then_branch=body, else_branch=body)
    condition = [node("ReduceMax", "x", "m", keepdims=0), node("Cast", "m", "c", to=BOOL)]
    return model([*condition, choice], element=element)


def test_bodies_are_looked_into() -> None:
    assert prediction(_branches("Relu"))["webgpu"].status == "runs"
    assert prediction(_branches("Round"))["webgpu"].fallback == {"Round": 2}
    assert "If x1: WebGL does not have it" in reasons(prediction(_branches("Relu"))["webgl"])
    stopped = _branches("Magic")
    assert "Magic x2: not known to run" in reasons(prediction(stopped)["wasm"])


def test_values_in_other_files_are_found_in_bodies() -> None:
    asked = _branches("Relu")
    body = asked.graph.node[-1].attribute[0].g
    body.initializer.append(TensorProto(name="w", data_type=FLOAT, dims=[2], data_location=TensorProto.EXTERNAL))
    assert statuses(asked) == ["stops"] * 4


def test_numbers_of_64_bits_are_computed_in_webassembly() -> None:
    """Shapes are int64, for which WebGPU has hardly a kernel; in int32 it takes them, however few they are."""
    nodes = [
        node("Shape", "x", "s"),
        node("Cast", "s", "i", to=TensorProto.INT32),
        node("Add", "i one", "j"),
        node("Cast", "j", "k", to=INT64),
        node("Expand", "x k"),
    ]
    asked = model(nodes, shape=("N", 1, 1, 1), constants=[constant("one", [1], TensorProto.INT32)])
    assert prediction(asked)["webgpu"].fallback == {"Cast": 1}


def test_what_is_constant_is_computed_beforehand() -> None:
    nodes = [node("Shape", "x", "s"), node("Round", "w", "r"), node("Reshape", "x s", "z"), node("Mul", "z r")]
    found = prediction(model(nodes, constants=[constant("w", [0.5], FLOAT)]))
    assert (found["webgpu"].status, found["webgpu"].fallback) == ("runs", {})
    assert "Round x1" in reasons(found["webgl"]), "WebGL computes nothing beforehand"


def test_a_softmax_that_may_have_no_row_is_a_caveat() -> None:
    rows = [
        node("ReduceMax", "x axes", "m", keepdims=0),
        node("NonZero", "m", "n"),
        node("Transpose", "n", "t"),
        node("GatherND", "x t", "g"),
        node("Softmax", "g", "y", axis=-1),
    ]
    asked = model(rows, shape=(5, 3), constants=[constant("axes", [1])])
    assert prediction(asked)["webgpu"].fallback == {"NonZero": 1, "Transpose": 1}
    assert _caveats(asked) == ("A Softmax has as many rows as the data give it, and with no row at all WebGPU fails.",)
    assert _caveats(model([node("Softmax")], shape=("N", 3))) == ()


def test_what_depends_on_the_device_is_a_caveat() -> None:
    assert _caveats(model([node("Relu")])) == ()
    assert _caveats(model([node("Relu")], element=HALF)) == (
        "It holds float16 values: the adapter must have shader-f16.",
    )
    assert _caveats(model([node("Relu")], shape=(1, 64, 1024, 512))) == ()
    assert _caveats(model([node("Relu")], shape=(1, 65, 1024, 512))) == (
        "Its largest tensor has 136314880 bytes: a device need not bind more than 134217728 at once.",
    )


def test_it_loads_no_torch_and_no_onnxruntime() -> None:
    code = "import sys, builder.support; print({'torch', 'onnxruntime', 'playwright'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
