"""SSD300 on MobileNetV1 for Pascal VOC, in the layout of qfgaohao/pytorch-ssd: 21 classes, 3,000 priors.

Liu et al., SSD, arXiv 1512.02325. This MobileNetV1 is not TensorFlow's: plain ReLU, symmetric padding, batch-norm epsilon 1e-5.
The graph ends at the raw head outputs; decoding, softmax and suppression are builder/detection.py's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from builder.models.mobilenet_v1 import BLOCKS

_FIRST_SOURCE = 12  # base_net[0:12] ends with 512 channels at 19x19
_EXTRAS = ((1024, 256, 512), (512, 128, 256), (256, 128, 256), (256, 128, 256))
_SOURCES = (512, 1024, 512, 256, 256, 256)
_PRIORS_PER_CELL = 6


def _depthwise_separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class SsdMobileNetV1(nn.Module):
    """(N, 3, 300, 300) -> locations (N, 3000, 4), class scores before softmax (N, 3000, 21). Cell-major, prior inside cell."""

    def __init__(self, classes: int = 21) -> None:
        super().__init__()
        self.classes = classes
        layers = [nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())]
        channels = 32
        for outputs, stride in BLOCKS:
            layers.append(_depthwise_separable(channels, outputs, stride))
            channels = outputs
        self.base_net = nn.Sequential(*layers)
        self.extras = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, middle, 1), nn.ReLU(), nn.Conv2d(middle, outputs, 3, 2, 1), nn.ReLU())
            for inputs, middle, outputs in _EXTRAS
        )
        self.classification_headers = nn.ModuleList(
            nn.Conv2d(c, _PRIORS_PER_CELL * classes, 3, padding=1) for c in _SOURCES
        )
        self.regression_headers = nn.ModuleList(nn.Conv2d(c, _PRIORS_PER_CELL * 4, 3, padding=1) for c in _SOURCES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.base_net[:_FIRST_SOURCE](x)
        sources = [x]
        x = self.base_net[_FIRST_SOURCE:](x)
        sources.append(x)
        for extra in self.extras:
            x = extra(x)
            sources.append(x)
        locations = [_per_prior(head(s), 4) for head, s in zip(self.regression_headers, sources, strict=True)]
        scores = [
            _per_prior(head(s), self.classes) for head, s in zip(self.classification_headers, sources, strict=True)
        ]
        return torch.cat(locations, 1), torch.cat(scores, 1)

    def background_biases(self) -> list[Tensor]:
        """The bias elements that belong to class 0, one view per level; seeded weights set the number of detections with them."""
        return [_bias(head)[:: self.classes] for head in self.classification_headers]


def _per_prior(head: Tensor, values: int) -> Tensor:
    return head.permute(0, 2, 3, 1).reshape(head.shape[0], -1, values)


def _bias(head: nn.Module) -> Tensor:
    assert isinstance(head, nn.Conv2d)
    assert head.bias is not None
    return head.bias
