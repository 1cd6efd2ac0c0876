"""Constant folding and fusion, by onnxsim; and the promises that the result must keep."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
import onnxsim

from builder.errors import ZooError
from builder.export import clean
from builder.spec import ModelSpec

_MAX_IR_VERSION = 13  # what onnxruntime-web 1.30.0 reads
_OPSETS = range(17, 22)


def simplify(exported: onnx.ModelProto, spec: ModelSpec) -> onnx.ModelProto:
    """Fold constants and fuse batch norms into convolutions. The result has the spec's inputs and outputs, with their shapes.

    Raises ZooError when onnxsim finds that its result computes something else, or when a promise is broken.
    """
    simpler: onnx.ModelProto
    simpler, same = onnxsim.simplify(exported)
    if not same:
        raise ZooError(
            "simplification changed what the model computes",
            got="onnxsim's own check failed",
            expected="the same outputs before and after",
            next_step="try another release of onnxsim in requirements.in",
        )
    clean(simpler)
    onnx.checker.check_model(simpler, full_check=True)
    _check_promises(simpler, spec)
    return simpler


def _check_promises(model: onnx.ModelProto, spec: ModelSpec) -> None:
    opsets = {o.domain or "ai.onnx": o.version for o in model.opset_import}
    _expect("operator sets", set(opsets), {"ai.onnx"})
    if opsets["ai.onnx"] not in _OPSETS or model.ir_version > _MAX_IR_VERSION:
        _expect("opset and IR version", (opsets["ai.onnx"], model.ir_version), "opset 17 to 21, IR up to 13")
    _expect("inputs", _shapes(model.graph.input), {spec.input.name: spec.input.shape})
    _expect("outputs", _shapes(model.graph.output), {o.name: o.shape for o in spec.outputs})


def _shapes(values: Iterable[onnx.ValueInfoProto]) -> dict[str, tuple[int, ...]]:
    return {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in values}


def _expect(what: str, got: object, expected: object) -> None:
    if got != expected:
        raise ZooError(
            f"the simplified model has other {what}",
            got=str(got),
            expected=str(expected),
            next_step="correct the record in builder/catalogue.py or the network's definition",
        )
