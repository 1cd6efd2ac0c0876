"""A model as the runtime sees it before it places nodes: constants folded, element types known, bodies beside their parents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
    helper,
    inliner,
    shape_inference,
)

_SMALL = 1024  # elements of a constant whose value may matter to the shapes of what follows
_OVERRIDABLE_IR = 4  # from this IR version on, an initialiser that is an input too can be given anew for each inference
_RANDOM = frozenset(
    ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
)
# onnxruntime leaves these where they are, even if all that they take is constant: it wants to fuse them with their consumers.
_NOT_FOLDED = _RANDOM | {"DequantizeLinear"}
_HANDS_ON = frozenset(("Identity", "Dropout"))


@dataclass(frozen=True)
class Value:
    """What is known of one value. element: "float", "int64" and so on, None where unknown; shape: None where even the rank is unknown."""

    element: str | None
    shape: tuple[int | None, ...] | None

    @property
    def elements(self) -> int | None:
        """How many numbers it holds, None where that is not known."""
        if self.shape is None or None in self.shape:
            return None
        return math.prod(size for size in self.shape if size is not None)


UNKNOWN = Value(None, None)


@dataclass(frozen=True)
class Node:
    """One node. operator: "Conv", or "com.example:MyOp" outside ai.onnx; opset: of its domain, None where the model imports none.

    inputs: names of values, seen through nodes that only hand on what they are given; empty where an optional input is left out.
    """

    operator: str
    opset: int | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    proto: NodeProto

    @property
    def attributes(self) -> dict[str, Any]:
        """The values of the attributes that are set."""
        return {attribute.name: helper.get_attribute_value(attribute) for attribute in self.proto.attribute}


@dataclass(frozen=True)
class Scope:
    """One graph: the model's own, or a body of If, Loop and their like.

    nodes: without those that onnxruntime computes beforehand (they are in `folded`) and those that only hand on what they are given.
    values: of this graph and of all around it. constants: the names of values that are known before anything runs. inputs: the
    names of values that are given anew for each inference.
    """

    nodes: tuple[Node, ...]
    folded: tuple[Node, ...]
    values: Mapping[str, Value]
    constants: frozenset[str]
    inputs: frozenset[str]

    def value(self, name: str) -> Value:
        """What is known of a value."""
        return self.values.get(name, UNKNOWN)


def scopes(model: ModelProto) -> list[Scope]:
    """The model's graph and then every body, outermost first. Types and shapes that cannot be inferred are unknown."""
    large: set[str] = set()
    plain = ModelProto(ir_version=max(model.ir_version, _OVERRIDABLE_IR))
    plain.opset_import.extend(model.opset_import)
    plain.functions.extend(model.functions)
    _copy_without_large(model.graph, plain.graph, large, inputs_are_constant=model.ir_version < _OVERRIDABLE_IR)
    if plain.functions:
        plain = inliner.inline_local_functions(plain)
    opsets = {opset.domain or "ai.onnx": opset.version for opset in plain.opset_import}
    used = {node.domain for graph in _graphs(plain.graph) for node in graph.node}
    missing = sorted(domain for domain in used if (domain or "ai.onnx") not in opsets)
    plain.opset_import.extend(
        helper.make_opsetid(domain, 1) for domain in missing
    )  # without, nothing would be inferred
    inferred = shape_inference.infer_shapes(plain, data_prop=True)
    return list(_scopes_of(inferred.graph, opsets, {}, frozenset(large), {}))


def external_tensors(model: ModelProto) -> int:
    """How many tensors keep their values in another file."""
    return sum(
        tensor.data_location == TensorProto.EXTERNAL for graph in _graphs(model.graph) for tensor in _tensors(graph)
    )


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for body in _bodies(node):
            yield from _graphs(body)


def _bodies(node: NodeProto) -> Iterator[GraphProto]:
    yield from (attribute.g for attribute in node.attribute if attribute.type == AttributeProto.GRAPH)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    yield from (a.t for node in graph.node for a in node.attribute if a.type == AttributeProto.TENSOR)


