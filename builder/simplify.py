"""Constant folding and fusion, by onnxsim; and the promises that the result must keep."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence

import onnx
import onnxsim

from builder.errors import ZooError
from builder.export import clean
from builder.records import InputEntry, OutputEntry

MAX_IR_VERSION = 13  # what onnxruntime-web 1.30.0 reads
OPSETS = range(17, 22)
# A file of 200 bytes can describe a constant of many GB. The catalogue's greatest folded tensors are some MB (anchors of Faster
# R-CNN, fused kernels of VGG16); a greater one stays as the nodes that compute it.
_MOST_FOLDED = "64MB"


def simplify(exported: onnx.ModelProto, wanted: InputEntry, outputs: Sequence[OutputEntry]) -> onnx.ModelProto:
    """Fold constants and fuse batch norms into convolutions. The result has that input and those outputs, with their shapes.

    Raises ZooError when onnxsim finds that its result computes something else, or when a promise is broken.
    """
    simpler = folded(exported)
    _check_promises(simpler, wanted, outputs)
    return simpler


def folded(exported: onnx.ModelProto) -> onnx.ModelProto:
    """The same computation with constants folded and batch norms fused, whatever its inputs and outputs. Raises ZooError when
    onnxsim finds that its result computes something else."""
    simpler: onnx.ModelProto
    with library_output() as said:
        simpler, same = onnxsim.simplify(exported, tensor_size_threshold=_MOST_FOLDED)
    if not same:
        raise ZooError(
            "simplification changed what the model computes",
            got="onnxsim's own check failed" + (f": {said()}" if said() else ""),
            expected="the same outputs before and after",
            next_step="try another release of onnxsim in requirements.in",
        )
    clean(simpler)
    onnx.checker.check_model(simpler, full_check=True)
    return simpler


@contextlib.contextmanager
def library_output() -> Iterator[Callable[[], str]]:
    """Catch what native code prints while the block runs, and give a function that tells its last line.

    onnxsim notes every node that it cannot fold, hundreds of lines for Faster R-CNN; they mean nothing to whoever builds.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with tempfile.TemporaryFile() as file:
        saved = [(number, os.dup(number)) for number in (1, 2)]
        try:
            for number, _ in saved:
                os.dup2(file.fileno(), number)

            def last_line() -> str:
                file.seek(0)
                lines = file.read().decode(errors="replace").strip().splitlines()
                return lines[-1] if lines else ""

            yield last_line
        finally:
            for number, copy in saved:
                os.dup2(copy, number)
                os.close(copy)


def _check_promises(model: onnx.ModelProto, wanted: InputEntry, outputs: Sequence[OutputEntry]) -> None:
    opsets = {o.domain or "ai.onnx": o.version for o in model.opset_import}
    _expect("operator sets", set(opsets), {"ai.onnx"})
    if opsets["ai.onnx"] not in OPSETS or model.ir_version > MAX_IR_VERSION:
        _expect("opset and IR version", (opsets["ai.onnx"], model.ir_version), "opset 17 to 21, IR up to 13")
    _expect("inputs", _shapes(model.graph.input), {wanted.name: wanted.shape})
    _expect("outputs", _shapes(model.graph.output), {o.name: o.shape for o in outputs})


def _shapes(values: Iterable[onnx.ValueInfoProto]) -> dict[str, tuple[int | None, ...]]:
    """Shapes by name; None for a dimension that depends on the data."""
    return {
        v.name: tuple(d.dim_value if d.HasField("dim_value") else None for d in v.type.tensor_type.shape.dim)
        for v in values
    }


def _expect(what: str, got: object, expected: object) -> None:
    if got != expected:
        raise ZooError(
            f"the simplified model has other {what}",
            got=str(got),
            expected=str(expected),
            next_step="correct the record in builder/catalogue/ or the network's definition",
        )
