"""Reference tensors: an input and eager PyTorch's outputs for it, in float32. They are the proof that every browser is held to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor, nn

from builder.detection import detect
from builder.errors import ZooError
from builder.preprocess import noise_tensor, photograph_tensor
from builder.records import Identifier
from builder.spec import ModelSpec, SsdSpec

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Reference:
    """`input` has the spec's input shape; `outputs` hold PyTorch's answer by output name."""

    name: Identifier
    input: Array
    outputs: dict[str, Array]

    def content(self, spec: ModelSpec) -> bytes:
        """As a safetensors file."""
        return save({spec.input.name: self.input, **self.outputs})


def make(network: nn.Module, spec: ModelSpec) -> tuple[Reference, ...]:
    """Run PyTorch on the shipped photograph and on seeded noise. Raises ZooError when the outputs could not prove anything."""
    references = tuple(
        Reference(name, data, _run(network, data, spec))
        for name, data in (("photograph", photograph_tensor(spec.input)), ("noise", noise_tensor(spec.input)))
    )
    for reference in references:
        for output in spec.outputs:
            _check_output(reference.outputs[output.name], reference.name, output.name, output.shape)
    if isinstance(spec.postprocessing, SsdSpec):
        _check_detections(references[0].outputs, spec.postprocessing)
    return references


def _run(network: nn.Module, data: Array, spec: ModelSpec) -> dict[str, Array]:
    with torch.inference_mode():
        outputs = network.eval()(torch.from_numpy(data))
    if isinstance(outputs, Tensor):
        outputs = (outputs,)
    return {o.name: np.ascontiguousarray(t.numpy()) for o, t in zip(spec.outputs, outputs, strict=True)}


def _check_output(values: Array, reference: str, name: str, shape: tuple[int, ...]) -> None:
    problem = ""
    if values.shape != shape:
        problem = f"shape {values.shape}"
    elif not np.isfinite(values).all():
        problem = "NaN or infinity"
    elif values.min() == values.max():
        problem = f"{values.flat[0]} everywhere"
    if problem:
        raise ZooError(
            f"PyTorch's output {name} on the {reference} proves nothing",
            got=problem,
            expected=f"finite numbers of shape {shape} that differ from one another",
            next_step="check the weights file and the network's definition",
        )


def _check_detections(outputs: dict[str, Array], ssd: SsdSpec) -> None:
    found = detect(outputs[ssd.locations_output], outputs[ssd.scores_output], ssd.make_priors(), ssd)
    if not found:
        raise ZooError(
            "PyTorch finds nothing on the photograph, so agreement with it would prove nothing",
            got="0 detections",
            expected=f"at least one with a score over {ssd.score_threshold}",
            next_step="check that the weights belong to this network; --weights seeded always gives some",
        )
