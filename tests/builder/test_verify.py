"""Comparing outputs: what passes, what fails, and that nothing passes in silence."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from builder.catalogue.classifiers import RESNET50
from builder.catalogue.detectors import FASTERRCNN_RESNET50_FPN, SSD_MOBILENET_V1
from builder.detection import Detection
from builder.records import Raw, Tolerance, TopK, Verification
from builder.spec import SsdSpec
from builder.verify import compare, describe, matched, top_k, verify

Array = NDArray[np.float32]
TOLERANCE = Tolerance(output="logits", atol=0.01, rtol=0.1, reason="test")


def _array(*values: float) -> Array:
    return np.array([values], np.float32)


def test_equal_outputs_use_none_of_the_tolerance() -> None:
    result = compare(_array(1, -2, 0), _array(1, -2, 0), TOLERANCE)
    assert (result.max_abs_diff, result.max_rel_diff, result.tolerance_used, result.passed) == (0, 0, 0, True)


def test_differences_are_the_greatest_ones() -> None:
    result = compare(_array(1.05, -2, 0.02), _array(1, -2, 0), TOLERANCE)
    assert result.max_abs_diff == pytest.approx(0.05, abs=1e-6)
    assert result.max_rel_diff == pytest.approx(0.05, abs=1e-6)
    assert result.tolerance_used == pytest.approx(0.02 / 0.01, rel=1e-5)
    assert not result.passed


def test_the_limit_itself_passes() -> None:
    exact = Tolerance(output="logits", atol=0.25, rtol=0, reason="exact in binary")
    assert compare(_array(1.25), _array(1), exact).passed
    assert not compare(_array(1.2501), _array(1), exact).passed


def test_a_tolerance_of_zero_asks_for_equality() -> None:
    exact = Tolerance(output="logits", atol=0, rtol=0, reason="exact")
    assert compare(_array(1, 2), _array(1, 2), exact).passed
    assert not compare(_array(1, 2.0001), _array(1, 2), exact).passed


@pytest.mark.parametrize(
    "actual",
    [None, _array(1, 2), _array(1, math.nan, 3), _array(math.inf, 2, 3), np.zeros((3,), np.float32)],
    ids=["missing", "another shape", "NaN", "infinity", "another rank"],
)
def test_what_cannot_be_compared_fails_without_numbers(actual: Array | None) -> None:
    result = compare(actual, _array(1, 2, 3), TOLERANCE)
    assert not result.passed
    assert (result.max_abs_diff, result.max_rel_diff, result.tolerance_used) == (None, None, None)


def test_whole_numbers_are_compared_as_whole_numbers() -> None:
    """2**60 and 2**60 + 1 are the same number in float64."""
    exact = Tolerance(output="count", atol=0, rtol=0, reason="exact")
    great, next_one = np.array([7, 2**60], np.int64), np.array([7, 2**60 + 1], np.int64)
    assert compare(great, great, exact).passed
    off = compare(next_one, great, exact)
    assert (off.passed, off.max_abs_diff) == (False, 1)
    assert compare(np.array([-(2**63)]), np.array([2**63 - 1]), exact).max_abs_diff == 2.0**64
    counted = verify({"count": next_one}, {"count": great}, (exact,), Raw(kind="raw"), None, reference="n", runtime="t")
    assert (counted.task.expected, counted.task.matched, counted.passed) == (2, 1, False)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(np.float32, np.int64), (np.int64, np.float32), (np.float64, np.float32), (np.int32, np.int64)],
)
def test_another_type_fails_without_numbers(actual: type[np.generic], expected: type[np.generic]) -> None:
    result = compare(np.array([1, 2]).astype(actual), np.array([1, 2]).astype(expected), TOLERANCE)
    assert (result.passed, result.max_abs_diff, result.tolerance_used) == (False, None, None)


def test_top_k_takes_the_lower_class_where_two_are_equal() -> None:
    assert top_k(_array(1, 3, 3, 2, 0, 3), 5) == [1, 2, 5, 3, 0]


def _verify_logits(actual: Array, expected: Array) -> tuple[bool, int, str]:
    result = verify(
        {"logits": actual},
        {"logits": expected},
        [Tolerance(output="logits", atol=1, rtol=1, reason="wide")],
        TopK(kind="top_k", k=5),
        None,
        reference="photograph",
        runtime="test",
    )
    return result.passed, result.task.matched, describe(result)


def test_another_order_in_the_top_five_fails_even_within_tolerance() -> None:
    expected = _array(5, 4, 3, 2, 1, 0)
    assert _verify_logits(expected, expected)[:2] == (True, 5)
    passed, agreeing, words = _verify_logits(_array(5, 4, 2.9, 3, 1, 0), expected)
    assert (passed, agreeing) == (False, 3)
    assert "3 of 5 top-5 places agree" in words


def test_nan_fails_the_task_too() -> None:
    passed, agreeing, words = _verify_logits(_array(math.nan, 4, 3, 2, 1, 0), _array(5, 4, 3, 2, 1, 0))
    assert (passed, agreeing) == (False, 0)
    assert "not finite" in words


BOX = Detection(3, 0.5, (0.1, 0.1, 0.6, 0.6), 0)


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"score": 0.5009}, True),
        ({"score": 0.5011}, False),
        ({"class_index": 4}, False),
        ({"box": (0.1, 0.1, 0.602, 0.6)}, True),
        ({"box": (0.1, 0.1, 0.61, 0.6)}, False),
    ],
)
def test_a_pair_needs_class_score_and_place(change: dict[str, object], fits: bool) -> None:
    assert matched([BOX], [dataclasses.replace(BOX, **change)]) == int(fits)  # type: ignore[arg-type]


def test_each_detection_is_in_one_pair_at_the_most() -> None:
    assert matched([BOX, BOX], [BOX]) == 1
    assert matched([BOX], [BOX, BOX]) == 1
    assert matched([], [BOX]) == 0


def test_a_box_without_area_matches_itself() -> None:
    point = dataclasses.replace(BOX, box=(0.5, 0.5, 0.5, 0.5))
    assert matched([point], [point]) == 1


def _heads(shift: float) -> dict[str, Array]:
    rng = np.random.default_rng(3)
    rule = SSD_MOBILENET_V1.postprocessing
    assert isinstance(rule, SsdSpec)
    return {
        "locations": rng.standard_normal((1, 3000, 4), dtype=np.float32),
        "scores": rng.standard_normal((1, 3000, 21), dtype=np.float32)
        + np.float32(shift) * np.eye(21, dtype=np.float32)[0],
    }


def test_detections_are_compared_both_ways() -> None:
    rule = SSD_MOBILENET_V1.postprocessing
    assert isinstance(rule, SsdSpec)
    heads, fewer = _heads(4), _heads(6)
    priors = rule.make_priors()
    wide = [Tolerance(output=name, atol=10, rtol=10, reason="wide") for name in heads]
    same = verify(heads, heads, wide, rule, priors, reference="noise", runtime="test")
    other = verify(fewer, heads, wide, rule, priors, reference="noise", runtime="test")
    assert same.passed
    assert same.task.expected == same.task.actual == same.task.matched > 0
    assert not other.passed


def test_boxes_that_overflow_count_as_nothing_found() -> None:
    rule = SSD_MOBILENET_V1.postprocessing
    assert isinstance(rule, SsdSpec)
    heads, wild = _heads(4), _heads(4)
    wild["locations"][0, :, 2] = 1e6
    result = verify(wild, heads, SSD_MOBILENET_V1.tolerances, rule, rule.make_priors(), reference="noise", runtime="t")
    assert not result.passed
    assert result.task.actual == 0


def test_every_output_of_the_catalogue_has_a_tolerance() -> None:
    for spec in (RESNET50, SSD_MOBILENET_V1):
        assert [t.output for t in spec.tolerances] == [o.name for o in spec.outputs]


def test_an_output_without_a_tolerance_is_not_passed_over() -> None:
    rule = SSD_MOBILENET_V1.postprocessing
    assert isinstance(rule, SsdSpec)
    with pytest.raises(ValueError, match="do not fit the outputs"):
        verify(
            _heads(4), _heads(4), SSD_MOBILENET_V1.tolerances[1:], rule, rule.make_priors(), reference="n", runtime="t"
        )


BOXES = FASTERRCNN_RESNET50_FPN.postprocessing
BOX_TOLERANCES = tuple(
    Tolerance(output=name, atol=atol, rtol=0, reason="test")
    for name, atol in (("boxes", 0.01), ("labels", 0), ("scores", 1e-3))
)


def _given(*rows: tuple[float, float, float, float, int, float]) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    """Detections as a graph gives them: left, top, right, bottom, label, score."""
    return {
        "boxes": np.array([row[:4] for row in rows], np.float32).reshape(-1, 4),
        "labels": np.array([row[4] for row in rows], np.int64),
        "scores": np.array([row[5] for row in rows], np.float32),
    }


CAT, DOG = (10, 20, 110, 220, 17, 0.9), (50, 60, 90, 100, 18, 0.9)


def _verify_boxes(actual: object, expected: object) -> Verification:
    return verify(actual, expected, BOX_TOLERANCES, BOXES, None, reference="photograph", runtime="test")  # type: ignore[arg-type]


def test_detections_in_another_order_are_compared_with_their_partners() -> None:
    shifted = (10.005, 20, 110, 220, 17, 0.9)
    result = _verify_boxes(_given(DOG, shifted), _given(CAT, DOG))
    assert result.passed
    assert (result.task.measure, result.task.expected, result.task.matched) == ("detections", 2, 2)
    boxes, labels, _ = result.outputs
    assert boxes.max_abs_diff == pytest.approx(0.005, abs=1e-5)
    assert labels.max_abs_diff == 0


@pytest.mark.parametrize(
    "actual",
    [
        _given(CAT),
        _given(CAT, DOG, DOG),
        _given(CAT, (*DOG[:4], 19, 0.9)),
        _given(CAT, (*DOG[:5], 0.898)),
        _given(CAT, (50, 60, 91, 100, 18, 0.9)),
        _given(CAT, (50, 60, math.nan, 100, 18, 0.9)),
        {**_given(CAT, DOG), "labels": np.zeros(3, np.int64)},
        {"boxes": np.zeros((2, 4), np.float32)},
    ],
    ids=["one missing", "one over", "class", "score", "box", "NaN", "shape", "output missing"],
)
def test_a_detection_without_a_partner_fails_every_output_without_numbers(actual: object) -> None:
    result = _verify_boxes(actual, _given(CAT, DOG))
    assert not result.passed
    assert not result.task.passed
    assert [o.max_abs_diff for o in result.outputs] == [None, None, None]


def test_partners_must_also_be_within_the_tolerance() -> None:
    result = _verify_boxes(_given((10.1, 20, 110, 220, 17, 0.9)), _given(CAT))
    assert result.task.passed
    assert [o.passed for o in result.outputs] == [False, True, True]
    assert not result.passed


def test_no_detections_on_both_sides_agree() -> None:
    result = _verify_boxes(_given(), _given())
    assert result.passed
    assert [o.max_abs_diff for o in result.outputs] == [0, 0, 0]
    assert not _verify_boxes(_given(CAT), _given()).passed


def test_raw_outputs_are_counted_number_by_number() -> None:
    rule = Raw(kind="raw")
    expected = {"logits": _array(1, 2, 3)}
    right = verify(
        {"logits": _array(1.05, 2, 3)}, expected, (TOLERANCE,), rule, None, reference="noise", runtime="test"
    )
    assert (right.passed, right.task.measure, right.task.expected, right.task.matched) == (True, "elements", 3, 3)
    wrong = verify({"logits": _array(1, 3, 3)}, expected, (TOLERANCE,), rule, None, reference="noise", runtime="test")
    assert (wrong.passed, wrong.task.matched, wrong.task.actual) == (False, 2, 3)
