"""What an ONNX model consists of: its operators, its numbers, its tensors' shapes. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

Shape = tuple[int | None, ...]  # None is a dimension that is not known before the model runs

_FLOATING = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
# Shape inference reads the values of small constants only (what to reshape to, where to slice).
_SMALL = 1024


def operators(model: ModelProto) -> dict[str, int]:
    """How many nodes there are of each operator, subgraphs included: "Conv", or "com.example:Op" outside ai.onnx; sorted."""
    counts = Counter(operator_name(node) for graph in graphs(model.graph) for node in graph.node)
    return dict(sorted(counts.items()))


def operator_name(node: NodeProto) -> str:
    """ "Conv", or "com.example:Op" outside ai.onnx."""
    return node.op_type if node.domain in {"", "ai.onnx"} else f"{node.domain}:{node.op_type}"


def parameters(model: ModelProto) -> int:
    """How many floating-point numbers the model stores as initializers and constants, subgraphs included.

    That is the learnable parameters and, where they are not folded into convolutions, the statistics of batch normalisations.
    """
    return sum(int(np.prod(t.dims)) for t in tensors(model) if t.data_type in _FLOATING and len(t.dims) > 0)


def graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """The graph and all graphs inside its nodes."""
    yield graph
    for node in graph.node:
        for inner in subgraphs(node):
            yield from graphs(inner)


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs that the node holds: the branches of an If, the body of a Loop or Scan."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs


def tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every tensor that the model stores: initializers and the tensors of Constant nodes."""
    for graph in graphs(model.graph):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.type == AttributeProto.TENSOR:
                    yield attribute.t
                elif attribute.type == AttributeProto.TENSORS:
                    yield from attribute.tensors


def static_shape(value: ValueInfoProto) -> Shape | None:
    """The shape that the model states for a value; None where it does not even state how many dimensions there are."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None for d in tensor.shape.dim)


def shapes(model: ModelProto) -> dict[str, Shape]:
    """Shapes by tensor name, as far as ONNX's shape inference knows them, those of subgraphs included."""
    inferred = onnx.shape_inference.infer_shapes(_without_great_tensors(model), data_prop=True)
    known: dict[str, Shape] = {}
    for graph in graphs(inferred.graph):
        for value in (*graph.input, *graph.value_info, *graph.output):
            shape = static_shape(value)
            if shape is not None:
                known[value.name] = shape
        known |= {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    return known


def _without_great_tensors(model: ModelProto) -> ModelProto:
    """A copy in which great initializers of the main graph are inputs, so that hundreds of megabytes are not copied about."""
    light = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions)
    graph = model.graph
    given = {value.name for value in graph.input}
    light.graph.CopyFrom(
        GraphProto(
            name=graph.name or "main",
            node=graph.node,
            input=graph.input,
            output=graph.output,
            sparse_initializer=graph.sparse_initializer,
        )
    )
    for tensor in graph.initializer:
        if np.prod(tensor.dims) <= _SMALL:
            light.graph.initializer.add().CopyFrom(tensor)
        elif tensor.name not in given:
            light.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return light
