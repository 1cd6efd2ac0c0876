"""A user's ONNX graph: what it takes and gives, and whether the zoo can hold it. Each refusal is one clear message. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto
from onnx.inliner import inline_local_functions

from builder.errors import ZooError
from builder.onnx_facts import graphs, operator_name, static_shape, tensors
from builder.records import InputEntry, OutputEntry, TensorType
from builder.simplify import MAX_IR_VERSION, OPSETS

MAX_OPSET = 26  # the newest ai.onnx that onnxruntime 1.30.0 reads; a test holds it to that
_OLDEST_IR_WITH_OPSET_17 = 8
_RESERVED_NAME = "__metadata__"
_TYPES: dict[int, TensorType] = {TensorProto.FLOAT: "float32", TensorProto.INT64: "int64"}


def prepared(model: ModelProto, dimensions: Mapping[str, int]) -> ModelProto:
    """The model as the later stages take it: ai.onnx alone, an opset that runs in browsers, one float32 input of fixed shape.

    `dimensions` gives sizes to symbolic dimensions by name. Raises ZooError for what cannot be brought there.
    """
    _check_versions(model)
    model = _inlined(model)
    _check_domains(model)
    _check_rules(model)
    _only_ai_onnx(model)
    _without_defaults(model)
    _fix(model, dimensions)
    return _in_opset(model)


def _inlined(model: ModelProto) -> ModelProto:
    """The model with its local functions put in where they are called."""
    try:
        inlined: ModelProto = inline_local_functions(model)
    except Exception as error:  # onnx's C++ raises ValidationError for a recursion, and RuntimeError besides
        raise ZooError(
            "the file's local functions cannot be put in where they are called",
            got=_first_line(error),
            expected="functions that are all in the file and do not call themselves",
            next_step="export the model without local functions",
        ) from error
    return inlined


def _first_line(error: Exception) -> str:
    return next((line.strip()[:200] for line in str(error).splitlines() if line.strip()), type(error).__name__)


def input_of(model: ModelProto) -> InputEntry:
    """The one input of a prepared model, as no image yet."""
    (value,) = model.graph.input
    shape = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
    return InputEntry(name=value.name, shape=shape, dtype="float32", preprocessing=None)


def outputs_of(model: ModelProto, observed: Mapping[str, tuple[int, ...]]) -> tuple[OutputEntry, ...]:
    """The outputs with their shapes; None for a dimension that no inference tells. `observed` are shapes of one run by name."""
    entries = []
    for value in model.graph.output:
        seen = observed[value.name]
        stated = static_shape(value)
        shape = (None,) * len(seen) if stated is None else stated
        if len(shape) != len(seen) or any(s not in (None, side) for s, side in zip(shape, seen, strict=True)):
            raise ZooError(
                f"the output {value.name} has another shape than the file states",
                got=f"{seen} when it ran",
                expected=str(shape),
                next_step="export the model again with correct shapes",
            )
        # A dimension of 0 says nothing of the next run either.
        entries.append(OutputEntry(name=value.name, shape=tuple(s or None for s in shape), dtype=_type(value)))
    return tuple(entries)


def computes_in_half(model: ModelProto) -> bool:
    """Whether anything inside is float16, so that results hang on where a runtime rounds."""
    cast = any(
        node.op_type == "Cast" and any(a.name == "to" and a.i == TensorProto.FLOAT16 for a in node.attribute)
        for graph in graphs(model.graph)
        for node in graph.node
    )
    return cast or any(tensor.data_type == TensorProto.FLOAT16 for tensor in tensors(model))


def _check_versions(model: ModelProto) -> None:
    opset = _opset(model)
    if model.ir_version > MAX_IR_VERSION or opset > MAX_OPSET:
        raise ZooError(
            "the file is newer than the runtime reads",
            got=f"IR version {model.ir_version}, opset {opset}",
            expected=f"IR version up to {MAX_IR_VERSION} and opset up to {MAX_OPSET}",
            next_step="export it again at opset 18",
        )


def _opset(model: ModelProto) -> int:
    return max((o.version for o in model.opset_import if o.domain in {"", "ai.onnx"}), default=0)


def _check_domains(model: ModelProto) -> None:
    nodes = [node for graph in graphs(model.graph) for node in graph.node]
    foreign = Counter(operator_name(node) for node in nodes if node.domain not in {"", "ai.onnx"})
    if foreign:
        raise ZooError(
            "the file has operators outside ai.onnx, which not every backend in a browser knows",
            got=", ".join(f"{count} x {name}" for name, count in sorted(foreign.items())),
            expected="operators of ai.onnx only",
            next_step="export the model with standard operators; a file that onnxruntime itself has optimised has some of its own",
        )


def _check_rules(model: ModelProto) -> None:
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ZooError(
            "the file breaks ONNX's rules",
            got=_first_line(error),
            expected="a model that onnx.checker passes",
            next_step="export it again",
        ) from error


def _only_ai_onnx(model: ModelProto) -> None:
    """Drop operator sets that are declared and not used, as exporters leave them."""
    version = _opset(model)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", version))


def _without_defaults(model: ModelProto) -> None:
    """Before IR version 4 every initializer was an input with a default; nobody is meant to feed them."""
    initializers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initializers]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, _OLDEST_IR_WITH_OPSET_17)
    if len(inputs) != 1:
        raise ZooError(
            "the model must have one input",
            got=", ".join(f"{v.name}: {_described(v)}" for v in inputs) or "none",
            expected="one float32 tensor",
            next_step="export it with the others fixed inside, as constants",
        )
    if inputs[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise ZooError(
            f"the input {inputs[0].name} has another type",
            got=_described(inputs[0]),
            expected="float32 (weights inside may be float16)",
            next_step="export the model with a float32 input and a Cast after it",
        )
    for value in (*inputs, *model.graph.output):
        if value.name == _RESERVED_NAME:
            raise ZooError(
                f"no input or output can be called {_RESERVED_NAME}",
                got=f"an {'input' if value is inputs[0] else 'output'} of that name",
                expected="another name: in safetensors files, which keep the references, it has a meaning of its own",
                next_step="rename it and export the model again",
            )
    for value in model.graph.output:
        _type(value)
        if value.name == inputs[0].name:
            raise ZooError(
                f"the output {value.name} is the input itself",
                got="the same name for both",
                expected="outputs that are computed",
                next_step="remove that output",
            )


def _type(value: ValueInfoProto) -> TensorType:
    kind = _TYPES.get(value.type.tensor_type.elem_type)
    if kind is None:
        raise ZooError(
            f"the output {value.name} has another type",
            got=_described(value),
            expected="float32 or int64",
            next_step="export the model with a Cast before that output",
        )
    return kind


def _described(value: ValueInfoProto) -> str:
    """The value's type and shape in words."""
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return f"a {(kind or 'value').removesuffix('_type')}, no tensor"
    names: dict[int, str] = {
        TensorProto.FLOAT: "float32",
        TensorProto.DOUBLE: "float64",
        TensorProto.UNDEFINED: "no type",
    }
    code = value.type.tensor_type.elem_type
    name = names.get(code) or TensorProto.DataType.Name(code).lower()
    dimensions = (
        d.dim_param or (str(d.dim_value) if d.dim_value > 0 else "?") for d in value.type.tensor_type.shape.dim
    )
    return f"{name} ({', '.join(dimensions)})"


