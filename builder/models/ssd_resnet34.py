"""SSD-ResNet34 at 1200x1200 for COCO, as MLPerf inference v0.5 to v2.0 ran it: 81 classes, 15,130 priors.

The module names are those of mlcommons/inference's class SSD_R34, so that the published weights load without renaming.
The graph ends at the raw head outputs; decoding, softmax and suppression are builder/detection.py's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models import resnet34
from torchvision.models.resnet import BasicBlock

# (input, middle, output channels, stride, padding of the 3x3) of the blocks after the backbone: 75, 38, 19, 9, 7 pixels wide.
_ADDITIONAL = (
    (256, 256, 512, 2, 1),
    (512, 256, 512, 2, 1),
    (512, 128, 256, 2, 1),
    (256, 128, 256, 2, 0),
    (256, 128, 256, 1, 0),
)
_SOURCES = (256, 512, 512, 256, 256, 256)
_PRIORS_PER_CELL = (4, 6, 6, 6, 4, 4)
_HEAD_STRIDE = 3  # 150 -> 50, 75 -> 25, 38 -> 13, 19 -> 7, 9 -> 3, 7 -> 3


class _Backbone(nn.Module):
    """ResNet-34 without layer4, its layer3 with stride 1: 256 channels at an eighth of the input's size."""

    def __init__(self) -> None:
        super().__init__()
        net = resnet34(weights=None)
        self.layer1 = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1, net.layer2)
        first = net.layer3[0]
        assert isinstance(first, BasicBlock)
        assert isinstance(first.downsample, nn.Sequential)
        for convolution in (first.conv1, first.downsample[0]):
            assert isinstance(convolution, nn.Conv2d)
            convolution.stride = (1, 1)
        self.layer2 = nn.Sequential(net.layer3)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer2(self.layer1(x))
        return result


class SsdResNet34(nn.Module):
    """(N, 3, 1200, 1200) -> locations (N, 4, 15130), class scores before softmax (N, 81, 15130).

    Channel-major: within a level the prior's shape comes first, then row, then column.
    """

    def __init__(self, classes: int = 81) -> None:
        super().__init__()
        self.classes = classes
        self.model = _Backbone()
        self.additional_blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, middle, 1),
                nn.ReLU(),
                nn.Conv2d(middle, outputs, 3, stride, padding),
                nn.ReLU(),
            )
            for inputs, middle, outputs, stride, padding in _ADDITIONAL
        )
        self.loc = nn.ModuleList(
            nn.Conv2d(c, priors * 4, 3, _HEAD_STRIDE, 1) for c, priors in zip(_SOURCES, _PRIORS_PER_CELL, strict=True)
        )
        self.conf = nn.ModuleList(
            nn.Conv2d(c, priors * classes, 3, _HEAD_STRIDE, 1)
            for c, priors in zip(_SOURCES, _PRIORS_PER_CELL, strict=True)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.model(x)
        sources = [x]
        for block in self.additional_blocks:
            x = block(x)
            sources.append(x)
        locations = [head(s).reshape(s.shape[0], 4, -1) for head, s in zip(self.loc, sources, strict=True)]
        scores = [head(s).reshape(s.shape[0], self.classes, -1) for head, s in zip(self.conf, sources, strict=True)]
        return torch.cat(locations, 2), torch.cat(scores, 2)

    def background_biases(self) -> list[Tensor]:
        """The bias elements that belong to class 0, one view per level; seeded weights set the number of detections with them."""
        biases = []
        for head, priors in zip(self.conf, _PRIORS_PER_CELL, strict=True):
            assert isinstance(head, nn.Conv2d)
            assert head.bias is not None
            biases.append(head.bias[:priors])
        return biases