def _copy_without_large(graph: GraphProto, copy: GraphProto, large: set[str], *, inputs_are_constant: bool) -> None:
    """Copy a graph with its large initialisers as mere declarations, and add their names to `large`.

    So inferring shapes takes neither the time nor the memory of the weights.
    """
    initialized = {tensor.name for tensor in graph.initializer}
    copy.name = graph.name or "graph"
    copy.input.extend(v for v in graph.input if not (inputs_are_constant and v.name in initialized))
    copy.output.extend(graph.output)
    copy.value_info.extend(graph.value_info)
    given = {value.name for value in copy.input}
    for tensor in graph.initializer:
        if math.prod(tensor.dims) <= _SMALL and tensor.data_location != TensorProto.EXTERNAL:
            copy.initializer.append(tensor)
        elif tensor.name not in given:
            copy.value_info.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
            large.add(tensor.name)
    for node in graph.node:
        added = copy.node.add(op_type=node.op_type, domain=node.domain, name=node.name)
        added.input.extend(node.input)
        added.output.extend(node.output)
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                body = added.attribute.add(name=attribute.name, type=AttributeProto.GRAPH)
                _copy_without_large(attribute.g, body.g, large, inputs_are_constant=inputs_are_constant)
            else:
                added.attribute.append(attribute)


def _scopes_of(
    graph: GraphProto,
    opsets: Mapping[str, int],
    around: Mapping[str, Value],
    constants: frozenset[str],
    aliases_around: Mapping[str, str],
) -> Iterator[Scope]:
    values = dict(around)
    for declared in (*graph.input, *graph.value_info, *graph.output):
        values[declared.name] = _value(declared.type)
    for tensor in graph.initializer:
        values[tensor.name] = Value(_element(tensor.data_type), tuple(tensor.dims))
    inputs = frozenset(value.name for value in graph.input)
    constants |= {tensor.name for tensor in graph.initializer} - inputs
    kept: list[Node] = []
    folded: list[Node] = []
    results = {value.name for value in graph.output}
    aliases = dict(aliases_around)
    for proto in graph.node:
        taken = tuple(aliases.get(name, name) for name in proto.input)
        node = Node(_operator(proto), opsets.get(proto.domain or "ai.onnx"), taken, tuple(proto.output), proto)
        if _is_folded(proto, taken, constants, values):
            constants |= {name for name in proto.output if name}
            folded.append(node)
        elif _only_hands_on(proto, results):
            aliases[proto.output[0]] = taken[0]
        else:
            kept.append(node)
    yield Scope(tuple(kept), tuple(folded), values, constants, inputs)
    for node in kept:
        for body in _bodies(node.proto):
            yield from _scopes_of(body, opsets, values, constants, aliases)


def _is_folded(node: NodeProto, taken: tuple[str, ...], constants: frozenset[str], values: Mapping[str, Value]) -> bool:
    """Whether onnxruntime computes this node once, before it places anything."""
    if node.domain not in ("", "ai.onnx") or node.op_type in _NOT_FOLDED or any(_bodies(node)):
        return False
    if node.op_type == "Shape":
        return values.get(taken[0], UNKNOWN).elements is not None
    return all(name in constants for name in taken if name)


def _only_hands_on(node: NodeProto, results: set[str]) -> bool:
    """Whether onnxruntime takes the node out: not where it makes an output of the graph."""
    return node.op_type in _HANDS_ON and not node.domain and len(node.output) == 1 and node.output[0] not in results


def _operator(node: NodeProto) -> str:
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}:{node.op_type}"


def _value(declared: TypeProto) -> Value:
    if not declared.HasField("tensor_type"):
        return UNKNOWN
    tensor = declared.tensor_type
    if not tensor.HasField("shape"):
        return Value(_element(tensor.elem_type), None)
    return Value(
        _element(tensor.elem_type), tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    )


def _element(data_type: int) -> str | None:
    """The name that onnx's operator schemas give to an element type."""
    return None if data_type == TensorProto.UNDEFINED else TensorProto.DataType.Name(data_type).lower()
