"""One-node ONNX models, made from the operator schemas: the questions that the operator tables put to onnxruntime-web.

The schemas are those of the installed onnxruntime, which is the same release as the pinned onnxruntime-web (the tables are not
made otherwise). They say what a node's inputs, types and attributes must be; what they cannot say is in scripts/operator_values.py.
Inputs are graph inputs, so that nothing is folded away, and have no shape where an operator does not need one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnxruntime.capi.onnxruntime_pybind11_state as runtime
from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

from scripts.operator_values import ALSO_GIVEN, ALSO_SET, ATTRIBUTES, IMAGE, IMAGE_OPERATORS, TYPE_ATTRIBUTES, TYPES

# onnxruntime's bindings have no type stubs: these are runtime.schemadef.OpSchema and its FormalParameter.
Schema = Any
Parameter = Any
Option = runtime.schemadef.OpSchema.FormalParameterOption
AttributeType = runtime.schemadef.OpSchema.AttrType

DOMAINS = ("", "com.microsoft")

# A model below this IR version is one that the oldest operators of the tables were written in.
_IR_VERSION = 8
_MOST_COMBINATIONS = 600

# Of the opsets for which an answer holds, the newest up to this one is asked for: with a newer one WebGPU has no kernel for the
# Transpose nodes that it puts around images itself, which would be taken for a fault of the operator in question.
_USUAL_OPSET = 21


@dataclass(frozen=True)
class Probe:
    """One question: does this operator, as first defined in `since_version`, run with these element types?

    types: one for each of the schema's type constraints, by the first place that it binds: "i0" is the first input, "o0" the first
    output of the node.
    """

    operator: str
    since_version: int
    types: tuple[tuple[str, str], ...]
    model: ModelProto


def probes(opsets: range, types: Mapping[str, int] = TYPES) -> Iterator[Probe]:
    """Every probe for the operators of `opsets` (of ai.onnx; other domains have one version), ordered by name and version."""
    schemas = [s for s in runtime.get_all_operator_schema() if s.domain in DOMAINS]
    schemas.sort(key=lambda s: (s.domain, s.name, s.since_version))
    for (domain, name), versions in itertools.groupby(schemas, key=lambda s: (s.domain, s.name)):
        history = list(versions)
        for schema, successor in itertools.zip_longest(history, history[1:]):
            newest = opsets[-1] if successor is None else successor.since_version - 1
            if schema.deprecated:
                continue
            if domain:
                yield from _probes_of(schema, f"{domain}:{name}", _USUAL_OPSET, types)
            elif newest >= opsets[0] and schema.since_version <= opsets[-1]:
                yield from _probes_of(schema, name, min(newest, max(_USUAL_OPSET, schema.since_version)), types)


def limit_probes() -> tuple[dict[int, ModelProto], dict[int, ModelProto]]:
    """One node with every opset that there may be, and with every IR version."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "probe", [value], [result])

    def model(opset: int, ir_version: int) -> ModelProto:
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)

    return {n: model(n, _IR_VERSION) for n in range(7, 41)}, {n: model(_USUAL_OPSET, n) for n in range(3, 31)}


def _probes_of(schema: Schema, operator: str, opset: int, types: Mapping[str, int]) -> Iterator[Probe]:
    """One probe for each combination of element types that the schema allows to what the node is given and makes."""
    inputs, outputs = _given_inputs(schema), _made_outputs(schema)
    bound = list(dict.fromkeys(p.typeStr for p in (*inputs, *outputs) if p is not None and "(" not in p.typeStr))
    allowed = {c.type_param_str: set(c.allowed_type_strs) for c in schema.type_constraints}
    choices = [[t for t in types if f"tensor({t})" in allowed[name]] for name in bound]
    attributes = _attributes(schema)
    if attributes is None or math.prod(map(len, choices)) > _MOST_COMBINATIONS:
        return
    places = [_first_place(name, inputs, outputs) for name in bound]
    for combination in itertools.product(*choices):
        chosen = dict(zip(bound, combination, strict=True))
        model = _model(schema, opset, inputs, outputs, attributes, chosen)
        yield Probe(operator, schema.since_version, tuple(zip(places, combination, strict=True)), model)


def _first_place(constraint: str, inputs: Sequence[Parameter | None], outputs: Sequence[Parameter]) -> str:
    places = [f"i{n}" for n, p in enumerate(inputs) if p is not None and p.typeStr == constraint]
    return (places + [f"o{n}" for n, p in enumerate(outputs) if p.typeStr == constraint])[0]


