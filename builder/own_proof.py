"""What a user's own model is held to: its outputs for two inputs, and whether they could prove anything. Imports no torch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from builder.assemble import Reference
from builder.errors import ZooError
from builder.onnx_runtime import RUNTIME
from builder.preprocess import noise_tensor, photograph_tensor
from builder.records import InputEntry

Array = NDArray[np.float32]
Outputs = dict[str, NDArray[np.float32] | NDArray[np.int64]]

FILE_RUNTIME = f"{RUNTIME} without graph optimisations, on the file as given"


def references(run: Callable[[Array], Outputs], entry: InputEntry) -> tuple[Reference, ...]:
    """The model's own answers on the photograph and on noise; where the input is no image, on two draws of noise.

    Raises ZooError when they could not prove anything.
    """
    first = photograph_tensor(entry) if entry.preprocessing else _other_noise(entry)
    inputs = {"photograph": first, "noise": noise_tensor(entry)}
    made = tuple(Reference(name, data, run(data)) for name, data in inputs.items())
    _check(made)
    return made


def runner(path: Path, entry: InputEntry) -> Callable[[Array], Outputs]:
    """Runs the file as it is. Raises ZooError when onnxruntime refuses it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # so that the last digits are the same on any machine of this kind
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    with _refused(path):
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(data: Array) -> Outputs:
        with _refused(path):
            return dict(zip(names, session.run(names, {entry.name: data}), strict=True))

    return run


@contextlib.contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # onnxruntime's own exception classes share no base class but Exception.
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        raise ZooError(
            f"onnxruntime cannot run {path.name}",
            got=str(error).strip().splitlines()[0],
            expected=f"a file that {RUNTIME} runs",
            next_step="export it again, at opset 18 and with standard operators",
        ) from error


def _other_noise(entry: InputEntry) -> Array:
    """Standard normal, as noise_tensor's, and another draw; the same every time."""
    return np.random.default_rng(20_260_102).standard_normal(entry.shape, dtype=np.float32)


def _check(made: tuple[Reference, ...]) -> None:
    for name in made[0].outputs:
        both = [reference.outputs[name] for reference in made]
        numbers = np.concatenate([values.ravel() for values in both])
        problem = ""
        if numbers.size == 0:
            problem = "no number at all"
        elif not np.isfinite(numbers).all():
            problem = "NaN or infinity"
        # One number, or a class index, may well be the same twice.
        elif numbers.dtype.kind == "f" and numbers.size > len(both) and numbers.min() == numbers.max():
            problem = f"{numbers[0]:g} everywhere"
        if problem:
            raise _nothing_proved(
                f"the output {name} proves nothing", problem, "finite numbers that differ from one another"
            )
    first, *others = made
    if all(np.array_equal(first.outputs[name], o.outputs[name]) for o in others for name in first.outputs):
        raise _nothing_proved(
            "the outputs prove nothing", "the same for two different inputs", "outputs that depend on the input"
        )


def _nothing_proved(what: str, got: str, expected: str) -> ZooError:
    return ZooError(
        what,
        got=f"{got}, on the reference inputs",
        expected=expected,
        next_step="check the weights, and with --preprocessing that the input has the scale that the model was made for",
    )
