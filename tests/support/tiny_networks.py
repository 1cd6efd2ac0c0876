"""Networks that build in a second or two, some of which misbehave as their arguments say. For tests of builds."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from torch import Tensor, nn

CLASSES = 6


class TinyNet(nn.Module):
    """One convolution, the mean over the image, one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 8, 3, stride=2)
        self.classifier = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (1, CLASSES) of a (1, 3, H, W) image."""
        logits: Tensor = self.classifier(self.features(x).relu().mean((2, 3)))
        return logits


def tiny() -> TinyNet:
    """The network."""
    return TinyNet()


def held(signs: str) -> TinyNet:
    """The network, once the folder `signs` holds a file "go". Until then it says who builds it: a file "<process id>"."""
    folder = Path(signs)
    (folder / str(os.getpid())).touch()
    while not (folder / "go").exists():
        time.sleep(0.02)
    return TinyNet()


def deadly(signs: str) -> TinyNet:
    """Kills the process that builds it, as the system does for want of memory, and leaves a file with its id."""
    (Path(signs) / str(os.getpid())).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return TinyNet()


def wrong(signs: str) -> TinyNet:
    """Fails as a library might."""
    raise RuntimeError(f"no network today ({Path(signs).name})")


def labels() -> list[str]:
    """Names of the classes."""
    return [f"class {i}" for i in range(CLASSES)]
