"""What the page reads of an ONNX file, the noise that it makes, and the proof that it holds outputs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.support import own_files
from tests.support.javascript import JavaScript

READ = "(module, bytes) => module.readOnnx(new Uint8Array(bytes), 'own.onnx')"
# The message of what a call throws, or null.
MESSAGE_OF = "(() => { try { CALL; return null; } catch (error) { return error.message; } })()"
PROOF = "own_model_proof.js"


def tensor(numbers: Sequence[object], kind: str = "float32") -> dict[str, Any]:
    """An output as it travels to the page: NaN and infinity have no JSON."""
    return {"type": kind, "dims": [len(numbers)], "data": list(numbers)}


# Whole numbers beyond 2^53 travel as texts.
OUTPUTS = (
    "module.asNumbers(Object.fromEntries(Object.entries(given).map(([name, {type, dims, data}]) => "
    "[name, {type, dims, data: type === 'int64' ? BigInt64Array.from(data, BigInt) : Float64Array.from(data, Number)}])))"
)


def telling(javascript: JavaScript, **outputs: dict[str, Any]) -> str | None:
    message: str | None = javascript(
        PROOF, f"(module, given) => {MESSAGE_OF.replace('CALL', f'module.requireTelling({OUTPUTS})')}", outputs
    )
    return message


def test_a_file_is_read_as_onnx_reads_it(javascript: JavaScript) -> None:
    content = own_files.token_embedding()
    facts = javascript("onnx_metadata.js", READ, list(content))
    assert facts == {
        "irVersion": 10,
        "opset": 18,
        "inputs": [
            {"name": "tokens", "type": "int64", "dims": ["batch", "sequence"]},
            {"name": "mask", "type": "bool", "dims": ["batch", "sequence"]},
        ],
        "outputs": ["embedded"],
        "operators": {"Gather": 1, "Cast": 1, "Unsqueeze": 1, "Mul": 1},
    }


def test_initialised_inputs_inner_graphs_and_custom_domains_are_seen(javascript: JavaScript) -> None:
    value = helper.make_tensor_value_info
    inner = helper.make_graph(
        [helper.make_node("Relu", ["kernel"], ["out"]), helper.make_node("MyOp", ["out"], ["o"], domain="com.example")],
        "inner",
        [],
        [value("o", TensorProto.FLOAT, [2])],
    )
    content = own_files.model(
        [helper.make_node("If", ["yes"], ["result"], then_branch=inner, else_branch=inner)],
        [value("yes", TensorProto.BOOL, []), value("kernel", TensorProto.FLOAT, [2])],
        [value("result", TensorProto.FLOAT, [2])],
        [helper.make_tensor("kernel", TensorProto.FLOAT, [2], [1, 2])],
        check=False,
        domains=["com.example"],
    )
    facts = javascript("onnx_metadata.js", READ, list(content))
    assert facts["inputs"] == [{"name": "yes", "type": "bool", "dims": []}]
    assert facts["operators"] == {"If": 1, "Relu": 2, "com.example:MyOp": 2}


def test_no_beginning_of_a_file_is_taken_for_a_whole_one(javascript: JavaScript) -> None:
    content = own_files.convolution()
    call = MESSAGE_OF.replace("CALL", "module.readOnnx(whole.subarray(0, length), 'own.onnx')")
    every = f"(module, bytes) => {{ const whole = new Uint8Array(bytes); return bytes.map((_, length) => {call}); }}"
    messages = javascript("onnx_metadata.js", every, list(content))
    assert len(messages) == len(content)
    for message in messages:
        assert message is not None
        assert message.startswith(("own.onnx is cut off", "own.onnx is no ONNX model"))


NOISE = """(module, [inputs, chosen]) => Object.values(module.noise(inputs, chosen)).map(({type, dims, data}) =>
  ({type, dims, kind: data.constructor.name, numbers: Array.from(data, Number)}))"""


@pytest.mark.parametrize(
    ("kind", "array", "least", "most"),
    [
        ("float32", "Float32Array", 0, 1),
        ("float64", "Float64Array", 0, 1),
        ("int64", "BigInt64Array", 0, 1),
        ("int32", "Int32Array", 0, 1),
        ("bool", "Uint8Array", 0, 1),
        ("uint8", "Uint8Array", 0, 255),
        ("int8", "Int8Array", -128, 127),
    ],
)
def test_noise_fills_its_range_and_is_always_the_same(
    javascript: JavaScript, kind: str, array: str, least: int, most: int
) -> None:
    inputs = [{"name": "x", "type": kind, "dims": ["batch", 1000]}]
    first, again = (javascript("own_model_inputs.js", NOISE, [inputs, {"batch": 4}]) for _ in range(2))
    assert first == again
    ((one),) = first
    assert (one["type"], one["dims"], one["kind"]) == (kind, [4, 1000], array)
    numbers = np.array(one["numbers"])
    span = most - least
    assert least <= numbers.min() < least + 0.02 * span + 0.01
    assert most - 0.02 * span - 0.01 < numbers.max() <= most
    assert abs(numbers.mean() - (least + most) / 2) < 0.03 * span


def test_half_precision_is_the_bits_of_the_same_numbers(javascript: JavaScript) -> None:
    def made(kind: str) -> Any:
        inputs = [{"name": "x", "type": kind, "dims": [4000]}]
        return javascript("own_model_inputs.js", NOISE, [inputs, {}])[0]["numbers"]

    halves = np.array(made("float16"), np.uint16).view(np.float16).astype(np.float64)
    exact = np.array(made("float64"))
    assert np.all((exact - halves >= 0) & (exact - halves <= np.maximum(exact * 2.0**-10, 2.0**-14)))
    bits = "(module, bits) => Array.from(module.asNumbers({x: {type: 'float16', dims: [65536], data: Uint16Array.from(bits)}}).x.data, String)"
    every = np.arange(65536, dtype=np.uint16)
    read = np.array([float(text.replace("Infinity", "inf")) for text in javascript(PROOF, bits, every.tolist())])
    assert np.array_equal(read, every.view(np.float16).astype(np.float64), equal_nan=True)


def test_outputs_that_could_prove_nothing_are_no_reference(javascript: JavaScript) -> None:
    assert telling(javascript, a=tensor([1, 1, 1]), b=tensor([1, 2])) is None
    assert telling(javascript, a=tensor([0.25])) is None
    for outputs in ({"a": tensor([3, 3]), "b": tensor([3])}, {"a": tensor([0])}, {"a": tensor([])}):
        message = telling(javascript, **outputs)
        assert message is not None
        assert "would prove nothing" in message
    for broken in ("NaN", "Infinity", "-Infinity"):
        message = telling(javascript, a=tensor([1, 2]), b=tensor([1, broken]))
        assert message is not None
        assert "b holds NaN or infinity for noise" in message
        assert "Got: 1 of 2 numbers" in message


VERIFY = (
    "(module, [reference, actual]) => { const read = given => OUTPUTS; "
    "const found = module.ownVerifier(read(reference), 'WebGPU')(read(actual)); "
    "return [found.passed, found.task, module.ownMismatch(found, []).message]; }"
).replace("OUTPUTS", OUTPUTS)


@pytest.mark.parametrize(
    ("expected", "actual", "matched"),
    [
        (tensor([1, 1000, -5]), tensor([2.0009, 1001.9, -6.004]), 3),
        (tensor([1, 1000, -5]), tensor([2.0011, 1001.9, -6.004]), 2),
        (tensor([1e-4, 5e-5, -1e-5]), tensor([1e-4, 5e-5, -1.01e-5]), 3),
        (tensor([1e-4, 5e-5, -1e-5]), tensor([0, 0, 0]), 0),
        (tensor([1, 2]), tensor([1, "NaN"]), 1),
        (tensor([1, 2]), tensor([1]), 0),
        (tensor([5000, 7], "int64"), tensor([5000, 7], "int64"), 2),
        (tensor([5000, 7], "int64"), tensor([5001, 7], "int64"), 1),
        (tensor([str(2**60), 7], "int64"), tensor([str(2**60), 7], "int64"), 2),
        (tensor([str(2**60), 7], "int64"), tensor([str(2**60 + 1), 7], "int64"), 1),
        (tensor([5000, 7], "int64"), tensor([5000, 7]), 0),
        (tensor([1, 2], "float64"), tensor([1, 2]), 0),
    ],
    ids=[
        *("within", "over", "small ones within", "zeros for small ones", "NaN", "other shape", "same integers"),
        *("an integer that is off by one", "great integers", "a great integer that is off by one"),
        *("floats for integers", "float32 for float64"),
    ],
)
def test_outputs_are_held_to_the_reference(
    javascript: JavaScript, expected: dict[str, Any], actual: dict[str, Any], matched: int
) -> None:
    passed, task, message = javascript(PROOF, VERIFY, [{"out": expected}, {"out": actual}])
    size = len(expected["data"])
    assert passed == (matched == size)
    assert (task["measure"], task["expected"], task["matched"]) == ("elements", size, matched)
    if not passed:
        assert f"{matched} of {size} numbers agree" in message


def test_an_output_that_is_missing_is_no_match(javascript: JavaScript) -> None:
    passed, task, message = javascript(PROOF, VERIFY, [{"a": tensor([1, 2]), "b": tensor([3])}, {"a": tensor([1, 2])}])
    assert not passed
    assert (task["expected"], task["actual"], task["matched"]) == (3, 2, 2)
    assert "b is missing" in message
