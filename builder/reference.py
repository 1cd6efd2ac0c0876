"""Reference tensors: an input and eager PyTorch's outputs for it, in float32. They are the proof that every browser is held to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from builder.assemble import Reference
from builder.errors import ZooError
from builder.preprocess import BLANK, noise_tensor, photograph_tensor
from builder.records import Boxes, OutputEntry
from builder.spec import ModelSpec, SsdSpec
from builder.verify import Tensors, detections

Array = NDArray[np.float32]


def make(network: nn.Module, spec: ModelSpec) -> tuple[Reference, ...]:
    """Run PyTorch on the shipped photograph and on seeded noise, or where the graph itself finds boxes on a blank image: what it
    finds in noise hangs on last digits, and a blank image gives none, so that its outputs have zero rows.

    Raises ZooError when the outputs could not prove anything.
    """
    inputs = {"photograph": photograph_tensor(spec.input)}
    if isinstance(spec.postprocessing, Boxes):
        inputs["blank"] = photograph_tensor(spec.input, BLANK)
    else:
        inputs["noise"] = noise_tensor(spec.input)
    with one_thread():
        references = tuple(Reference(name, data, _run(network, data, spec)) for name, data in inputs.items())
    for reference in references:
        for output in spec.outputs:
            check_output(reference.outputs[output.name], reference.name, output)
    _check_detections(references[0].outputs, spec)
    return references


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread while the block runs: how many there are decides the order of additions, and so the last digits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _run(network: nn.Module, data: Array, spec: ModelSpec) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    with torch.inference_mode():
        outputs = network.eval()(torch.from_numpy(data))
    if isinstance(outputs, Tensor):
        outputs = (outputs,)
    return {o.name: np.ascontiguousarray(t.numpy()) for o, t in zip(spec.outputs, outputs, strict=True)}


def check_output(values: NDArray[np.float32] | NDArray[np.int64], reference: str, output: OutputEntry) -> None:
    """Raise ZooError when a reference's output has another shape or type, is not finite, or is the same number everywhere."""
    problem = ""
    fits = len(values.shape) == len(output.shape) and all(
        wanted in (None, side) for wanted, side in zip(output.shape, values.shape, strict=True)
    )
    if not fits or str(values.dtype) != output.dtype:
        problem = f"shape {values.shape}, {values.dtype}"
    elif not np.isfinite(values).all():
        problem = "NaN or infinity"
    elif None not in output.shape and values.min() == values.max():
        problem = f"{values.flat[0]} everywhere"
    if problem:
        raise ZooError(
            f"the reference output {output.name} on the {reference} proves nothing",
            got=problem,
            expected=f"finite numbers of shape {output.shape} and type {output.dtype} that differ from one another",
            next_step="check the weights file and the network's definition",
        )


def _check_detections(outputs: Tensors, spec: ModelSpec) -> None:
    rule = spec.postprocessing
    if not isinstance(rule, SsdSpec | Boxes):
        return
    if not detections(outputs, rule, rule.make_priors() if isinstance(rule, SsdSpec) else None):
        raise ZooError(
            "PyTorch finds nothing on the photograph, so agreement with it would prove nothing",
            got="0 detections",
            expected="at least one",
            next_step="check that the weights belong to this network; --weights seeded always gives some",
        )
