"""The default boxes ("priors") of the SSDs, as float32 arrays (P, 4): centre x, centre y, width, height, as fractions of the image.

Computed in double precision and rounded once. tests/builder/test_priors.py holds the check values.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

Priors = NDArray[np.float32]


def ssd300_voc() -> Priors:
    """The 3,000 priors of qfgaohao's SSD300: cell-major (row, column), six shapes inside a cell; all clamped to [0, 1]."""
    size = 300
    # (cells on a side, pixels from one cell to the next, size of the small square, size that the large square is made with)
    levels = (
        (19, 16, 60, 105),
        (10, 32, 105, 150),
        (5, 64, 150, 195),
        (3, 100, 195, 240),
        (2, 150, 240, 285),
        (1, 300, 285, 330),
    )
    rows = []
    for cells, step, small, large in levels:
        shapes = [(small, small), (math.sqrt(small * large),) * 2]
        for ratio in (2, 3):
            shapes += [
                (small * math.sqrt(ratio), small / math.sqrt(ratio)),
                (small / math.sqrt(ratio), small * math.sqrt(ratio)),
            ]
        for row, column in itertools.product(range(cells), repeat=2):
            centre = ((column + 0.5) * step / size, (row + 0.5) * step / size)
            rows += [(*centre, width / size, height / size) for width, height in shapes]
    return _clamped(rows)


def ssd1200_coco() -> Priors:
    """The 15,130 priors of MLPerf's SSD-ResNet34: level, then shape, then row, then column; all clamped to [0, 1]."""
    size = 1200
    cells_per_level = (50, 25, 13, 7, 3, 3)
    scales = [4 * s for s in (21, 45, 99, 153, 207, 261, 315)]
    ratios_per_level = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
    rows = []
    for level, (cells, ratios) in enumerate(zip(cells_per_level, ratios_per_level, strict=True)):
        small, large = scales[level], math.sqrt(scales[level] * scales[level + 1])
        shapes: list[tuple[float, float]] = [(small, small), (large, large)]
        for ratio in ratios:
            width, height = small * math.sqrt(ratio), small / math.sqrt(ratio)
            shapes += [(width, height), (height, width)]
        rows += [
            ((column + 0.5) / cells, (row + 0.5) / cells, width / size, height / size)
            for (width, height), row, column in itertools.product(shapes, range(cells), range(cells))
        ]
    return _clamped(rows)


def _clamped(rows: list[tuple[float, float, float, float]]) -> Priors:
    return np.clip(np.array(rows, dtype=np.float64), 0, 1).astype(np.float32)
