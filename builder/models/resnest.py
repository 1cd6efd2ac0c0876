"""ResNeSt: ResNets whose 3x3 convolutions split into two, weighed against each other by attention over channels.

Zhang et al., ResNeSt: Split-Attention Networks, arXiv 2004.08955. `resnest50` is the paper's network (deep stem of 32, 32, 64 channels,
average pooling in place of strides), with the module names of zhanghang1989/ResNeSt, which are those of timm's resnest50d too.
`resnest50_basic` is the same idea on basic blocks of two 3x3 convolutions, in the same 3, 4, 6, 3 stages.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

_RADIX = 2
_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # (width, blocks, stride)
_STEM = (32, 32, 64)


def resnest50(classes: int = 1000) -> nn.Module:
    """Bottleneck blocks: (N, 3, 224, 224) -> logits (N, 1000)."""
    return _ResNeSt(_Bottleneck, 4, classes)


def resnest50_basic(classes: int = 1000) -> nn.Module:
    """Basic blocks: (N, 3, 224, 224) -> logits (N, 1000)."""
    return _ResNeSt(_Basic, 1, classes)


class _SplitAttention(nn.Module):
    """A grouped 3x3 convolution to two splits, summed with weights that a softmax over the splits gives channel by channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        splits = channels * _RADIX
        hidden = max(channels * _RADIX // 4, 32)
        self.conv = nn.Conv2d(channels, splits, 3, padding=1, groups=_RADIX, bias=False)
        self.bn0 = nn.BatchNorm2d(splits)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.fc2 = nn.Conv2d(hidden, splits, 1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.relu(self.bn0(self.conv(x))).chunk(_RADIX, 1)
        pooled = (first + second).mean((2, 3), keepdim=True)
        attention = self.fc2(self.relu(self.bn1(self.fc1(pooled))))
        # One row for each split: the softmax weighs the splits of a channel against each other.
        weights = torch.softmax(attention.reshape(len(x), _RADIX, -1), 1)
        one, other = (w.reshape(len(x), -1, 1, 1) for w in (weights[:, 0], weights[:, 1]))
        result: Tensor = first * one + second * other
        return result


class _Bottleneck(nn.Module):
    """1x1, split attention, pooling where the stage begins with a stride, 1x1 to four times the width."""

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _SplitAttention(width)
        self.avd_last = nn.AvgPool2d(3, stride, padding=1) if stride > 1 else nn.Identity()
        self.conv3 = nn.Conv2d(width, width * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * 4)
        self.downsample = downsample
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.avd_last(self.conv2(y))
        result: Tensor = self.relu(self.bn3(self.conv3(y)) + shortcut)
        return result


class _Basic(nn.Module):
    """3x3, pooling where the stage begins with a stride, split attention, batch norm."""

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.avd_first = nn.AvgPool2d(3, stride, padding=1) if stride > 1 else nn.Identity()
        self.conv2 = _SplitAttention(width)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.avd_first(self.relu(self.bn1(self.conv1(x))))
        result: Tensor = self.relu(self.bn2(self.conv2(y)) + shortcut)
        return result


class _ResNeSt(nn.Module):
    def __init__(
        self, block: Callable[[int, int, int, nn.Module | None], nn.Module], expansion: int, classes: int
    ) -> None:
        super().__init__()
        self.conv1 = _stem()
        self.bn1 = nn.BatchNorm2d(_STEM[-1])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels, layers = _STEM[-1], []
        for width, blocks, stride in _STAGES:
            first = block(channels, width, stride, _shortcut(channels, width * expansion, stride))
            channels = width * expansion
            layers.append(nn.Sequential(first, *(block(channels, width, 1, None) for _ in range(blocks - 1))))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def _stem() -> nn.Sequential:
    first, second, third = _STEM
    return nn.Sequential(
        nn.Conv2d(3, first, 3, 2, 1, bias=False),
        nn.BatchNorm2d(first),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, padding=1, bias=False),
        nn.BatchNorm2d(second),
        nn.ReLU(),
        nn.Conv2d(second, third, 3, padding=1, bias=False),
    )


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """Pooling, then 1x1; the pooling counts no padding. None where the block's input can be added as it is."""
    if stride == 1 and inputs == outputs:
        return None
    pooling = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(pooling, nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
