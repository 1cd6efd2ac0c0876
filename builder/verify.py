"""Comparing outputs with PyTorch's: per output by tolerance, and by the task's own measure. Silence is not a pass.

web/compare.js is the same in JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.detection import Detection, SsdSettings, detect, iou
from builder.records import (
    Boxes,
    OutputVerification,
    Raw,
    TaskVerification,
    Tolerance,
    TopK,
    Verification,
)

Array = NDArray[np.float32]
Tensors = Mapping[str, NDArray[np.float32] | NDArray[np.int64]]
Pairs = list[tuple[int, int]]  # rows of the expected and of the actual detections that belong together

PostprocessingRule = TopK | SsdSettings | Boxes | Raw

MIN_IOU = 0.99
MAX_SCORE_DIFFERENCE = 1e-3
# Elements below this fraction of the greatest magnitude are left out of the greatest relative difference.
_NEAR_ZERO = 0.01


def verify(
    actual: Tensors,
    expected: Tensors,
    tolerances: Sequence[Tolerance],
    postprocessing: PostprocessingRule,
    priors: Array | None,
    *,
    reference: str,
    runtime: str,
) -> Verification:
    """Compare every output, then the task's result. Raises ValueError unless each output has one tolerance."""
    if sorted(t.output for t in tolerances) != sorted(expected):
        raise ValueError(f"tolerances for {[t.output for t in tolerances]} do not fit the outputs {list(expected)}")
    if isinstance(postprocessing, Boxes):
        outputs, task = _verify_boxes(actual, expected, tolerances, postprocessing)
    else:
        outputs = tuple(compare(actual.get(t.output), expected[t.output], t) for t in tolerances)
        comparable = all(o.tolerance_used is not None for o in outputs)
        task = _compare_task(actual if comparable else None, expected, tolerances, postprocessing, priors)
    return Verification(
        reference=reference,
        runtime=runtime,
        outputs=outputs,
        task=task,
        passed=task.passed and all(o.passed for o in outputs),
    )


def compare(actual: NDArray[Any] | None, expected: NDArray[Any], tolerance: Tolerance) -> OutputVerification:
    """How far `actual` is from `expected`. An absent output, another shape or type, NaN or infinity is a failure without numbers."""
    if actual is None or not _alike(actual, expected) or not np.isfinite(actual).all():
        return OutputVerification(
            output=tolerance.output,
            max_abs_diff=None,
            max_rel_diff=None,
            tolerance_used=None,
            atol=tolerance.atol,
            rtol=tolerance.rtol,
            passed=False,
        )
    magnitude = np.abs(expected.astype(np.float64))
    difference = _difference(actual, expected)
    notable = magnitude >= _NEAR_ZERO * magnitude.max(initial=0)
    relative = np.divide(difference, magnitude, out=np.zeros_like(difference), where=notable & (magnitude > 0))
    used = float(_used(difference, tolerance.atol + tolerance.rtol * magnitude).max(initial=0))
    return OutputVerification(
        output=tolerance.output,
        max_abs_diff=float(difference.max(initial=0)),
        max_rel_diff=float(relative.max(initial=0)),
        tolerance_used=used,
        atol=tolerance.atol,
        rtol=tolerance.rtol,
        passed=used <= 1,
    )


def _alike(actual: NDArray[Any], expected: NDArray[Any]) -> bool:
    return actual.shape == expected.shape and actual.dtype == expected.dtype


def _difference(actual: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.float64]:
    """|actual - expected|. Whole numbers that differ differ by 1 at least, also where float64 does not tell them apart."""
    difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    if np.issubdtype(expected.dtype, np.integer):
        difference = np.where(actual == expected, 0.0, np.maximum(difference, 1.0))
    return difference


