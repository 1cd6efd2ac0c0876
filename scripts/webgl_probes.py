"""Small networks of one operator with values in them: WebGL refuses most of what it cannot do only when it runs, so it is run.

The operators are those of the package's own document. Each is asked for in each of its versions with float32 values, and what
comes out is compared with the installed onnxruntime, the same release.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as runtime
from onnx import ModelProto, TensorProto, defs, helper, numpy_helper
from onnx.defs import OpSchema

from scripts.operator_runners import Tensor, run_in_webgl

# What onnxruntime raises for a model that it refuses.
_REFUSALS = (
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.NotImplemented,
    runtime.RuntimeException,
)
_IR_VERSION = 8
_SEED = 5
_TOLERANCE = 1e-3  # of values around 1; WebGL computes in float32, or in float16 where a device has no float textures
_IMAGE = (1, 4, 6, 6)

# Shapes of the data that an operator is given, where they are not one image each.
_SHAPES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "Gemm": ((2, 4), (4, 3)),
    "MatMul": ((2, 4), (4, 3)),
    "Tile": ((2, 4),),
    "Transpose": ((2, 3, 4),),
}
# Values of what an operator takes beside its data: an initialiser where this version of it has an input of that name, else an attribute.
_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "AveragePool": {"kernel_shape": [2, 2], "strides": [2, 2]},
    "BatchNormalization": {
        n: np.linspace(0.5, 1.5, 4, dtype=np.float32) for n in ("scale", "B", "input_mean", "input_var", "mean", "var")
    },
    "Cast": {"to": TensorProto.FLOAT},
    "Clip": {"min": np.float32(-0.5), "max": np.float32(0.5)},
    "Concat": {"axis": 1},
    "Conv": {
        "W": np.linspace(-1, 1, 144, dtype=np.float32).reshape(4, 4, 3, 3),
        "B": np.ones(4, np.float32),
        "pads": [1, 1, 1, 1],
    },
    "ConvTranspose": {"W": np.linspace(-1, 1, 64, dtype=np.float32).reshape(4, 4, 2, 2), "strides": [2, 2]},
    "DepthToSpace": {"blocksize": 2},
    "Gemm": {"C": np.linspace(-1, 1, 3, dtype=np.float32)},
    "Gather": {"indices": np.array([2, 0], np.int64), "axis": 1},
    "InstanceNormalization": {"scale": np.ones(4, np.float32), "B": np.ones(4, np.float32)},
    "LRN": {"size": 3},
    "MaxPool": {"kernel_shape": [2, 2], "strides": [2, 2]},
    "Pad": {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "mode": "constant"},
    "Pow": {"Y": np.float32(2)},
    "PRelu": {"slope": np.full((4, 1, 1), 0.1, np.float32)},
    "Reshape": {"shape": np.array([1, -1], np.int64)},
    "Resize": {"scales": np.array([1, 1, 2, 2], np.float32), "roi": np.zeros(0, np.float32), "mode": "nearest"},
    "Slice": {"starts": np.array([1], np.int64), "ends": np.array([3], np.int64), "axes": np.array([2], np.int64)},
    "Split": {"axis": 1, "split": np.array([2, 2], np.int64)},
    "Squeeze": {"axes": np.array([0], np.int64)},
    "Tile": {"repeats": np.array([1, 2], np.int64)},
    "Unsqueeze": {"axes": np.array([0], np.int64)},
    "Upsample": {"scales": np.array([1, 1, 2, 2], np.float32), "mode": "nearest"},
    **{
        f"Reduce{name}": {"axes": np.array([2, 3], np.int64)}
        for name in ("LogSum", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
    },
}
# Other forms of an operator, in which networks use it: settings beside or instead of those above; None takes one away.
_FORMS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "AveragePool": ({"ceil_mode": 1}, {"count_include_pad": 1}),
    "Conv": (
        {"group": 4, "W": np.linspace(-1, 1, 36, dtype=np.float32).reshape(4, 1, 3, 3)},
        {"dilations": [2, 2]},
        {"strides": [2, 2]},
        {"auto_pad": "SAME_UPPER", "pads": None},
    ),
    "ConvTranspose": ({"group": 4}, {"dilations": [2, 2]}),
    "DepthToSpace": ({"mode": "CRD"},),
    "MaxPool": ({"ceil_mode": 1}, {"dilations": [2, 2]}),
    "Pad": ({"mode": "reflect"}, {"mode": "edge"}),
    "Resize": (
        {"mode": "nearest"},
        {"mode": "linear"},
        {"mode": "cubic"},
        *(
            {"coordinate_transformation_mode": c, "mode": "linear"}
            for c in ("align_corners", "asymmetric", "pytorch_half_pixel")
        ),
    ),
    "Softmax": ({"axis": 1},),
}


@dataclass(frozen=True)
class WebglProbe:
    """One operator as first defined in `since_version`, asked for as `settings` and `form` have it.

    form: "attribute=value", "attribute>1" for a list of more than ones, empty for the plain form.
    """

    operator: str
    since_version: int
    form: str
    model: ModelProto
    inputs: dict[str, Tensor]


def webgl_answers(operators: Iterable[str], opsets: range) -> dict[str, dict[str, str | None]]:
    """Why each form of each operator fails in WebGL, None where it runs and is right; by operator, then by "version" or "version form"."""
    asked = [probe for operator in sorted(operators) for probe in _probes_of(operator, opsets)]
    told = run_in_webgl([(probe.model, probe.inputs) for probe in asked])
    answers: dict[str, dict[str, str | None]] = {}
    for probe, outputs in zip(asked, told, strict=True):
        key = f"{probe.since_version} {probe.form}".strip()
        answers.setdefault(probe.operator, {})[key] = (
            outputs if isinstance(outputs, str) else _difference(probe, outputs)
        )
    return answers


def _probes_of(operator: str, opsets: range) -> Iterable[WebglProbe]:
    versions = sorted(
        {defs.get_schema(operator, opset, "").since_version for opset in opsets if defs.has(operator, opset, "")}
    )
    for version in versions:
        schema = defs.get_schema(operator, version, "")
        if schema.deprecated:
            continue
        for form in ({}, *_FORMS.get(operator, ())):
            names = list(form)[:1]  # the attribute that makes the form comes first
            if set(names) <= set(schema.attributes):
                written = "".join(
                    f"{name}>1" if isinstance(form[name], list) else f"{name}={form[name]}" for name in names
                )
                probe = _probe(schema, max(version, opsets[0]), written, {**_SETTINGS.get(operator, {}), **form})
                if probe is not None:
                    yield probe


def _probe(schema: OpSchema, opset: int, form: str, settings: Mapping[str, Any]) -> WebglProbe | None:
    """None where onnxruntime itself refuses the model: then it asks nothing of WebGL."""
    random = np.random.default_rng(_SEED)
    names, inputs, initializers = [], {}, []
    shapes = iter(_SHAPES.get(schema.name, (_IMAGE,) * 2))
    for formal in schema.inputs:
        value = settings.get(formal.name)
        if value is not None:
            initializers.append(numpy_helper.from_array(np.asarray(value), formal.name))
        elif formal.option == OpSchema.FormalParameterOption.Optional:
            names.append("")
            continue
        else:
            numbers = random.uniform(0.1, 0.9, next(shapes)).astype(np.float32)
            inputs[formal.name] = numbers if "tensor(float)" in formal.types else numbers > 0.5
        names.append(formal.name)
        if formal.option == OpSchema.FormalParameterOption.Variadic:
            inputs["second"] = random.uniform(0.1, 0.9, _IMAGE).astype(np.float32)
            names.append("second")
    while names and not names[-1]:
        names.pop()
    attributes = {
        n: v.tolist() if isinstance(v, np.ndarray | np.generic) else v
        for n, v in settings.items()
        if n in schema.attributes
    }
    model = _model(schema, opset, names, inputs, initializers, attributes)
    probe = WebglProbe(schema.name, schema.since_version, form, model, inputs)
    try:
        _expected(probe)
    except _REFUSALS:
        return None
    return probe


def _model(
    schema: OpSchema,
    opset: int,
    names: list[str],
    inputs: Mapping[str, Tensor],
    initializers: list[TensorProto],
    attributes: Mapping[str, Any],
) -> ModelProto:
    made = ["first", "rest"] if schema.name == "Split" else ["first"]
    node = helper.make_node(schema.name, names, made, **attributes)
    given = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for name, v in inputs.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in made]
    graph = helper.make_graph([node], "probe", given, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=_IR_VERSION)
    return onnx.shape_inference.infer_shapes(model)


def _expected(probe: WebglProbe) -> list[Tensor]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(probe.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(output) for output in session.run(None, dict(probe.inputs))]


def _difference(probe: WebglProbe, outputs: Mapping[str, Tensor]) -> str | None:
    for name, wanted in zip((output.name for output in probe.model.graph.output), _expected(probe), strict=True):
        if outputs[name].shape != wanted.shape:
            return f"gives the shape {outputs[name].shape} for {wanted.shape}"
        greatest = float(np.max(np.abs(outputs[name] - wanted.astype(np.float64)), initial=0))
        if not greatest <= _TOLERANCE:
            return "gives wrong values"
    return None
