"""Operators, parameters and multiplications of ONNX models, against published figures and counts by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torchvision
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from builder.export import clean
from builder.macs import macs
from builder.onnx_facts import operators, parameters

Shape = tuple[int | str, ...]


def tiny(
    nodes: list[NodeProto],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    initializers: dict[str, np.ndarray[Any, Any]],
) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in initializers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def weights(*shape: int) -> np.ndarray[Any, Any]:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("node", "inputs", "output", "initializers", "expected"),
    [
        pytest.param(
            helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2]),
            {"x": (1, 3, 8, 8)},
            (1, 16, 4, 4),
            {"w": weights(16, 3, 3, 3)},
            16 * 4 * 4 * 3 * 3 * 3,
            id="a convolution",
        ),
        pytest.param(
            helper.make_node("Conv", ["x", "w"], ["y"], group=6),
            {"x": (1, 6, 5, 5)},
            (1, 6, 3, 3),
            {"w": weights(6, 1, 3, 3)},
            6 * 3 * 3 * 9,
            id="a depthwise convolution",
        ),
        pytest.param(
            helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], group=2),
            {"x": (1, 4, 5, 5)},
            (1, 6, 10, 10),
            {"w": weights(4, 3, 2, 2)},
            4 * 5 * 5 * 3 * 2 * 2,
            id="a transposed convolution with groups",
        ),
        pytest.param(
            helper.make_node("Gemm", ["x", "w"], ["y"], transB=1),
            {"x": (2, 7)},
            (2, 5),
            {"w": weights(5, 7)},
            2 * 5 * 7,
            id="a matrix product",
        ),
        pytest.param(
            helper.make_node("Gemm", ["x", "w"], ["y"], transA=1),
            {"x": (7, 2)},
            (2, 5),
            {"w": weights(7, 5)},
            2 * 5 * 7,
            id="its first matrix transposed",
        ),
        pytest.param(
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            {"x": (3, 4, 7)},
            (3, 4, 5),
            {"w": weights(7, 5)},
            3 * 4 * 5 * 7,
            id="a batch of them",
        ),
        pytest.param(
            helper.make_node("Einsum", ["x", "w"], ["y"], equation="bij,jk->bk"),
            {"x": (2, 3, 4)},
            (2, 5),
            {"w": weights(4, 5)},
            2 * 5 * 3 * 4,
            id="einsum",
        ),
        pytest.param(
            helper.make_node("Einsum", ["x", "w"], ["y"], equation="...ij, jk -> ...ik"),
            {"x": (2, 3, 4)},
            (2, 3, 5),
            {"w": weights(4, 5)},
            2 * 3 * 5 * 4,
            id="einsum with an ellipsis",
        ),
        pytest.param(helper.make_node("Relu", ["x"], ["y"]), {"x": (1, 4)}, (1, 4), {}, 0, id="nothing that counts"),
    ],
)
def test_a_node_counts_its_multiplications(
    node: NodeProto, inputs: dict[str, Shape], output: Shape, initializers: dict[str, Any], expected: int
) -> None:
    model = tiny([node], inputs, {"y": output}, initializers)
    assert macs(model) == expected
    assert parameters(model) == sum(array.size for array in initializers.values())
    assert operators(model) == {node.op_type: 1}


def data_dependent() -> ModelProto:
    """As many rows of the input as are positive, times a matrix of 3 x 2."""
    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["positive"]),
        helper.make_node("Compress", ["rows", "positive"], ["kept"], axis=0),
        helper.make_node("MatMul", ["kept", "w"], ["y"]),
    ]
    constants = {"zero": np.zeros(1, np.float32), "rows": weights(5, 3), "w": weights(3, 2)}
    return tiny(nodes, {"x": (5,)}, {"y": ("found", 2)}, constants)


def test_shapes_that_depend_on_data_are_told_by_a_run() -> None:
    model = data_dependent()
    with pytest.raises(ValueError, match="depend on its data"):
        macs(model)
    assert macs(model, {"x": np.array([1, -1, 2, -2, 3], np.float32)}) == 3 * 3 * 2
    assert macs(model, {"x": -weights(5)}) == 0


def body(name: str, nodes: list[NodeProto], inputs: list[Any], outputs: list[Any]) -> GraphProto:
    return helper.make_graph(nodes, name, inputs, outputs)


def matrix(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 2))


def test_only_the_branch_taken_counts_and_a_loop_counts_every_turn() -> None:
    once = body("once", [helper.make_node("MatMul", ["x", "w"], ["t"])], [], [matrix("t")])
    never = body("never", [helper.make_node("Identity", ["x"], ["e"])], [], [matrix("e")])
    turn = body(
        "turn",
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("MatMul", ["s", "w"], ["n"])],
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, ()),
            helper.make_tensor_value_info("go", TensorProto.BOOL, ()),
            matrix("s"),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, ()), matrix("n")],
    )
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["condition"]),
        helper.make_node("If", ["condition"], ["a"], then_branch=once, else_branch=never),
        helper.make_node("Cast", ["sum"], ["turns"], to=TensorProto.INT64),
        helper.make_node("Loop", ["turns", "", "a"], ["y"], body=turn),
    ]
    model = tiny(nodes, {"x": (2, 2)}, {"y": (2, 2)}, {"zero": np.zeros((), np.float32), "w": weights(2, 2)})
    assert operators(model) == {
        **{"Cast": 1, "Greater": 1, "Identity": 2, "If": 1, "Loop": 1, "MatMul": 2, "ReduceSum": 1},
    }
    assert macs(model, {"x": weights(2, 2)}) == 8 + 4 * 8
    assert macs(model, {"x": -weights(2, 2)}) == 0
    assert len(model.graph.output) == 1, "counting must not change the model"


def test_operators_of_other_domains_carry_their_domain() -> None:
    model = tiny([helper.make_node("Relu", ["x"], ["y"])], {"x": (1,)}, {"y": (1,)}, {})
    model.graph.node.append(helper.make_node("Magic", ["y"], ["z"], domain="com.example"))
    assert operators(model) == {"Relu": 1, "com.example:Magic": 1}


@pytest.mark.parametrize(
    ("name", "giga", "numbers"),
    [("resnet50", 4.09, 25_557_032), ("mobilenet_v2", 0.30, 3_504_872)],
)
def test_whole_networks_have_their_published_figures(name: str, giga: float, numbers: int) -> None:
    """torchvision's documentation: 4.09 and 0.30 GFLOPS, which are multiply-accumulates there, and these parameters."""
    network = torchvision.models.get_model(name).eval()
    program = torch.onnx.export(network, (torch.zeros(1, 3, 224, 224),), dynamo=True, verbose=False, optimize=False)
    assert program is not None
    model = program.model_proto
    clean(model)
    assert round(macs(model) / 1e9, 2) == giga
    # The statistics of the batch normalisations are stored beside the learnable numbers.
    statistics = sum(b.numel() for b in network.buffers() if b.is_floating_point())
    assert parameters(model) == numbers + statistics