def _used(difference: NDArray[np.float64], limit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Difference / limit; where the limit is 0, no difference uses nothing of it and any difference is over it."""
    return np.divide(difference, limit, out=np.where(difference > 0, 2.0, 0.0), where=limit > 0)


def top_k(logits: NDArray[Any], k: int) -> list[int]:
    """The classes of the `k` greatest of logits (1, C), in order; the lower index first where two are equal."""
    return [int(i) for i in np.lexsort((np.arange(logits.shape[1]), -logits[0]))[:k]]


def matched(expected: Sequence[Detection], actual: Sequence[Detection]) -> int:
    """How many detections of `expected` have a partner in `actual`, one to one."""
    return len(pairs(expected, actual))


def pairs(expected: Sequence[Detection], actual: Sequence[Detection]) -> Pairs:
    """Positions of one expected and one actual detection each, with the same class, an IoU of at least 0.99 and scores within
    0.001; each detection is in one pair at the most, the greatest IoU goes first."""
    free = set(range(len(actual)))
    found: Pairs = []
    for row, wanted in enumerate(expected):
        fitting = [
            (-overlap, index)
            for index in sorted(free)
            if actual[index].class_index == wanted.class_index
            and abs(actual[index].score - wanted.score) <= MAX_SCORE_DIFFERENCE
            and (overlap := _iou(wanted, actual[index])) >= MIN_IOU
        ]
        if fitting:
            partner = min(fitting)[1]
            free.remove(partner)
            found.append((row, partner))
    return found


def detections(outputs: Tensors, settings: SsdSettings | Boxes, priors: Array | None) -> list[Detection]:
    """What a detector found, from its graph's outputs. Raises ValueError for outputs from which no detection follows."""
    if isinstance(settings, Boxes):
        return _given_boxes(outputs, settings)
    assert priors is not None
    locations, scores = outputs[settings.locations_output], outputs[settings.scores_output]
    return detect(locations.astype(np.float32, copy=False), scores.astype(np.float32, copy=False), priors, settings)


def _given_boxes(outputs: Tensors, rule: Boxes) -> list[Detection]:
    boxes, labels, scores = (outputs[n] for n in (rule.boxes_output, rule.labels_output, rule.scores_output))
    count = len(boxes)
    if boxes.shape != (count, 4) or labels.shape != (count,) or scores.shape != (count,):
        raise ValueError(
            f"detections of shapes {boxes.shape}, {labels.shape} and {scores.shape} do not fit one another"
        )
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise ValueError("detections hold NaN or infinity")
    return [
        Detection(int(label), float(score), (float(b[0]), float(b[1]), float(b[2]), float(b[3])), row)
        for row, (b, label, score) in enumerate(zip(boxes, labels, scores, strict=True))
    ]


def _verify_boxes(
    actual: Tensors, expected: Tensors, tolerances: Sequence[Tolerance], rule: Boxes
) -> tuple[tuple[OutputVerification, ...], TaskVerification]:
    """Pair the detections, then compare the rows of each pair; without a partner for each there is nothing to compare."""
    wanted = detections(expected, rule, None)
    try:
        found = detections(actual, rule, None)
    except (ValueError, KeyError):
        found, whole = [], False
    else:
        whole = True
    together = pairs(wanted, found)
    task = _task("detections", len(wanted), len(found), len(together))
    complete = whole and task.passed
    order = [partner for _, partner in together]
    outputs = tuple(compare(actual[t.output][order] if complete else None, expected[t.output], t) for t in tolerances)
    return outputs, task


def _iou(one: Detection, other: Detection) -> float:
    """Intersection over union; 1 for equal boxes, also where they have no area and so no union."""
    if one.box == other.box:
        return 1.0
    return float(iou(np.array(one.box, np.float32), np.array([other.box], np.float32))[0])


def _compare_task(
    actual: Tensors | None,
    expected: Tensors,
    tolerances: Sequence[Tolerance],
    postprocessing: TopK | SsdSettings | Raw,
    priors: Array | None,
) -> TaskVerification:
    if isinstance(postprocessing, Raw):
        within = sum(_count_within(actual[t.output], expected[t.output], t) for t in tolerances) if actual else 0
        elements = sum(array.size for array in expected.values())
        return _task("elements", elements, sum(array.size for array in actual.values()) if actual else 0, within)
    if isinstance(postprocessing, TopK):
        wanted = top_k(_only(expected), postprocessing.k)
        found = top_k(_only(actual), postprocessing.k) if actual is not None else []
        agreeing = sum(a == b for a, b in zip(wanted, found, strict=False))
        return _task("top_5", len(wanted), len(found), agreeing)
    wanted_boxes = detections(expected, postprocessing, priors)
    try:
        found_boxes = detections(actual, postprocessing, priors) if actual is not None else []
    except ValueError:  # finite outputs, but so far off that a box overflows: nothing was found
        found_boxes = []
    return _task("detections", len(wanted_boxes), len(found_boxes), matched(wanted_boxes, found_boxes))


def _count_within(actual: NDArray[Any], expected: NDArray[Any], tolerance: Tolerance) -> int:
    difference = _difference(actual, expected)
    limit = tolerance.atol + tolerance.rtol * np.abs(expected.astype(np.float64))
    return int((_used(difference, limit) <= 1).sum())


def _task(measure: str, expected: int, actual: int, agreeing: int) -> TaskVerification:
    return TaskVerification.model_validate(
        {
            "measure": measure,
            "expected": expected,
            "actual": actual,
            "matched": agreeing,
            "passed": expected == actual == agreeing,
        }
    )


def _only(tensors: Tensors) -> NDArray[Any]:
    (single,) = tensors.values()
    return single


def describe(verification: Verification) -> str:
    """A verification in words: each output's difference against its tolerance, and the task's measure."""
    parts = []
    for o in verification.outputs:
        if o.tolerance_used is None:
            parts.append(f"{o.output}: missing, of another shape or type, not finite, or a detection without a partner")
        else:
            parts.append(
                f"{o.output}: greatest difference {o.max_abs_diff:.2g} (relative {o.max_rel_diff:.2g}), "
                f"{o.tolerance_used:.0%} of the tolerance {o.atol:g} + {o.rtol:g} x |reference|"
            )
    task = verification.task
    label = {"top_5": "top-5 places", "detections": "detections", "elements": "numbers"}[task.measure]
    parts.append(f"{task.matched} of {task.expected} {label} agree ({task.actual} found)")
    return "; ".join(parts)
