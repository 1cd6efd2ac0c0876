"""How many detections seeded weights give: a bias is set so that the photograph gives some, and that they are the same everywhere.

With random weights hundreds of scores lie close to one another and to the threshold, and two runtimes that differ in the last digit
would disagree. So of the biases that give a sensible number of detections, the one is taken that leaves the widest gap in score
around the threshold. It is a multiple of 1/32: exact in float32, and the same however many threads computed the scores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from builder.detection import detect, sigmoid, softmax
from builder.errors import ZooError
from builder.preprocess import photograph_tensor
from builder.records import Boxes
from builder.spec import ModelSpec, SsdSpec

Array = NDArray[np.float32]
Scores = Callable[
    [float], Array
]  # from a number added to the biases to the score of everything that could be a detection
Count = Callable[[float], int]  # from that number to how many detections there are

_WANTED = range(30, 91)
_MIDDLE = 60
_STEP = 1 / 32
_STRIDE = 8
_CANDIDATES = 16  # on each side of the middle


@runtime_checkable
class SoftmaxDetector(Protocol):
    """An SSD whose background class has biases of its own: the greater they are, the fewer detections."""

    def background_biases(self) -> list[Tensor]: ...


@runtime_checkable
class SigmoidDetector(Protocol):
    """An SSD that scores each class alone; these are the biases of all classes but the background."""

    def foreground_biases(self) -> list[Tensor]: ...


@runtime_checkable
class TwoStageDetector(Protocol):
    """A detector that finds boxes inside its graph."""

    score_threshold: float

    def background_biases(self) -> list[Tensor]: ...

    def trial(self, x: Tensor) -> tuple[Scores, Count]:
        """What this image gives with another background."""
        ...


def set_number_of_detections(network: nn.Module, spec: ModelSpec) -> None:
    """Set the biases of a detector; other networks stay as they are. Raises ZooError when no bias gives a sensible number."""
    rule = spec.postprocessing
    with torch.no_grad():
        if isinstance(rule, Boxes):
            assert isinstance(network, TwoStageDetector)
            trial = network.trial(torch.from_numpy(photograph_tensor(spec.input)))
            bias = _best(*trial, network.score_threshold, spec.id)
        elif isinstance(rule, SsdSpec):
            bias = _best(*_ssd_trial(network, spec, rule), rule.score_threshold, spec.id)
        else:
            return
        if isinstance(network, SigmoidDetector):
            biases, bias = network.foreground_biases(), -bias
        else:
            assert isinstance(network, SoftmaxDetector)
            biases = network.background_biases()
        for view in biases:
            view += bias


def _ssd_trial(network: nn.Module, spec: ModelSpec, ssd: SsdSpec) -> tuple[Scores, Count]:
    outputs = network(torch.from_numpy(photograph_tensor(spec.input)))
    arrays = {o.name: tensor.numpy() for o, tensor in zip(spec.outputs, outputs, strict=True)}
    locations, logits, priors = arrays[ssd.locations_output], arrays[ssd.scores_output], ssd.make_priors()
    by_class = 1 if ssd.layout == "channel_major" else 2
    activation = sigmoid if ssd.score_activation == "sigmoid" else softmax

    def shifted(bias: float) -> Array:
        """The logits, classes first: (C, 1, P)."""
        moved: Array = np.moveaxis(logits.copy(), by_class, 0)
        if ssd.score_activation == "sigmoid":
            moved[1:] -= np.float32(bias)
        else:
            moved[0] += np.float32(bias)
        return moved

    def scores(bias: float) -> Array:
        return activation(np.ascontiguousarray(shifted(bias)[:, 0].T))[:, 1:]

    def count(bias: float) -> int:
        return len(detect(locations, np.moveaxis(shifted(bias), 0, by_class), priors, ssd))

    return scores, count


def _best(scores: Scores, count: Count, threshold: float, model_id: str) -> float:
    """Of the biases near the one that gives 60 detections, that with the widest gap in score around the threshold."""
    middle = _first_below(scores, count, threshold)
    fitting = []
    for steps in range(middle - _CANDIDATES, middle + _CANDIDATES):
        if count(steps * _STEP) in _WANTED:
            found = scores(steps * _STEP)
            fitting.append((float(np.abs(np.log(found[found > 0] / threshold)).min()), steps))
    if not fitting:
        raise ZooError(
            f"no bias gives seeded {model_id} a sensible number of detections on the photograph",
            got=f"{count(middle * _STEP)} detections at the nearest",
            expected=f"{_WANTED[0]} to {_WANTED[-1]}",
            next_step="look at the scale of the class logits: they must differ from one another",
        )
    return max(fitting)[1] * _STEP


def _first_below(scores: Scores, count: Count, threshold: float) -> int:
    """The smallest number of steps that gives fewer than 60 detections: counts fall as the background grows.

    Suppression takes long where thousands of scores are over the threshold; so first the step is found at which 60 are, with no
    suppression, and from there it goes down.
    """
    high = _bisect(-1024, 1024, lambda steps: int((scores(steps * _STEP) > threshold).sum()))
    low = high - _STRIDE
    while count(low * _STEP) < _MIDDLE and low > -1024:
        low, high = low - _STRIDE, low
    return _bisect(low, high, lambda steps: count(steps * _STEP))


def _bisect(low: int, high: int, number: Callable[[int], int]) -> int:
    """The smallest number of steps over `low`, at most `high`, whose number is below 60."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if number(middle) < _MIDDLE else (middle, high)
    return high
