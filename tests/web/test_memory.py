"""web/memory.js knows a lack of memory by what runtimes and browsers say, and by its own message."""

from __future__ import annotations

import pytest

from tests.support.javascript import JavaScript

IS = "({isOutOfMemory}, message) => [isOutOfMemory(message), isOutOfMemory(new Error(message))]"
REFINE = """({refineMemory, isOutOfMemory}, message) => {
  const refined = refineMemory(new Error(message), 'for Echo');
  return [refined.message, isOutOfMemory(refined), isOutOfMemory(refined.message)];
}"""


@pytest.mark.parametrize(
    "message",
    [
        "failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc",
        "Aborted(OOM). Build with -sASSERTIONS for more info.",
        "Can't create a session. failed to allocate a buffer of size 3000000000.",
        "Array buffer allocation failed",
        "RangeError: Array buffer allocation failed",
        "WebAssembly.Memory(): could not allocate memory",
        "Out of memory",
        "Invalid typed array length: 4294967296",
        "invalid array length",
        "OrtRun(). Failed to create buffer: VK_ERROR_OUT_OF_DEVICE_MEMORY",
        "GPUOutOfMemoryError: Not enough memory left",
        "safeint.h:17 static void SafeIntExceptionHandler<>::SafeIntOnOverflow() Integer overflow",
    ],
)
def test_a_lack_of_memory_is_recognised_and_explained(javascript: JavaScript, message: str) -> None:
    assert javascript("memory.js", IS, message) == [True, True]
    refined, *recognised = javascript("memory.js", REFINE, message)
    assert refined.startswith(f"The memory of this browser does not suffice for Echo. Got: Error: {message}")
    assert "Next: close other tabs" in refined
    assert recognised == [True, True]


@pytest.mark.parametrize(
    "message",
    [
        "The outputs of onnxruntime-web 1.30.0 wasm differ from the reference's: logits is off by up to 1",
        "The worker said nothing for 300 s and was stopped.",
        "Reduce op requires 1 input.",
        "The GPU was lost while it computed",
        "failed to call OrtRun(). ERROR_CODE: 2, ERROR_MESSAGE: Invalid rank for input",
    ],
)
def test_another_failure_is_left_as_it_is(javascript: JavaScript, message: str) -> None:
    assert javascript("memory.js", IS, message) == [False, False]
    assert javascript("memory.js", REFINE, message) == [message, False, False]
