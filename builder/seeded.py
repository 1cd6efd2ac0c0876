"""Weights from a seed, calibrated so that every layer's activations have a sensible scale.

Plain random weights are no good: after a few layers activations vanish or explode, MobileNetV2 gives zeros, a comparison of zeros
with zeros proves nothing, and denormal numbers distort timings. So one forward pass over a few images sets, layer by layer in
the order in which they run, batch-norm statistics and the scale of layers without batch norm (Mishkin & Matas, "All you need is a
good init", arXiv 1511.06422, is the idea). Afterwards a detector's biases are set so that the photograph gives some detections
(builder/seeded_detectors.py). The calibration is computed in double precision and its statistics are rounded to 12 binary digits, so that
last digits, which depend on the number of threads and on the processor, do not reach the bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from torchvision.ops import FrozenBatchNorm2d

from builder.preprocess import noise_tensor, photograph_tensor
from builder.records import Boxes, InputEntry
from builder.seeded_detectors import set_number_of_detections
from builder.spec import ModelSpec

_SEED = 0
_MIN_SAMPLES_PER_CHANNEL = 64  # fewer values than this do not give a channel statistics of its own
_SMALLEST_VARIANCE = 1e-6
_COARSE = 2**12
# Of ConvNeXt's residual branches. torchvision begins with 1e-6, which would hide whatever a branch computes.
_LAYER_SCALE = 0.3


def initialise(network: nn.Module, spec: ModelSpec) -> None:
    """Give the network its seeded, calibrated weights; leaves it in eval mode and float32."""
    _randomise(network)
    network.double().eval()
    _calibrate(network, _calibration_batch(spec))
    network.float()
    set_number_of_detections(network, spec)


def _randomise(network: nn.Module) -> None:
    # numpy's generator and not torch's, whose normal numbers differ in the last digit between processors with and without AVX2
    generator = np.random.default_rng(_SEED)

    def normal(tensor: Tensor, deviation: float) -> None:
        values = generator.standard_normal(tuple(tensor.shape), dtype=np.float32)
        tensor.copy_(torch.from_numpy(values * np.float32(deviation)))

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                normal(
                    module.weight, math.sqrt(2 / module.weight[0].numel())
                )  # He-normal: by how many inputs an output has
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.BatchNorm2d | nn.LayerNorm | FrozenBatchNorm2d):
                values = generator.uniform(0.8, 1.2, tuple(module.weight.shape))
                module.weight.copy_(torch.from_numpy(values))
                normal(module.bias, 0.2)
            if isinstance(scale := getattr(module, "layer_scale", None), nn.Parameter):
                scale.fill_(_LAYER_SCALE)


def _calibration_batch(spec: ModelSpec) -> Tensor:
    height, width = spec.calibration_size
    rule = spec.input.preprocessing
    entry = InputEntry(name=spec.input.name, shape=(1, 3, height, width), dtype="float32", preprocessing=rule)
    photograph = photograph_tensor(entry)
    # A graph that finds boxes takes one image.
    if isinstance(spec.postprocessing, Boxes):
        return torch.from_numpy(photograph).double()
    return torch.from_numpy(np.concatenate([photograph, photograph[..., ::-1], noise_tensor(entry)])).double()


def _calibrate(network: nn.Module, batch: Tensor) -> None:
    """One forward pass in which every layer, when its turn comes, is set from what arrives, then computes with that.

    A layer that runs several times (the heads of a feature pyramid) is set the first time.
    """
    modules = list(network.modules())
    normalised = _convolutions_before_batch_norm(modules)
    handles: list[RemovableHandle] = []
    for module in modules:
        if isinstance(module, nn.BatchNorm2d | FrozenBatchNorm2d):
            handles.append(module.register_forward_pre_hook(_set_statistics))
        elif isinstance(module, nn.Conv2d | nn.Linear) and module not in normalised:
            handles.append(module.register_forward_hook(_Once(_set_scale)))
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
    assert isinstance(module, nn.BatchNorm2d | FrozenBatchNorm2d)
    assert module.running_mean is not None
    assert module.running_var is not None
    (x,) = arguments
    # After global pooling three images give three numbers a channel: their tiny variance would blow up the last digits of the input.
    axes = (0, 2, 3) if x.numel() // x.shape[1] >= _MIN_SAMPLES_PER_CHANNEL else (0, 1, 2, 3)
    module.running_mean.copy_(_coarse(x.mean(axes)).expand_as(module.running_mean))
    module.running_var.copy_(_coarse(x.var(axes).clamp(min=_SMALLEST_VARIANCE)).expand_as(module.running_var))


def _coarse(values: Tensor) -> Tensor:
    """Rounded to 12 binary digits: what is left is the same with any number of threads and on any processor."""
    mantissa, exponent = torch.frexp(values)
    return torch.ldexp((mantissa * _COARSE).round() / _COARSE, exponent)


class _Once:
    """A forward hook that acts at the first call only."""

    def __init__(self, hook: Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]) -> None:
        self._hook = hook
        self._done = False

    def __call__(self, module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if self._done:
            return None
        self._done = True
        return self._hook(module, arguments, output)


def _set_scale(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Make the layer's output have the standard deviation 1, or the one that the network's definition wants for seeded weights
    (`seeded_deviation`), and each channel mean 0 where there are enough values to tell."""
    assert isinstance(module, nn.Conv2d | nn.Linear)
    assert module.bias is not None
    channels = output.movedim(-1 if isinstance(module, nn.Linear) else 1, 0).flatten(1)
    if channels.shape[1] >= _MIN_SAMPLES_PER_CHANNEL:
        mean, deviation = channels.mean(1), channels.std(1)
    else:
        mean, deviation = torch.zeros(len(channels), dtype=output.dtype), channels.std().expand(len(channels))
    scale = _coarse(getattr(module, "seeded_deviation", 1.0) / deviation.clamp(min=_SMALLEST_VARIANCE))
    mean = _coarse(mean)
    module.weight.mul_(scale.reshape(-1, *[1] * (module.weight.ndim - 1)))
    module.bias.copy_((module.bias - mean) * scale)
    return module.forward(arguments[0])
