"""Comparing outputs with PyTorch's: per output by tolerance, and by the task's own measure. Silence is not a pass.

web/compare.js is the same in JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from builder.detection import Detection, SsdSettings, detect, iou
from builder.records import (
    OutputVerification,
    TaskVerification,
    Tolerance,
    TopK,
    Verification,
)

Array = NDArray[np.float32]
Tensors = Mapping[str, Array]

PostprocessingRule = TopK | SsdSettings

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
    outputs = tuple(compare(actual.get(t.output), expected[t.output], t) for t in tolerances)
    comparable = all(o.tolerance_used is not None for o in outputs)
    task = _compare_task(actual if comparable else None, expected, postprocessing, priors)
    return Verification(
        reference=reference,
        runtime=runtime,
        outputs=outputs,
        task=task,
        passed=task.passed and all(o.passed for o in outputs),
    )


def compare(actual: Array | None, expected: Array, tolerance: Tolerance) -> OutputVerification:
    """How far `actual` is from `expected`. An absent output, another shape, NaN or infinity is a failure without numbers."""
    if actual is None or actual.shape != expected.shape or not np.isfinite(actual).all():
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
    difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    notable = magnitude >= _NEAR_ZERO * magnitude.max()
    relative = np.divide(difference, magnitude, out=np.zeros_like(difference), where=notable & (magnitude > 0))
    used = _used(difference, tolerance.atol + tolerance.rtol * magnitude)
    return OutputVerification(
        output=tolerance.output,
        max_abs_diff=float(difference.max()),
        max_rel_diff=float(relative.max()),
        tolerance_used=used,
        atol=tolerance.atol,
        rtol=tolerance.rtol,
        passed=used <= 1,
    )


def _used(difference: NDArray[np.float64], limit: NDArray[np.float64]) -> float:
    """Greatest difference / limit; where the limit is 0, no difference uses nothing of it and any difference is over it."""
    ratio = np.divide(difference, limit, out=np.where(difference > 0, 2.0, 0.0), where=limit > 0)
    return float(ratio.max())


def top_k(logits: Array, k: int) -> list[int]:
    """The classes of the `k` greatest of logits (1, C), in order; the lower index first where two are equal."""
    return [int(i) for i in np.lexsort((np.arange(logits.shape[1]), -logits[0]))[:k]]


def matched(expected: Sequence[Detection], actual: Sequence[Detection]) -> int:
    """How many pairs there are of one expected and one actual detection with the same class, an IoU of at least 0.99 and
    scores within 0.001; each detection is in one pair at the most, the greatest IoU goes first."""
    free = set(range(len(actual)))
    count = 0
    for wanted in expected:
        fitting = [
            (-overlap, index)
            for index in sorted(free)
            if actual[index].class_index == wanted.class_index
            and abs(actual[index].score - wanted.score) <= MAX_SCORE_DIFFERENCE
            and (overlap := _iou(wanted, actual[index])) >= MIN_IOU
        ]
        if fitting:
            free.remove(min(fitting)[1])
            count += 1
    return count


def detections(outputs: Tensors, settings: SsdSettings, priors: Array) -> list[Detection]:
    """What the SSD found, from its graph's outputs."""
    return detect(outputs[settings.locations_output], outputs[settings.scores_output], priors, settings)


def _iou(one: Detection, other: Detection) -> float:
    """Intersection over union; 1 for equal boxes, also where they have no area and so no union."""
    if one.box == other.box:
        return 1.0
    return float(iou(np.array(one.box, np.float32), np.array([other.box], np.float32))[0])


def _compare_task(
    actual: Tensors | None, expected: Tensors, postprocessing: PostprocessingRule, priors: Array | None
) -> TaskVerification:
    if isinstance(postprocessing, TopK):
        wanted = top_k(_only(expected), postprocessing.k)
        found = top_k(_only(actual), postprocessing.k) if actual is not None else []
        agreeing = sum(a == b for a, b in zip(wanted, found, strict=False))
        return _task("top_5", len(wanted), len(found), agreeing)
    assert priors is not None
    wanted_boxes = detections(expected, postprocessing, priors)
    try:
        found_boxes = detections(actual, postprocessing, priors) if actual is not None else []
    except ValueError:  # finite outputs, but so far off that a box overflows: nothing was found
        found_boxes = []
    return _task("detections", len(wanted_boxes), len(found_boxes), matched(wanted_boxes, found_boxes))


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


def _only(tensors: Tensors) -> Array:
    (single,) = tensors.values()
    return single


def describe(verification: Verification) -> str:
    """A verification in words: each output's difference against its tolerance, and the task's measure."""
    parts = []
    for o in verification.outputs:
        if o.tolerance_used is None:
            parts.append(f"{o.output}: missing, of another shape, or not finite")
        else:
            parts.append(
                f"{o.output}: greatest difference {o.max_abs_diff:.2g} (relative {o.max_rel_diff:.2g}), "
                f"{o.tolerance_used:.0%} of the tolerance {o.atol:g} + {o.rtol:g} x |reference|"
            )
    task = verification.task
    label = "top-5 places" if task.measure == "top_5" else "detections"
    parts.append(f"{task.matched} of {task.expected} {label} agree ({task.actual} found)")
    return "; ".join(parts)
