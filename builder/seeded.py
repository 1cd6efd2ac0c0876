"""Weights from a seed, calibrated so that every layer's activations have a sensible scale.

Plain random weights are no good: after a few layers activations vanish or explode, MobileNetV2 gives zeros, a comparison of zeros
with zeros proves nothing, and denormal numbers distort timings. So one forward pass over a few images sets, layer by layer in
the order in which they run, batch-norm statistics and the scale of layers without batch norm (Mishkin & Matas, "All you need is a
good init", arXiv 1511.06422, is the idea). Afterwards a detector's background bias is set so that the photograph gives some
detections. The calibration is computed in double precision and rounded once, and the bias is a multiple of 1/32, so that last digits, which
depend on the number of threads, do not reach the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from builder.detection import detect, softmax
from builder.preprocess import noise_tensor, photograph_tensor
from builder.records import InputEntry
from builder.spec import ModelSpec, SsdSpec

_SEED = 0
_MIN_SAMPLES_PER_CHANNEL = 64  # fewer values than this do not give a channel statistics of its own
_SMALLEST_VARIANCE = 1e-6
_WANTED_DETECTIONS = (30, 120)
_BIAS_STEP = 1 / 32  # background biases tried are multiples of this: exact in float32
_MARGIN_CANDIDATES = 24


@runtime_checkable
class Detector(Protocol):
    """A network whose background class has biases of its own."""

    def background_biases(self) -> list[Tensor]: ...


def initialise(network: nn.Module, spec: ModelSpec) -> None:
    """Give the network its seeded, calibrated weights; leaves it in eval mode and float32."""
    _randomise(network)
    network.double().eval()
    _calibrate(network, _calibration_batch(spec))
    network.float()
    if isinstance(spec.postprocessing, SsdSpec):
        _set_number_of_detections(network, spec, spec.postprocessing)


def _randomise(network: nn.Module) -> None:
    generator = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.8, 1.2, generator=generator)
                module.bias.normal_(0, 0.2, generator=generator)


def _calibration_batch(spec: ModelSpec) -> Tensor:
    height, width = spec.calibration_size
    rule = spec.input.preprocessing
    entry = InputEntry(name=spec.input.name, shape=(1, 3, height, width), dtype="float32", preprocessing=rule)
    photograph = photograph_tensor(entry)
    return torch.from_numpy(np.concatenate([photograph, photograph[..., ::-1], noise_tensor(entry)])).double()


def _calibrate(network: nn.Module, batch: Tensor) -> None:
    """One forward pass in which every layer, when its turn comes, is set from what arrives, then computes with that."""
    modules = list(network.modules())
    normalised = _convolutions_before_batch_norm(modules)
    handles: list[RemovableHandle] = []
    for module in modules:
        if isinstance(module, nn.BatchNorm2d):
            handles.append(module.register_forward_pre_hook(_set_statistics))
        elif isinstance(module, nn.Conv2d | nn.Linear) and module not in normalised:
            handles.append(module.register_forward_hook(_set_scale))
    try:
        with torch.no_grad():
            network(batch)
    finally:
        for handle in handles:
            handle.remove()


def _convolutions_before_batch_norm(modules: list[nn.Module]) -> set[nn.Module]:
    """Convolutions without a bias: in all networks here exactly those that a batch norm follows."""
    return {m for m in modules if isinstance(m, nn.Conv2d) and m.bias is None}


def _set_statistics(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
    assert isinstance(module, nn.BatchNorm2d)
    assert module.running_mean is not None
    assert module.running_var is not None
    (x,) = arguments
    module.running_mean.copy_(x.mean((0, 2, 3)))
    module.running_var.copy_(x.var((0, 2, 3)).clamp(min=_SMALLEST_VARIANCE))


def _set_scale(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Make the layer's output have standard deviation 1, and each channel mean 0 where there are enough values to tell."""
    assert isinstance(module, nn.Conv2d | nn.Linear)
    assert module.bias is not None
    channels = output.transpose(0, 1).flatten(1)
    if channels.shape[1] >= _MIN_SAMPLES_PER_CHANNEL:
        mean, deviation = channels.mean(1), channels.std(1)
    else:
        mean, deviation = torch.zeros(len(channels), dtype=output.dtype), channels.std().expand(len(channels))
    scale = 1 / deviation.clamp(min=_SMALLEST_VARIANCE)
    module.weight.mul_(scale.reshape(-1, *[1] * (module.weight.ndim - 1)))
    module.bias.copy_((module.bias - mean) * scale)
    return module.forward(arguments[0])


def _set_number_of_detections(network: nn.Module, spec: ModelSpec, ssd: SsdSpec) -> None:
    assert isinstance(network, Detector)
    with torch.no_grad():
        outputs = network(torch.from_numpy(photograph_tensor(spec.input)))
    names = [o.name for o in spec.outputs]
    arrays = {name: o.numpy() for name, o in zip(names, outputs, strict=True)}
    bias = _background_bias(arrays[ssd.locations_output], arrays[ssd.scores_output], ssd)
    with torch.no_grad():
        for view in network.background_biases():
            view += bias


def _background_bias(locations: NDArray[np.float32], logits: NDArray[np.float32], ssd: SsdSpec) -> float:
    """What to add to the background's logits for about 60 detections.

    Of the biases near that, the one is taken that leaves the widest gap in score around the threshold: two runtimes whose
    scores differ in the last digits then still agree on which detections there are.
    """
    priors = ssd.make_priors()
    low_count, high_count = _WANTED_DETECTIONS
    background: tuple[slice | int, ...] = (0, 0) if ssd.layout == "channel_major" else (0, slice(None), 0)

    def with_bias(steps: int) -> NDArray[np.float32]:
        shifted = logits.copy()
        shifted[background] += np.float32(steps * _BIAS_STEP)
        return shifted

    def count(steps: int) -> int:
        return len(detect(locations, with_bias(steps), priors, ssd))

    middle = _first_below(count, 60)
    fitting = [
        (_gap(with_bias(steps), ssd), steps)
        for steps in range(middle - _MARGIN_CANDIDATES, middle + _MARGIN_CANDIDATES)
        if low_count <= count(steps) <= high_count
    ]
    return max(fitting)[1] * _BIAS_STEP


def _first_below(count: Callable[[int], int], limit: int) -> int:
    """The smallest number of steps whose count is below the limit: counts fall as the background grows."""
    low, high = -1024, 1024
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if count(middle) < limit else (middle, high)
    return high


def _gap(logits: NDArray[np.float32], ssd: SsdSpec) -> float:
    """How far, as a ratio, the score nearest to the threshold is from it."""
    rows = logits[0].T if ssd.layout == "channel_major" else logits[0]
    scores = softmax(rows)[:, 1:]
    return float(np.abs(np.log(scores[scores > 0] / ssd.score_threshold)).min())
