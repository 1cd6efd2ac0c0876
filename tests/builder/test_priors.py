"""The priors against the check values that were derived from the reference implementations."""

from __future__ import annotations

import numpy as np
import pytest

from builder.priors import Priors, ssd300_mobilenet_v1_coco, ssd300_voc, ssd1200_coco


def _sums(priors: Priors) -> list[float]:
    return [float(s) for s in priors.astype(np.float64).sum(0)]


def test_ssd300_has_the_published_priors() -> None:
    priors = ssd300_voc()
    assert priors.shape == (3000, 4)
    assert priors[0] == pytest.approx([0.0266667, 0.0266667, 0.2, 0.2], abs=1e-7)
    assert priors[1, 2:] == pytest.approx([0.2645751, 0.2645751], abs=1e-7)
    assert priors[2, 2:] == pytest.approx([0.2828427, 0.1414214], abs=1e-7)
    assert priors[6, 0] == pytest.approx(0.08, abs=1e-7)
    assert priors[-1] == pytest.approx([0.5, 0.5, 0.5484828, 1.0], abs=1e-7)
    assert _sums(priors) == pytest.approx([1538.64, 1538.64, 862.7490, 862.7490], abs=1e-3)


def test_ssd1200_has_the_published_priors() -> None:
    priors = ssd1200_coco()
    assert priors.shape == (15130, 4)
    assert priors[0] == pytest.approx([0.01, 0.01, 0.07, 0.07], abs=1e-7)
    assert priors[2500] == pytest.approx([0.01, 0.01, 0.10247, 0.10247], abs=1e-6)
    assert priors[-1] == pytest.approx([0.83333, 0.83333, 0.61518, 1.0], abs=1e-5)
    assert _sums(priors) == pytest.approx([7565, 7565, 2044.8974, 2044.8974], abs=1e-3)


def test_mlperfs_ssd300_has_tensorflows_anchors() -> None:
    """Three on the first map, six on the others; scales 0.2, 0.35 ... 0.95; not clamped, so that wide ones reach over the edge."""
    priors = ssd300_mobilenet_v1_coco()
    assert priors.shape == (19 * 19 * 3 + (100 + 25 + 9 + 4 + 1) * 6, 4) == (1917, 4)
    assert priors.dtype == np.float32
    assert priors[0] == pytest.approx([0.5 / 19, 0.5 / 19, 0.1, 0.1], abs=1e-7)
    assert priors[1, 2:] == pytest.approx([0.2828427, 0.1414214], abs=1e-7)
    assert priors[2, 2:] == pytest.approx([0.1414214, 0.2828427], abs=1e-7)
    assert priors[3, :2] == pytest.approx([1.5 / 19, 0.5 / 19], abs=1e-7)
    assert priors[1083] == pytest.approx([0.05, 0.05, 0.35, 0.35], abs=1e-7)
    assert priors[1086, 2:] == pytest.approx([0.6062178, 0.2020726], abs=1e-7)
    assert priors[1088, 2:] == pytest.approx([0.4183300, 0.4183300], abs=1e-7)
    assert priors[-1] == pytest.approx([0.5, 0.5, 0.9746794, 0.9746794], abs=1e-7)
    assert priors[-3, 2:] == pytest.approx([1.6454483, 0.5484828], abs=1e-6)
    assert _sums(priors) == pytest.approx([958.5, 958.5, 568.5628, 568.5628], abs=1e-3)


@pytest.mark.parametrize("priors", [ssd300_voc(), ssd1200_coco()], ids=["ssd300", "ssd1200"])
def test_priors_stay_within_the_image(priors: Priors) -> None:
    assert priors.dtype == np.float32
    assert priors.min() >= 0
    assert priors.max() <= 1
