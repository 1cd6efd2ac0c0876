"""From an SSD's raw head outputs to detections, in plain numpy: scores, decoding, per-class non-maximum suppression.

web/detection.js is the same algorithm, and tests hold the two together. To make that possible on any device, sums are taken in
a stated order in double precision, and scores and corners are rounded to float32 before anything is compared: the last-digit
differences between two libraries' exp() then vanish, and ties are broken by rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.records import Ssd
from builder.spec import SsdSpec

Array = NDArray[np.float32]


SsdSettings = Ssd | SsdSpec  # the same numbers, as the manifest holds them and before the priors are written


@dataclass(frozen=True)
class Detection:
    """One object found. `box` is left, top, right, bottom, as fractions of the image where an SSD's `prior` made it, in pixels of the
    input where the graph itself gives detections; `prior` is then the row."""

    class_index: int
    score: float
    box: tuple[float, float, float, float]
    prior: int


def detect(locations: Array, logits: Array, priors: Array, settings: SsdSettings) -> list[Detection]:
    """Detections for one image, the greatest score first; equal scores by class, then by prior.

    locations (1, P, 4) and logits (1, P, C) when settings.layout is "prior_major", (1, 4, P) and (1, C, P) when it is
    "channel_major"; priors (P, 4). Class 0 is the background. Raises ValueError when shapes do not fit or the outputs hold
    NaN or infinity, from which no detection follows.
    """
    locations, logits = _prior_major(locations, logits, priors, settings.layout)
    if not (np.isfinite(locations).all() and np.isfinite(logits).all()):
        raise ValueError("head outputs hold NaN or infinity")
    scores = softmax(logits) if settings.score_activation == "softmax" else sigmoid(logits)
    boxes = decode(locations, priors, settings)
    if not np.isfinite(boxes).all():
        raise ValueError("decoded boxes hold NaN or infinity")
    found = [
        (class_index, int(prior))
        for class_index in range(1, scores.shape[1])
        for prior in suppress(boxes, scores[:, class_index], settings)
    ]
    found.sort(key=lambda pair: (-scores[pair[1], pair[0]], pair[0], pair[1]))
    return [
        Detection(c, float(scores[p, c]), (float(b[0]), float(b[1]), float(b[2]), float(b[3])), p)
        for c, p in found[: settings.max_detections]
        for b in (boxes[p],)
    ]


def softmax(logits: Array) -> Array:
    """Class probabilities per row: (P, C) -> (P, C). Classes are summed in order, in double precision."""
    wide = logits.astype(np.float64)
    exponentials = np.exp(wide - wide.max(axis=1, keepdims=True))
    total = np.zeros(len(wide))
    for column in exponentials.T:
        total += column
    probabilities: Array = (exponentials / total[:, None]).astype(np.float32)
    return probabilities


def sigmoid(logits: Array) -> Array:
    """Each class's own probability: (P, C) -> (P, C)."""
    with np.errstate(over="ignore"):  # exp(-logit) may be infinite: the probability is 0 then
        return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


def decode(locations: Array, priors: Array, settings: SsdSettings) -> Array:
    """Boxes as left, top, right, bottom: offsets (P, 4) from priors (P, 4) -> (P, 4)."""
    offset, prior = locations.astype(np.float64), priors.astype(np.float64)
    centre = offset[:, :2] * settings.centre_variance * prior[:, 2:] + prior[:, :2]
    log_size = offset[:, 2:] * settings.size_variance
    if settings.max_log_size is not None:
        log_size = np.minimum(log_size, settings.max_log_size)
    with np.errstate(over="ignore"):
        half = np.exp(log_size) * prior[:, 2:] / 2
        corners = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return np.clip(corners, 0, 1) if settings.clip else corners


def suppress(boxes: Array, scores: Array, settings: SsdSettings) -> list[int]:
    """Greedy non-maximum suppression for one class: indices of the boxes kept, the greatest score first.

    Boxes (P, 4) and scores (P,). Only scores over the threshold take part, at most `candidates_per_class` of them.
    """
    over = np.flatnonzero(scores.astype(np.float64) > settings.score_threshold)
    candidates = over[np.lexsort((over, -scores[over]))][: settings.candidates_per_class]
    kept: list[int] = []
    while candidates.size:
        best, rest = candidates[0], candidates[1:]
        kept.append(int(best))
        overlap = iou(boxes[best], boxes[rest])
        too_much = overlap > settings.iou_threshold
        if settings.suppress_at_threshold:
            too_much |= overlap == settings.iou_threshold
        candidates = rest[~too_much]
    return kept


def iou(box: Array, others: Array) -> NDArray[np.float64]:
    """Intersection over union of one box (4,) with others (N, 4): (N,). Zero where the union is empty."""
    one, many = box.astype(np.float64), others.astype(np.float64)
    sides = np.minimum(one[2:], many[:, 2:]) - np.maximum(one[:2], many[:, :2])
    inside = np.clip(sides, 0, None).prod(axis=1)
    union = (one[2:] - one[:2]).prod() + (many[:, 2:] - many[:, :2]).prod(axis=1) - inside
    overlap: NDArray[np.float64] = np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)
    return overlap


def _prior_major(locations: Array, logits: Array, priors: Array, layout: str) -> tuple[Array, Array]:
    count = len(priors)
    if layout == "channel_major":
        locations, logits = locations.swapaxes(1, 2), logits.swapaxes(1, 2)
    if locations.shape != (1, count, 4) or logits.ndim != 3 or logits.shape[:2] != (1, count):
        raise ValueError(f"head outputs of shapes {locations.shape} and {logits.shape} do not fit {count} priors")
    return locations[0], logits[0]