def _given_inputs(schema: Schema) -> list[Parameter | None]:
    """The inputs of the probe's node in their places, None where one is left out; two where there may be any number."""
    given: list[Parameter | None] = []
    for place, parameter in enumerate(schema.inputs):
        optional = parameter.option == Option.Optional and place not in ALSO_GIVEN.get(schema.name, ())
        given.append(None if optional else parameter)
        if parameter.option == Option.Variadic and schema.name not in ("Loop", "Scan"):
            given.append(parameter)
    while given and given[-1] is None:
        given.pop()
    return given


def _made_outputs(schema: Schema) -> list[Parameter]:
    return list(schema.outputs[: max(1, schema.min_output)])


def _attributes(schema: Schema) -> dict[str, Any] | None:
    """Values for the attributes that must be there, or None where this file knows none."""
    values: dict[str, Any] = dict(ALSO_SET.get(schema.name, {}))
    for name, attribute in schema.attributes.items():
        if not attribute.required or attribute.type == AttributeType.GRAPH or name in TYPE_ATTRIBUTES:
            continue
        value = ATTRIBUTES.get(f"{schema.name}.{name}", ATTRIBUTES.get(name))
        if value is None:
            return None
        values[name] = value
    return values


def _model(
    schema: Schema,
    opset: int,
    inputs: Sequence[Parameter | None],
    outputs: Sequence[Parameter],
    attributes: Mapping[str, Any],
    chosen: Mapping[str, str],
) -> ModelProto:
    names = [f"i{place}" if parameter is not None else "" for place, parameter in enumerate(inputs)]
    given = [
        _value(f"i{place}", parameter, chosen, IMAGE if place == 0 and schema.name in IMAGE_OPERATORS else None)
        for place, parameter in enumerate(inputs)
        if parameter is not None
    ]
    made = [_value(f"o{place}", parameter, chosen, None) for place, parameter in enumerate(outputs)]
    node = helper.make_node(
        schema.name, names, [value.name for value in made], "probe", domain=schema.domain, **attributes
    )
    for name, attribute in schema.attributes.items():
        if attribute.type == AttributeType.GRAPH and attribute.required:
            node.attribute.append(helper.make_attribute(name, _body(schema.name, given, made[0])))
        elif name in TYPE_ATTRIBUTES:
            node.attribute.append(helper.make_attribute(name, made[0].type.tensor_type.elem_type))
    if schema.name == "ConstantOfShape":
        node.attribute.append(helper.make_attribute("value", _one(made[0].type.tensor_type.elem_type)))
    if schema.name == "If":
        given.append(_value("outside", outputs[0], chosen, None))
    imports = [helper.make_opsetid("", opset)]
    if schema.domain:
        imports.append(helper.make_opsetid(schema.domain, schema.since_version))
    graph = helper.make_graph([node], "probe", given, made)
    return helper.make_model(graph, opset_imports=imports, ir_version=_IR_VERSION)


def _value(name: str, parameter: Parameter, chosen: Mapping[str, str], shape: Sequence[str] | None) -> ValueInfoProto:
    kind = chosen.get(parameter.typeStr) or parameter.typeStr.removeprefix("tensor(").removesuffix(")")
    element = TYPES.get(kind, TensorProto.UNDEFINED)
    return helper.make_tensor_value_info(name, element, shape)


def _body(operator: str, given: Sequence[ValueInfoProto], made: ValueInfoProto) -> GraphProto:
    """A subgraph that hands on what it gets: If's branches a value from outside of them, Loop's and Scan's bodies their state."""
    state = ValueInfoProto()
    state.CopyFrom(made)
    state.name = "state"
    if operator == "If":
        return helper.make_graph([helper.make_node("Identity", ["outside"], ["state"])], "body", [], [state])
    before = ValueInfoProto()
    before.CopyFrom(given[-1])
    before.name = "before"
    hand_on = helper.make_node("Identity", ["before"], ["state"])
    if operator == "Scan":
        return helper.make_graph([hand_on], "body", [before], [state])
    counter = helper.make_tensor_value_info("counter", TensorProto.INT64, [])
    goes_on = helper.make_tensor_value_info("goes_on", TensorProto.BOOL, [])
    still = helper.make_tensor_value_info("still", TensorProto.BOOL, [])
    nodes = [helper.make_node("Identity", ["goes_on"], ["still"]), hand_on]
    return helper.make_graph(nodes, "body", [counter, goes_on, before], [still, state])


def _one(element: int) -> TensorProto:
    return helper.make_tensor("value", element, [1], [1])