def _fix(model: ModelProto, dimensions: Mapping[str, int]) -> None:
    """Give the symbolic dimensions their sizes, wherever their names stand. One without a name is called axis0, axis1, ..."""
    (value,) = model.graph.input
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise ZooError(
            f"the input {value.name} has no shape",
            got="not even the number of its dimensions",
            expected="a shape, of which some dimensions may be symbolic",
            next_step="export the model with the shape of its input",
        )
    open_ones = {dim.dim_param or f"axis{axis}": dim for axis, dim in enumerate(tensor.shape.dim) if dim.dim_value <= 0}
    wrong = [name for name in dimensions if name not in open_ones]
    missing = [name for name in open_ones if name not in dimensions]
    if wrong or missing:
        raise ZooError(
            f"the input {value.name} has dimensions without a size"
            if missing
            else f"the input {value.name} has no such dimension",
            got=_described(value) + (f", and --dim {' --dim '.join(wrong)}" if wrong else ""),
            expected=f"sizes for {', '.join(open_ones)}" if open_ones else "no --dim: every dimension has its size",
            next_step=("add " + " ".join(f"--dim {name}=1" for name in missing) + " with the sizes that you want")
            if missing
            else "leave that --dim out",
        )
    for name, dim in open_ones.items():
        dim.dim_value = dimensions[name]
    for graph in graphs(model.graph):
        for other in (*graph.input, *graph.value_info, *graph.output):
            for dim in other.type.tensor_type.shape.dim:
                if dim.dim_param in dimensions:
                    dim.dim_value = dimensions[dim.dim_param]


def _in_opset(model: ModelProto) -> ModelProto:
    """The model in an opset that browsers run. Whether the conversion is right shows when it is compared with the file given."""
    opset = _opset(model)
    if opset in OPSETS:
        return model
    target = min(OPSETS) if opset < min(OPSETS) else max(OPSETS)
    try:
        converted: ModelProto = onnx.version_converter.convert_version(model, target)
    except Exception as error:  # the converter's C++ raises RuntimeError and others besides
        raise ZooError(
            f"opset {opset} cannot be converted to {target}",
            got=_first_line(error),
            expected=f"opset {min(OPSETS)} to {max(OPSETS)}, or a model that ONNX's version converter brings there",
            next_step="export it again at opset 18",
        ) from error
    converted.ir_version = max(converted.ir_version, _OLDEST_IR_WITH_OPSET_17)
    return converted
