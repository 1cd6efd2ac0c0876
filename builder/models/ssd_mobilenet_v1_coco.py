"""MLPerf's SSD-MobileNetV1 for COCO: 91 classes with a score each, 1,917 priors, any width.

Liu et al., SSD, arXiv 1512.02325, as TensorFlow's object detection API has it and MLPerf inference v0.5 to v2.0 measured it: ReLU6
after every convolution but the heads, "SAME" padding, 1x1 heads. The module names are those of TensorFlow's graph and the batch norms
are folded into the convolutions before them, as in TensorFlow Lite's files. This is not qfgaohao's network (ssd_mobilenet_v1.py).
The graph ends at the raw head outputs; decoding, sigmoid and suppression are builder/detection.py's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from builder.models.mobilenet_v1 import BLOCKS
from builder.models.same_padding import SameConv2d

_FIRST_SOURCE = 11  # the block that ends at 19x19; the second source is the last block
# Channels of the 1x1 and of the 3x3 convolution of each pair after the thirteen blocks, at full width.
_EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))
_PRIORS_PER_CELL = (3, 6, 6, 6, 6, 6)
_LEAST_CHANNELS = 8  # TensorFlow's min_depth
# The keys of MLPerf's own PyTorch file: mlcommons/inference, vision/classification_and_detection/python/models/ssd_mobilenet_v1.py
_MLPERF_LAYER = re.compile(r"backbone\.(\d+)\.(0|depthwise|pointwise)(?:/BatchNorm)?\.(weight|bias)")
_MLPERF_EXTRA = re.compile(r"extras\.(\d)\.([02])\.(weight|bias)")
_MLPERF_HEAD = re.compile(r"predictors\.(\d)\.(regression|classification)\.(weight|bias)")


class SsdMobileNetV1Coco(nn.Module):
    """(N, 3, 300, 300) -> locations (N, 1917, 4), logits before sigmoid (N, 1917, 91). Cell-major, prior inside cell.

    `width` multiplies the channels of every convolution but the heads. Locations are offsets of centre x, centre y, log width, log
    height; the weights give them as y, x, height, width, and stay as published.
    """

    def __init__(self, width: float = 1.0, classes: int = 91) -> None:
        super().__init__()
        self.classes = classes

        def channels(at_full_width: int) -> int:
            return max(_LEAST_CHANNELS, int(at_full_width * width))

        self._stages: list[list[str]] = [[]]  # names of layers, up to each source of a head
        current = channels(32)
        self._append("Conv2d_0", SameConv2d(3, current, 2, bias=True))
        sources = []
        for number, (outputs, stride) in enumerate(BLOCKS, start=1):
            self._append(f"Conv2d_{number}_depthwise", SameConv2d(current, current, stride, current, bias=True))
            self._append(f"Conv2d_{number}_pointwise", nn.Conv2d(current, channels(outputs), 1))
            current = channels(outputs)
            if number in {_FIRST_SOURCE, len(BLOCKS)}:
                sources.append(current)
                self._stages.append([])
        for number, (middle, outputs) in enumerate(_EXTRAS, start=2):
            middle, outputs = channels(middle), channels(outputs)
            prefix = f"Conv2d_{len(BLOCKS)}_pointwise"
            self._append(f"{prefix}_1_Conv2d_{number}_1x1_{middle}", nn.Conv2d(current, middle, 1))
            self._append(f"{prefix}_2_Conv2d_{number}_3x3_s2_{outputs}", SameConv2d(middle, outputs, 2, bias=True))
            current = outputs
            sources.append(current)
            self._stages.append([])
        del self._stages[-1]
        for level, (inputs, priors) in enumerate(zip(sources, _PRIORS_PER_CELL, strict=True)):
            self.add_module(f"BoxPredictor_{level}", _predictor(inputs, priors, classes))

    def _append(self, name: str, layer: nn.Conv2d) -> None:
        self.add_module(name, layer)
        self._stages[-1].append(name)

    def _predictors(self, kind: str) -> list[nn.Module]:
        return [self.get_submodule(f"BoxPredictor_{level}.{kind}") for level in range(len(_PRIORS_PER_CELL))]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        sources = []
        for stage in self._stages:
            for name in stage:
                x = functional.relu6(self.get_submodule(name)(x))
            sources.append(x)
        locations = [
            _per_prior(head(s), 4) for head, s in zip(self._predictors("BoxEncodingPredictor"), sources, strict=True)
        ]
        logits = [
            _per_prior(head(s), self.classes)
            for head, s in zip(self._predictors("ClassPredictor"), sources, strict=True)
        ]
        centre_y, centre_x, height, width = torch.cat(locations, 1).chunk(4, 2)
        return torch.cat((centre_x, centre_y, width, height), 2), torch.cat(logits, 1)

    def foreground_biases(self) -> list[Tensor]:
        """The bias elements that belong to classes 1 and up, one view (priors in a cell, classes - 1) per level.

        With a sigmoid each class has its score to itself and the background's bias decides nothing, so seeded weights set the number
        of detections with these.
        """
        return [_bias(head).view(-1, self.classes)[:, 1:] for head in self._predictors("ClassPredictor")]


def _predictor(inputs: int, priors: int, classes: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            "BoxEncodingPredictor": nn.Conv2d(inputs, priors * 4, 1),
            "ClassPredictor": nn.Conv2d(inputs, priors * classes, 1),
        }
    )


def _per_prior(head: Tensor, values: int) -> Tensor:
    return head.permute(0, 2, 3, 1).reshape(head.shape[0], -1, values)


def _bias(head: nn.Module) -> Tensor:
    assert isinstance(head, nn.Conv2d)
    assert head.bias is not None
    return head.bias


def from_mlperf(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of MLPerf's PyTorch file (Zenodo record 3239977) under our keys, its batch norms folded.

    There a batch norm is a bias, which follows the convolution, and for depthwise convolutions also a scale. Keys that are none
    of that file's stay as they are.
    """
    converted = {}
    for key, value in state.items():
        if key.endswith("depthwise/BatchNorm.scale"):
            continue
        scale = state.get(key.replace(".weight", "/BatchNorm.scale")) if key.endswith("depthwise.weight") else None
        converted[_our_key(key, value)] = value if scale is None else value * scale.reshape(-1, 1, 1, 1)
    return converted


def _our_key(key: str, value: Tensor) -> str:
    if match := _MLPERF_LAYER.fullmatch(key):
        block, part, kind = match.groups()
        return f"Conv2d_{block}.{kind}" if part == "0" else f"Conv2d_{block}_{part}.{kind}"
    if match := _MLPERF_EXTRA.fullmatch(key):
        pair, place, kind = match.groups()
        layer = f"1_Conv2d_{int(pair) + 2}_1x1" if place == "0" else f"2_Conv2d_{int(pair) + 2}_3x3_s2"
        channels = value.shape[0] if value.ndim else 0  # a number is no weight of any layer, and fits none
        return f"Conv2d_{len(BLOCKS)}_pointwise_{layer}_{channels}.{kind}"
    if match := _MLPERF_HEAD.fullmatch(key):
        level, head, kind = match.groups()
        return f"BoxPredictor_{level}.{'BoxEncodingPredictor' if head == 'regression' else 'ClassPredictor'}.{kind}"
    return key
