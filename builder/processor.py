"""Which instructions PyTorch may use, so that it computes the same on every x86 processor since 2013. Imports no torch.

PyTorch, oneDNN and MKL choose kernels by the processor: with AVX-512 the last digits of convolutions differ from those with AVX2, and so
would the reference tensors' bytes. The libraries read these variables when they are loaded.
"""

from __future__ import annotations

import os

_SETTINGS = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}


def pin() -> None:
    """Call it before torch is imported; processes that are started later inherit it."""
    os.environ.update(_SETTINGS)
