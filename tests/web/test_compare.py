"""web/compare.js and web/task_measure.js judge outputs as builder/verify.py does; web/inputs.js reads what it compares."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from builder import manifest, verify
from builder.records import ModelEntry, Ssd, Tolerance
from tests.support.javascript import JavaScript, close

Array = NDArray[np.float32]

COMPARE = """({compareOutput}, cases) => cases.map(({actual, expected, tolerance}) => {
  const number = value => value === 'nan' ? NaN : value === 'inf' ? Infinity : value === '-inf' ? -Infinity : value;
  const tensor = t => t && ({data: Float32Array.from(t.data, number), dims: t.dims});
  return compareOutput(tensor(actual) ?? undefined, tensor(expected), tolerance);
})"""

_VALUES = st.sampled_from([0.0, 1.0, -1.0, 100.0]) | st.floats(-1e3, 1e3, width=32)
_LIMITS = st.sampled_from([0.0, 1e-5, 1e-3, 0.1])


def _tensor(array: Array | None) -> dict[str, Any] | None:
    if array is None:
        return None
    numbers = [float(v) if math.isfinite(v) else str(float(v)) for v in array.ravel()]
    return {"data": numbers, "dims": list(array.shape)}


def _judge(javascript: JavaScript, cases: list[tuple[Array | None, Array, Tolerance]]) -> list[dict[str, Any]]:
    sent = [{"actual": _tensor(a), "expected": _tensor(e), "tolerance": t.model_dump()} for a, e, t in cases]
    return cast(list[dict[str, Any]], javascript("compare.js", COMPARE, sent))


def _tolerance(atol: float, rtol: float) -> Tolerance:
    return Tolerance(output="logits", atol=atol, rtol=rtol, reason="test")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batch=st.lists(
        st.tuples(
            hnp.arrays(np.float32, (2, 3), elements=_VALUES),
            hnp.arrays(np.float32, (2, 3), elements=st.just(0.0) | st.floats(-0.015625, 0.015625, width=32)),
            _LIMITS,
            _LIMITS,
        ),
        min_size=1,
        max_size=20,
    )
)
def test_outputs_are_judged_as_in_python(
    javascript: JavaScript, batch: list[tuple[Array, Array, float, float]]
) -> None:
    cases = [(expected + noise, expected, _tolerance(atol, rtol)) for expected, noise, atol, rtol in batch]
    for (actual, expected, tolerance), found in zip(cases, _judge(javascript, [*cases]), strict=True):
        wanted = verify.compare(actual, expected, tolerance)
        assert found["passed"] is wanted.passed
        for field in ("max_abs_diff", "max_rel_diff", "tolerance_used"):
            assert close(found[field], getattr(wanted, field)), (field, found, wanted)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_fails_without_numbers(javascript: JavaScript, bad: float) -> None:
    expected = np.ones((1, 4), np.float32)
    actual = expected.copy()
    actual[0, 2] = bad
    tolerance = _tolerance(1e9, 1e9)  # so wide that only the value itself can fail
    (found,) = _judge(javascript, [(actual, expected, tolerance)])
    assert found == verify.compare(actual, expected, tolerance).model_dump()
    assert found["passed"] is False
    assert found["tolerance_used"] is None


def test_an_absent_output_and_another_shape_fail_without_numbers(javascript: JavaScript) -> None:
    expected = np.ones((1, 4), np.float32)
    shapes = [None, np.ones((4, 1), np.float32), np.ones((1, 3), np.float32), np.ones((1, 4, 1), np.float32)]
    for found in _judge(javascript, [(actual, expected, _tolerance(1e9, 1e9)) for actual in shapes]):
        assert found["passed"] is False
        assert found["max_abs_diff"] is found["max_rel_diff"] is found["tolerance_used"] is None


TYPES = """({compareOutput}) => [Float32Array, Float64Array].flatMap(actual => [Float32Array, Float64Array].map(expected =>
  compareOutput({data: actual.of(1, 2), dims: [2]}, {data: expected.of(1, 2), dims: [2]}, {output: 'a', atol: 9, rtol: 9}).max_abs_diff))"""


def test_whole_numbers_where_others_are_wanted_fail_without_numbers(javascript: JavaScript) -> None:
    assert javascript("compare.js", TYPES) == [0, None, None, 0]


VERIFY = """async ({verifier}, {model, variant, reference, change}) => {
  const {readSafetensors} = await import(new URL('/inputs.js', location.href).href);
  const read = async path => readSafetensors(new Uint8Array(await (await fetch('/models/' + path)).arrayBuffer()), path);
  const tensors = await read(reference);
  const priors = model.postprocessing.kind === 'ssd' ? (await read(model.postprocessing.priors.path)).priors : null;
  const verify = verifier(model, variant, tensors, priors, {reference: 'photograph', runtime: 'a test'});
  const actual = Object.fromEntries(model.outputs.map(({name}) => [name, {...tensors[name], data: tensors[name].data.slice()}]));
  for (const {output, index, value} of change) actual[output].data[index] = value;
  return verify(actual);
}"""


@pytest.mark.parametrize(
    ("model_id", "change"),
    [
        ("echo", []),
        ("echo", [{"output": "logits", "index": 7, "value": 40.0}]),
        ("echo_ssd", []),
        ("echo_ssd", [{"output": "scores", "index": 0, "value": 3.5}]),
        ("echo_ssd", [{"output": "locations", "index": 0, "value": 9.0}]),
        ("echo_ssd", [{"output": "locations", "index": 2, "value": 1e4}]),
        ("echo_boxes", []),
        ("echo_boxes", [{"output": "labels", "index": 1, "value": 2}]),
        ("echo_boxes", [{"output": "boxes", "index": 7, "value": 3.0}]),
    ],
    ids=[
        "same",
        "another top-5",
        "same boxes",
        "another score",
        "another box",
        "a box that overflows",
        "same detections",
        "another class",
        "another given box",
    ],
)
def test_a_whole_verification_is_that_of_python(
    javascript: JavaScript, tiny_zoo: Path, model_id: str, change: list[dict[str, Any]]
) -> None:
    model = cast(ModelEntry, manifest.find(manifest.read(tiny_zoo), model_id))
    (variant,), (reference, *_) = model.variants, model.references
    stored = load_file(tiny_zoo / reference.path)
    expected = {output.name: stored[output.name] for output in model.outputs}
    actual = {name: tensor.copy() for name, tensor in expected.items()}
    for item in change:
        actual[item["output"]].ravel()[item["index"]] = item["value"]
    post = model.postprocessing
    priors = load_file(tiny_zoo / post.priors.path)["priors"] if isinstance(post, Ssd) else None
    wanted = verify.verify(
        actual, expected, variant.tolerances, post, priors, reference="photograph", runtime="a test"
    ).model_dump(mode="json")

    found = javascript(
        "compare.js",
        VERIFY,
        {
            "model": model.model_dump(mode="json"),
            "variant": variant.model_dump(mode="json"),
            "reference": reference.path,
            "change": change,
        },
    )

    assert found["passed"] is wanted["passed"] is (not change)
    assert found["task"] == wanted["task"]
    for ours, theirs in zip(found["outputs"], wanted["outputs"], strict=True):
        assert all(close(ours[field], theirs[field]) for field in ("max_abs_diff", "max_rel_diff", "tolerance_used"))


READ = """({readSafetensors}, bytes) => {
  try {
    const tensors = readSafetensors(Uint8Array.from(bytes), 'a file');
    return Object.fromEntries(Object.entries(tensors).map(([name, {data, dims}]) => [name, {data: [...data], dims}]));
  } catch (error) {
    return error.message;
  }
}"""


def test_safetensors_files_are_read_whatever_their_alignment(javascript: JavaScript) -> None:
    tensors: dict[str, NDArray[Any]] = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "empty": np.zeros((0, 4), np.float32),
        "whole": np.array([0, -3, 2**53 - 1], np.int64),
        "none": np.zeros((0,), np.int64),
    }
    content = save(tensors)
    length = int.from_bytes(content[:8], "little")
    shifted = (length + 1).to_bytes(8, "little") + content[8 : 8 + length] + b" " + content[8 + length :]
    for file in (content, shifted):
        assert javascript("inputs.js", READ, list(file)) == {
            "a": {"data": [0, 1, 2, 3, 4, 5], "dims": [2, 3]},
            "empty": {"data": [], "dims": [0, 4]},
            "whole": {"data": [0, -3, 2**53 - 1], "dims": [3]},
            "none": {"data": [], "dims": [0]},
        }


def _file(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is cut off"),
        (b"\xff" * 20, "is cut off"),
        ((5).to_bytes(8, "little") + b"hello", "is not a safetensors file"),
        (_file({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}, b"\0" * 2), "a type that the page does not read"),
        (_file({"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4), "another size than its shape"),
        (_file({"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}, (2**53).to_bytes(8, "little")), "a number that JavaScript cannot count with"),
        (_file({"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}, (-(2**53)).to_bytes(8, "little", signed=True)), "a number that JavaScript cannot count with"),
        (_file({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 4), "another size than its shape"),
        (_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}}, b"\0" * 8), "another size than its shape"),
        (_file({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, b"\0" * 4), "is not described in full"),
        (_file({"a": None}), "a type that the page does not read"),
    ],
)  # fmt: skip
def test_files_that_are_no_safetensors_are_named_with_what_is_wrong(
    javascript: JavaScript, content: bytes, complaint: str
) -> None:
    message = javascript("inputs.js", READ, list(content))
    assert complaint in message
    assert "Expected: " in message


OUTPUTS = """({readOutputs}) => {
  const read = (...outputs) => {
    try {
      const tensors = readOutputs(Object.fromEntries(outputs.map(data => ['labels', {type: 'any', data, dims: [data.length]}])));
      return [...tensors.labels.data];
    } catch (error) {
      return error.message;
    }
  };
  return [[1.5], [], [7n, -1n], [], [2n ** 60n], [1]].map((numbers, index) =>
    read([Float32Array, Float32Array, BigInt64Array, BigInt64Array, BigInt64Array, Int32Array][index].from(numbers)));
}"""


def test_outputs_of_a_runtime_become_numbers_or_an_error_that_names_them(javascript: JavaScript) -> None:
    *read, too_great, other_type = javascript("inputs.js", OUTPUTS)
    assert read == [[1.5], [], [7, -1], []]
    assert "output labels holds a number that JavaScript cannot count with" in too_great
    assert "1152921504606846976" in too_great
    assert "The output labels has a type that the page does not read" in other_type
    assert "Int32Array" in other_type
