"""MobileNetV1 as TensorFlow defines it: 1001 classes (0 is the background), ReLU6, "SAME" padding, batch-norm epsilon 0.001.

Howard et al., MobileNets, arXiv 1704.04861. The module names follow the layout of ruotianluo/pytorch-mobilenet-from-tf,
so that state dicts converted from TensorFlow's checkpoint load without renaming.
"""

from __future__ import annotations

from torch import Tensor, nn

from builder.models.same_padding import SameConv2d

# (output channels, stride) of the thirteen depthwise-separable blocks.
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *(((512, 1),) * 5),
    (1024, 2),
    (1024, 1),
)
_BN_EPSILON = 0.001


def _normalised(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels, eps=_BN_EPSILON), nn.ReLU6())


class _Block(nn.Module):
    """One entry of `features`: its layers are under `conv`, as in the published key names."""

    def __init__(self, conv: nn.Sequential) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv(x)
        return result


class MobileNetV1(nn.Module):
    """(N, 3, 224, 224) -> logits (N, 1001)."""

    def __init__(self, classes: int = 1001) -> None:
        super().__init__()
        blocks, channels = [_Block(_normalised(SameConv2d(3, 32, 2)))], 32
        for outputs, stride in BLOCKS:
            depthwise = _normalised(SameConv2d(channels, channels, stride, groups=channels))
            pointwise = _normalised(nn.Conv2d(channels, outputs, 1, bias=False))
            blocks.append(_Block(nn.Sequential(depthwise, pointwise)))
            channels = outputs
        self.features = nn.Sequential(*blocks)
        self.classifier = nn.Conv2d(channels, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.features(x).mean((2, 3), keepdim=True)
        logits: Tensor = self.classifier(pooled)
        return logits.flatten(1)
