"""Models whose graphs give detections, and models of which nothing is known, are judged in the page as in Python."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from builder import verify
from builder.records import Boxes, Raw, Tolerance
from tests.support.javascript import JavaScript, close

Array = NDArray[Any]
Arrays = dict[str, Array]

VERIFY = """({verifier}, cases) => cases.map(({actual, expected, tolerances, postprocessing}) => {
  const number = value => value === 'nan' ? NaN : value === 'inf' ? Infinity : value;
  const tensors = all => Object.fromEntries(Object.entries(all).map(([name, {whole, data, dims}]) =>
    [name, {data: (whole ? Float64Array : Float32Array).from(data, number), dims}]));
  const outputs = tolerances.map(({output}) => ({name: output}));
  const labels = {reference: 'photograph', runtime: 'a test'};
  return verifier({outputs, postprocessing}, {tolerances}, tensors(expected), null, labels)(tensors(actual));
})"""
BOXES = Boxes(kind="boxes", boxes_output="boxes", labels_output="labels", scores_output="scores")
RAW = Raw(kind="raw")


def tolerances(*names: str) -> tuple[Tolerance, ...]:
    return tuple(Tolerance(output=n, atol=1e-3, rtol=1e-3, reason="test") for n in names)


def assert_judged_alike(
    javascript: JavaScript, postprocessing: Boxes | Raw, cases: list[tuple[Arrays, Arrays]]
) -> None:
    """Each pair of actual and expected outputs gives the same verification in JavaScript and in Python."""
    names = list(cases[0][1])
    limits = tolerances(*names)
    sent = [
        {
            "actual": sendable(actual),
            "expected": sendable(expected),
            "tolerances": [limit.model_dump() for limit in limits],
            "postprocessing": postprocessing.model_dump(),
        }
        for actual, expected in cases
    ]
    found = cast(list[dict[str, Any]], javascript("compare.js", VERIFY, sent))
    for (actual, expected), ours in zip(cases, found, strict=True):
        theirs = verify.verify(
            actual, expected, limits, postprocessing, None, reference="photograph", runtime="a test"
        ).model_dump(mode="json")
        assert (ours["passed"], ours["task"]) == (theirs["passed"], theirs["task"])
        for one, other in zip(ours["outputs"], theirs["outputs"], strict=True):
            assert (one["output"], one["passed"]) == (other["output"], other["passed"])
            assert all(close(one[field], other[field]) for field in ("max_abs_diff", "max_rel_diff", "tolerance_used"))


def sendable(arrays: Arrays) -> dict[str, Any]:
    return {
        name: {
            "whole": array.dtype == np.int64,
            "data": [float(v) if np.isfinite(v) else ("nan" if np.isnan(v) else "inf") for v in array.ravel()],
            "dims": list(array.shape),
        }
        for name, array in arrays.items()
    }


# Few values, so that boxes coincide, overlap by just enough, or have no area.
_SIDES = st.sampled_from([0.0, 10.0, 100.0, 100.4, 101.0, 200.0])
_SCORES = st.sampled_from([0.25, 0.2505, 0.252, 0.9])


@st.composite
def detections(draw: st.DrawFn) -> tuple[Arrays, Arrays]:
    """What is expected, and the same in another order with something moved, lost, added or not finite."""
    count = draw(st.integers(0, 5))
    expected: Arrays = {
        "boxes": draw(hnp.arrays(np.float32, (count, 4), elements=_SIDES)),
        "labels": draw(hnp.arrays(np.int64, (count,), elements=st.integers(1, 2))),
        "scores": draw(hnp.arrays(np.float32, (count,), elements=_SCORES)),
    }
    rows: list[int] = list(draw(st.permutations(range(count))))
    is_lost, is_added, is_moved = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    if rows and is_lost:
        rows.pop()
    if count and is_added:
        rows.append(draw(st.integers(0, count - 1)))
    actual: Arrays = {name: array[rows] for name, array in expected.items()}
    if rows and is_moved:
        place = draw(st.sampled_from(["boxes", "scores"]))
        actual[place] = actual[place] + np.float32(draw(st.sampled_from([1e-4, 2e-3, 0.3, np.nan, np.inf])))
    return actual, expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(detections(), min_size=1, max_size=20))
def test_detections_of_a_graph_are_judged_as_in_python(
    javascript: JavaScript, batch: list[tuple[Arrays, Arrays]]
) -> None:
    assert_judged_alike(javascript, BOXES, batch)


def found(boxes: list[list[float]], labels: list[int], scores: list[float]) -> Arrays:
    return {
        "boxes": np.array(boxes, np.float32).reshape(len(labels), 4),
        "labels": np.array(labels, np.int64),
        "scores": np.array(scores, np.float32),
    }


ONE = found([[0, 0, 10, 10]], [1], [0.5])
NONE = found([], [], [])


def judge(javascript: JavaScript, actual: Arrays, expected: Arrays) -> dict[str, Any]:
    case = {
        "actual": sendable(actual),
        "expected": sendable(expected),
        "tolerances": [limit.model_dump() for limit in tolerances(*expected)],
        "postprocessing": BOXES.model_dump(),
    }
    (verification,) = javascript("compare.js", VERIFY, [case])
    assert_judged_alike(javascript, BOXES, [(actual, expected)])
    return cast(dict[str, Any], verification)


def test_no_detection_where_none_is_expected_has_passed(javascript: JavaScript) -> None:
    verification = judge(javascript, NONE, NONE)
    assert verification["passed"] is True
    assert verification["task"] == {"measure": "detections", "expected": 0, "actual": 0, "matched": 0, "passed": True}
    assert [output["max_abs_diff"] for output in verification["outputs"]] == [0, 0, 0]


@pytest.mark.parametrize(("actual", "expected"), [(NONE, ONE), (ONE, NONE)], ids=["lost", "made up"])
def test_a_detection_without_a_partner_fails_without_numbers(
    javascript: JavaScript, actual: Arrays, expected: Arrays
) -> None:
    verification = judge(javascript, actual, expected)
    assert verification["passed"] is False
    assert [output["tolerance_used"] for output in verification["outputs"]] == [None, None, None]


def test_rows_in_another_order_are_compared_with_their_partners(javascript: JavaScript) -> None:
    expected = found([[0, 0, 10, 10], [50, 0, 90, 10]], [1, 2], [0.5, 0.4999])
    actual = {name: array[::-1].copy() for name, array in expected.items()}
    verification = judge(javascript, actual, expected)
    assert verification["passed"] is True
    assert [output["max_abs_diff"] for output in verification["outputs"]] == [0, 0, 0]


def test_the_greatest_overlap_goes_first_and_the_lower_row_where_two_are_equal(javascript: JavaScript) -> None:
    expected = found([[0, 0, 10, 10]] * 2, [1, 1], [0.5, 0.5])
    actual = found([[0, 0, 10, 10.04], [0, 0, 10, 10]], [1, 1], [0.5, 0.5005])
    verification = judge(javascript, actual, expected)
    assert verification["task"]["matched"] == 2
    assert verification["outputs"][0]["max_abs_diff"] == pytest.approx(0.04, abs=1e-5)
    assert verification["outputs"][2]["max_abs_diff"] == pytest.approx(0.0005, abs=1e-6)


@pytest.mark.parametrize("lacking", ["boxes", "labels", "scores"])
def test_an_absent_output_fails(javascript: JavaScript, lacking: str) -> None:
    verification = judge(javascript, {name: array for name, array in ONE.items() if name != lacking}, ONE)
    assert (verification["passed"], verification["task"]["actual"]) == (False, 0)


@st.composite
def numbers(draw: st.DrawFn) -> tuple[Arrays, Arrays]:
    """Two outputs, one of them int64, of any size; the actual ones with some noise, or of another shape."""
    count = draw(st.integers(0, 6))
    expected: Arrays = {
        "a": draw(hnp.arrays(np.float32, (2, count), elements=st.floats(-100, 100, width=32))),
        "b": draw(hnp.arrays(np.int64, (3,), elements=st.integers(-(2**53) + 1, 2**53 - 1))),
    }
    noise = draw(hnp.arrays(np.float32, (2, count), elements=st.sampled_from([0.0, 5e-4, 1.0])))
    actual: Arrays = {"a": (expected["a"] + noise).astype(np.float32), "b": expected["b"]}
    if draw(st.booleans()):
        actual["a"] = actual["a"].T
    return actual, expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(numbers(), min_size=1, max_size=20))
def test_outputs_that_mean_nothing_to_us_are_counted_as_in_python(
    javascript: JavaScript, batch: list[tuple[Arrays, Arrays]]
) -> None:
    assert_judged_alike(javascript, RAW, batch)
