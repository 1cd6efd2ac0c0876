"""The default boxes ("priors") of the SSDs, as float32 arrays (P, 4): centre x, centre y, width, height, as fractions of the image.

Computed in double precision and rounded once. tests/builder/test_priors.py holds the check values.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Priors: TypeAlias = "NDArray[np.float32]"


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


def ssd300_torchvision() -> Priors:
    """The 8,732 default boxes of torchvision's ssd300_vgg16: cell-major (row, column), four or six shapes inside a cell."""
    levels = ((38, 8, (2,)), (19, 16, (2, 3)), (10, 32, (2, 3)), (5, 64, (2, 3)), (3, 100, (2,)), (1, 300, (2,)))
    scales = (0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05)
    return _torchvision_default_boxes([(cells, 300 / step, ratios) for cells, step, ratios in levels], scales)


def ssdlite320_torchvision() -> Priors:
    """The 3,234 default boxes of torchvision's ssdlite320_mobilenet_v3_large: cell-major, six shapes inside a cell."""
    scales = [0.2 + 0.15 * level for level in range(6)] + [1.0]
    return _torchvision_default_boxes([(cells, cells, (2, 3)) for cells in (20, 10, 5, 3, 2, 1)], scales)


def _torchvision_default_boxes(levels: Sequence[tuple[int, float, Sequence[int]]], scales: Sequence[float]) -> Priors:
    """`levels`: cells on a side, how many cells the image's side is long, aspect ratios. Widths and heights are clamped, centres not."""
    rows = []
    for (cells, side, ratios), small, next_scale in zip(levels, scales, scales[1:], strict=False):
        shapes = [(small, small), (math.sqrt(small * next_scale),) * 2]
        for ratio in ratios:
            width, height = small * math.sqrt(ratio), small / math.sqrt(ratio)
            shapes += [(width, height), (height, width)]
        rows += [
            ((column + 0.5) / side, (row + 0.5) / side, min(width, 1.0), min(height, 1.0))
            for row, column in itertools.product(range(cells), repeat=2)
            for width, height in shapes
        ]
    return _array(rows)


def ssd300_mobilenet_v1_coco() -> Priors:
    """The 1,917 priors of MLPerf's SSD-MobileNetV1: cell-major (row, column), three or six shapes inside a cell; not clamped."""
    # TensorFlow's create_ssd_anchors: six scales in equal steps, then 1
    scales = [0.2 + 0.15 * level for level in range(6)] + [1.0]
    rows = []
    for level, cells in enumerate((19, 10, 5, 3, 2, 1)):
        scale, next_scale = scales[level : level + 2]
        shapes = [(0.1, 1.0), (scale, 2.0), (scale, 1 / 2)]  # scale, width / height
        if level:
            shapes = [(scale, ratio) for ratio in (1.0, 2.0, 1 / 2, 3.0, 1 / 3)] + [
                (math.sqrt(scale * next_scale), 1.0)
            ]
        for row, column in itertools.product(range(cells), repeat=2):
            centre = ((column + 0.5) / cells, (row + 0.5) / cells)
            rows += [(*centre, s * math.sqrt(ratio), s / math.sqrt(ratio)) for s, ratio in shapes]
    return _array(rows)


def _clamped(rows: Sequence[Sequence[float]]) -> Priors:
    return _array([[min(max(number, 0.0), 1.0) for number in row] for row in rows])


def _array(rows: Sequence[Sequence[float]]) -> Priors:
    import numpy as np  # not with the module: the catalogue names these functions, and `list` must answer at once

    return np.array(rows, dtype=np.float64).astype(np.float32)
