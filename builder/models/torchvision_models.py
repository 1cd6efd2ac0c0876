"""Networks that torchvision defines, as the builder constructs them: without weights."""

from __future__ import annotations

from torch import nn
from torchvision import models


def resnet50() -> nn.Module:
    """ResNet-50 with stride in the 3x3 (He et al., arXiv 1512.03385; torchvision's variant): (N, 3, 224, 224) -> logits (N, 1000)."""
    network: nn.Module = models.resnet50(weights=None)
    return network
