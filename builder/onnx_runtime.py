"""Running an ONNX file with the Python onnxruntime, and holding its outputs to the references. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from builder.errors import ZooError
from builder.records import Tolerance, Verification
from builder.verify import PostprocessingRule, Tensors, verify

Array = NDArray[np.float32]
Case = tuple[str, Array, Tensors]  # the reference's name, its input, its outputs by name

RUNTIME = f"onnxruntime {onnxruntime.__version__} CPU"


def verify_model(
    content: bytes,
    input_name: str,
    cases: Iterable[Case],
    tolerances: Sequence[Tolerance],
    postprocessing: PostprocessingRule,
    priors: Array | None,
) -> tuple[Verification, ...]:
    """One verification for each case. Raises ZooError when onnxruntime refuses the file."""
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors: what it warns of while it optimises is of no use to whoever builds
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        names = [o.name for o in session.get_outputs()]
        return tuple(
            verify(
                dict(zip(names, session.run(names, {input_name: data}), strict=True)),
                expected,
                tolerances,
                postprocessing,
                priors,
                reference=name,
                runtime=RUNTIME,
            )
            for name, data, expected in cases
        )
    except Exception as error:
        # onnxruntime's own exception classes share no base class but Exception.
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        raise ZooError(
            "onnxruntime refuses the file",
            got=str(error).strip().splitlines()[0],
            expected=f"a file that {RUNTIME} runs",
            next_step="build the model anew",
        ) from error
