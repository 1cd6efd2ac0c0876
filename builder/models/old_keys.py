"""State dicts whose keys are older than the classes that they are for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

# torchvision's DenseNet files of 2017 have "denselayer1.norm.1.weight" for what is now "denselayer1.norm1.weight".
_DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


def densenet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's published DenseNet weights, by the keys that its class has today."""
    return {_DENSE_LAYER.sub(r"\1\2", key): tensor for key, tensor in state.items()}
