"""Small ONNX files as a person might drop on the page: good ones, and one for each thing that can be wrong with a file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

Dims = Sequence[int | str | None]


def convolution(dims: Dims = (1, 3, 8, 8), element: int = TensorProto.FLOAT) -> bytes:
    """One 3 by 3 convolution with fixed weights of 4 channels, then a ReLU."""
    kernel = np.random.default_rng(3).standard_normal((4, 3, 3, 3)).astype(helper.tensor_dtype_to_np_dtype(element))
    return model(
        [helper.make_node("Conv", ["image", "kernel"], ["raw"]), helper.make_node("Relu", ["raw"], ["features"])],
        [helper.make_tensor_value_info("image", element, dims)],
        [helper.make_tensor_value_info("features", element, [None, 4, None, None])],
        [numpy_helper.from_array(kernel, "kernel")],
    )


def token_embedding(element: int = TensorProto.INT64) -> bytes:
    """Rows of a table, masked: two integer inputs of open length, one output."""
    table = np.random.default_rng(4).standard_normal((7, 5)).astype(np.float32)
    return model(
        [
            helper.make_node("Gather", ["table", "tokens"], ["rows"]),
            helper.make_node("Cast", ["mask"], ["weights"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["weights", "last"], ["column"]),
            helper.make_node("Mul", ["rows", "column"], ["embedded"]),
        ],
        [
            helper.make_tensor_value_info("tokens", element, ["batch", "sequence"]),
            helper.make_tensor_value_info("mask", TensorProto.BOOL, ["batch", "sequence"]),
        ],
        [helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["batch", "sequence", 5])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([-1], np.int64), "last")],
    )


def casts(*elements: int) -> bytes:
    """An input of each of these types, given back as it is and, if it is a number, as float32. Their names end in the type's number."""
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("Identity", [f"input_{e}"], [f"same_{e}"]) for e in elements]
    numbers = [e for e in elements if e != TensorProto.STRING]
    nodes += [helper.make_node("Cast", [f"input_{e}"], [f"float_{e}"], to=TensorProto.FLOAT) for e in numbers]
    return model(
        nodes,
        [value(f"input_{e}", e, [2, 50]) for e in elements],
        [value(f"same_{e}", e, [2, 50]) for e in elements]
        + [value(f"float_{e}", TensorProto.FLOAT, [2, 50]) for e in numbers],
    )


def chain(*operators: str, domain: str = "") -> bytes:
    """float32 of shape (1, 6) through these operators, one after another."""
    names = ["numbers", *(f"after_{index}" for index in range(len(operators)))]
    nodes = [
        helper.make_node(operator, [before], [after], domain=domain)
        for operator, before, after in zip(operators, names, names[1:], strict=False)
    ]
    return model(
        nodes,
        [helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [1, 6])],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, [1, 6])],
        check=not domain,
        domains=(domain,) if domain else (),
    )


def joined(rows: int) -> bytes:
    """Two inputs, of which the second has that many rows: whether they fit depends on the open dimension of the first."""
    return model(
        [helper.make_node("Add", ["first", "second"], ["sum"])],
        [
            helper.make_tensor_value_info("first", TensorProto.FLOAT, ["rows", 3]),
            helper.make_tensor_value_info("second", TensorProto.FLOAT, [rows, 3]),
        ],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, [None, 3])],
    )


def with_external_data() -> bytes:
    """A model whose weights are said to be in weights.bin."""
    whole = onnx.load_model_from_string(convolution())
    tensor = whole.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    content: bytes = whole.SerializeToString()
    return content


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    initializers: Sequence[TensorProto] = (),
    *,
    opset: int = 18,
    check: bool = True,
    domains: Sequence[str] = (),
) -> bytes:
    """A whole file."""
    graph: GraphProto = helper.make_graph(nodes, "own", inputs, outputs, initializers)
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    whole = helper.make_model(graph, opset_imports=imports, ir_version=10)
    if check:
        onnx.checker.check_model(whole, full_check=True)
    content: bytes = whole.SerializeToString()
    return content
