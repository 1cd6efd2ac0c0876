"""WebGL and WebNN: what their published documents say of a node, and for WebGL what became of the operator when it was run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onnx import defs, helper

from builder import operator_tables
from builder.support_graph import Node, Scope

UNKNOWN = "not known to run"


def webgl_stop(scope: Scope, node: Node) -> str | None:
    """Why WebGL does not run a node, or None where it does."""
    if node.operator == "Constant":
        return None  # read as an initialiser
    row = operator_tables.documented("webgl").get(node.operator)
    if row is None:
        return "WebGL does not have it"
    if node.opset is None or not row.holds_for(node.opset):
        return f"WebGL does not have it at opset {node.opset}"
    schema = defs.get_schema(node.operator, node.opset, "")
    wanted = "float" if "tensor(float)" in schema.inputs[0].types else "bool"
    if any(name and name not in scope.constants and scope.value(name).element != wanted for name in node.inputs):
        return f"{UNKNOWN}: WebGL was only tried with {wanted} values"
    return _tried(row.tried or {}, schema.since_version, _with_defaults(schema, node))


def webnn_runs(scope: Scope, node: Node) -> bool:
    """Whether WebNN takes a node, as far as its document says: the operator, the rank, the constants; and it wants all sizes known."""
    row = operator_tables.documented("webnn").get(node.operator)
    if row is None or node.opset is None or not row.holds_for(node.opset):
        return False
    shapes = [scope.value(name).shape for name in node.inputs if name]
    if any(shape is None or None in shape for shape in shapes):
        return False
    if row.ranks and len(shapes[0] or ()) not in row.ranks:
        return False
    return all(
        node.inputs[i] in scope.constants for i in row.constant_inputs if i < len(node.inputs) and node.inputs[i]
    )


def _tried(tried: Mapping[str, str | None], version: int, attributes: Mapping[str, Any]) -> str | None:
    """The forms of the operator that this node has decide; where none of those that were tried fits, the plain form does."""
    forms = {form: message for key, message in tried.items() if (form := key.removeprefix(f"{version} ")) != key}
    fitting = [message for form, message in forms.items() if _fits(form, attributes)]
    if not fitting:
        if str(version) not in tried:
            return f"{UNKNOWN}: WebGL was not tried with it as defined in opset {version}"
        fitting = [tried[str(version)]]
    return next((f"WebGL: {message}" for message in fitting if message is not None), None)


def _fits(form: str, attributes: Mapping[str, Any]) -> bool:
    """Whether a node's attributes are of a form: "mode=linear", or "dilations>1" for a list of other than ones."""
    name, equals, wanted = form.partition("=")
    if equals:
        return str(attributes.get(name)) == wanted
    values = attributes.get(name.removesuffix(">1"))
    return values is not None and any(value != 1 for value in values)


def _with_defaults(schema: defs.OpSchema, node: Node) -> dict[str, Any]:
    defaults = {
        name: helper.get_attribute_value(attribute.default_value)
        for name, attribute in schema.attributes.items()
        if attribute.default_value.name
    }
    values = defaults | node.attributes
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}
