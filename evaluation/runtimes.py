"""What can run a model, behind one interface: PyTorch itself and onnxruntime. The browser is in evaluation/browser.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from builder.spec import ModelSpec

Array = NDArray[np.float32]
Scores = dict[str, float]  # by measure, in per cent


class Runtime(Protocol):
    """Runs one model. `name` heads its column in tables."""

    name: str

    def run(self, data: Array) -> dict[str, Array]:
        """The outputs for one input tensor, by the graph's names."""
        ...


class PyTorch:
    """The network itself, eager."""

    name = "PyTorch"

    def __init__(self, network: nn.Module, spec: ModelSpec) -> None:
        self._network = network
        self._names = [output.name for output in spec.outputs]

    def run(self, data: Array) -> dict[str, Array]:
        with torch.no_grad(), _one_thread():
            outputs = self._network(torch.from_numpy(data))
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        return {name: output.numpy() for name, output in zip(self._names, several, strict=True)}


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """With one thread for each core, each of PyTorch's many small parallel parts waits for the slowest thread. Where anything else
    uses a core that costs 25 times the time (2.6 s and not 0.1 s for MobileNetV1 on two busy cores); else one thread is half as fast."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Onnxruntime:
    """The exported file in the Python onnxruntime."""

    name = "onnxruntime"

    def __init__(self, content: bytes, spec: ModelSpec) -> None:
        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self._input = spec.input.name
        self._names = [output.name for output in spec.outputs]

    def run(self, data: Array) -> dict[str, Array]:
        outputs = self._session.run(self._names, {self._input: data})
        return {name: np.asarray(output) for name, output in zip(self._names, outputs, strict=True)}
