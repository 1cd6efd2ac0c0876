"""Small ONNX models as users might bring them, good and bad."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Shape = Sequence[int | str | None]
Values = dict[str, Any]


def model(
    nodes: list[NodeProto],
    *,
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    constants: Values | None = None,
    opset: int = 18,
    ir_version: int = 10,
    types: dict[str, int] | None = None,
) -> ModelProto:
    """A model of those nodes; inputs and outputs are float32 unless `types` says otherwise."""
    kinds = types or {}

    def values(shapes: dict[str, Shape]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), s) for n, s in shapes.items()]

    initializers = [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()]
    graph = helper.make_graph(nodes, "main", values(inputs), values(outputs), initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def classifier(
    classes: int = 7, side: int = 16, *, batch: int | str = 1, opset: int = 18, ir_version: int = 10
) -> ModelProto:
    """A convolution, a mean over the image, and a matrix product to the logits."""
    random = np.random.default_rng(3)
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "matrix", "bias"], ["scores"]),
    ]
    return model(
        nodes,
        inputs={"image": (batch, 3, side, side)},
        outputs={"scores": (batch, classes)},
        constants={
            "kernel": random.standard_normal((8, 3, 3, 3), dtype=np.float32),
            "matrix": random.standard_normal((8, classes), dtype=np.float32),
            "bias": random.standard_normal(classes, dtype=np.float32),
        },
        opset=opset,
        ir_version=ir_version,
    )


def single(operator: str, *, shape: Shape = (1, 8), out: Shape | None = None, **attributes: Any) -> ModelProto:
    """One node from the input "x" to the output "y"."""
    node = helper.make_node(operator, ["x"], ["y"], **attributes)
    return model([node], inputs={"x": shape}, outputs={"y": out or shape})


def saved(value: ModelProto, path: Path, **options: Any) -> Path:
    """The path that the model was written to."""
    onnx.save(value, path, **options)
    return path
