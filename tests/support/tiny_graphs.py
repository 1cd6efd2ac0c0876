"""ONNX graphs that deal out their input's numbers to their outputs, in order, as web/runtimes/fake.js does."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

# A side that is None depends on the data. The output named "labels" is int64, the others are float32.
Shapes = Mapping[str, tuple[int | None, ...]]
WHOLE = "labels"
OPSET, IR_VERSION = 18, 10

_Array = NDArray[np.float32] | NDArray[np.int64]


def dtype_of(output: str) -> type[np.float32] | type[np.int64]:
    """The type of that output's numbers."""
    return np.int64 if output == WHOLE else np.float32


def echo(data: NDArray[np.float32], outputs: Shapes) -> dict[str, _Array]:
    """What the graph gives for this input. Where a side depends on the data, the first number is that side, and is not dealt out."""
    flat = data.ravel()
    result: dict[str, _Array] = {}
    at = 1 if _is_open(outputs) else 0
    for name, shape in outputs.items():
        sides = tuple(int(flat[0]) if side is None else side for side in shape)
        size = math.prod(sides)
        numbers = flat[at : at + size].reshape(sides)
        result[name] = numbers.astype(np.int64) if name == WHOLE else numbers.copy()
        at += size
    return result


def copying_graph(input_shape: tuple[int, ...], outputs: Shapes) -> bytes:
    """The ONNX file."""
    constants: dict[str, list[int]] = {}
    nodes = _open_nodes(outputs, constants) if _is_open(outputs) else _closed_nodes(outputs, constants)
    types = {np.float32: TensorProto.FLOAT, np.int64: TensorProto.INT64}
    graph = helper.make_graph(
        nodes,
        "copy",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info(n, types[dtype_of(n)], s) for n, s in outputs.items()],
        [helper.make_tensor(n, TensorProto.INT64, [len(v)], v) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _is_open(outputs: Shapes) -> bool:
    return any(None in shape for shape in outputs.values())


def _closed_nodes(outputs: Shapes, constants: dict[str, list[int]]) -> list[NodeProto]:
    parts = [f"{name}_flat" for name in outputs]
    shapes = {name: [side for side in shape if side is not None] for name, shape in outputs.items()}
    constants |= {"sizes": [math.prod(shape) for shape in shapes.values()]}
    constants |= {f"{name}_shape": shape for name, shape in shapes.items()}
    return [
        helper.make_node("Flatten", ["input"], ["flat"], axis=1),
        helper.make_node("Split", ["flat", "sizes"], parts, axis=1),
        *(
            helper.make_node("Reshape", [part, f"{name}_shape"], [name])
            for part, name in zip(parts, outputs, strict=True)
        ),
    ]


def _open_nodes(outputs: Shapes, constants: dict[str, list[int]]) -> list[NodeProto]:
    """Slices from where the last one ended; the first of the input's numbers says how many rows each has."""
    constants |= {"all": [-1], "zero": [0], "one": [1]}
    nodes = [
        helper.make_node("Reshape", ["input", "all"], ["flat"]),
        helper.make_node("Slice", ["flat", "zero", "one"], ["first"]),
        helper.make_node("Cast", ["first"], ["count"], to=TensorProto.INT64),
    ]
    begin = "one"
    for name, shape in outputs.items():
        rest = [side for side in shape if side is not None]
        constants |= {f"{name}_row": [math.prod(rest)], f"{name}_shape": [-1, *rest]}
        nodes += [
            helper.make_node("Mul", ["count", f"{name}_row"], [f"{name}_size"]),
            helper.make_node("Add", [begin, f"{name}_size"], [f"{name}_end"]),
            helper.make_node("Slice", ["flat", begin, f"{name}_end"], [f"{name}_flat"]),
        ]
        if name == WHOLE:
            nodes += [helper.make_node("Cast", [f"{name}_flat"], [f"{name}_whole"], to=TensorProto.INT64)]
        source = f"{name}_whole" if name == WHOLE else f"{name}_flat"
        nodes += [helper.make_node("Reshape", [source, f"{name}_shape"], [name])]
        begin = f"{name}_end"
    return nodes
