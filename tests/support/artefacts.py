"""Artefacts of a few bytes, for tests of the folders that they are put into. Their files are no ONNX."""

from __future__ import annotations

import hashlib

from builder.artefact import Artefact, Files
from builder.records import (
    InputEntry,
    ModelEntry,
    OutputEntry,
    OutputVerification,
    ReferenceEntry,
    TaskVerification,
    Tolerance,
    TopK,
    VariantEntry,
    Verification,
    WeightsEntry,
)


def artefact(name: str = "model", content: bytes = b"onnx", size: int = 0, title: str = "Model") -> Artefact:
    """A build of that model, whose ONNX file is `content`, repeated up to `size` bytes. Its key is made of all that."""
    files = Files(name)
    data = content * (1 + size // len(content))
    passed = OutputVerification(
        output="logits", max_abs_diff=0.0, max_rel_diff=0.0, tolerance_used=0.0, atol=1e-4, rtol=0.0, passed=True
    )
    entry = ModelEntry(
        id=name,
        title=title,
        task="classification",
        input=InputEntry(name="input", shape=(1, 3, 4, 4), dtype="float32", preprocessing=None),
        outputs=(OutputEntry(name="logits", shape=(1, 6), dtype="float32"),),
        labels=files.put("labels.json", b"[]"),
        postprocessing=TopK(kind="top_k", k=5),
        parameters=1,
        weights=WeightsEntry(
            kind="seeded", origin="a seed", sha256=None, bytes=None, licence="CC0-1.0", citation="none"
        ),
        reference_runtime="none",
        references=(
            ReferenceEntry(name="photograph", **files.put("photograph.safetensors", b"reference").model_dump()),
        ),
        variants=(
            VariantEntry(
                name="fp32",
                opset=18,
                ir_version=8,
                operators={"Conv": 1},
                macs=1,
                support=(),
                observations=(),
                tolerances=(Tolerance(output="logits", atol=1e-4, rtol=0.0, reason="none"),),
                verifications=(
                    Verification(
                        reference="photograph",
                        runtime="none",
                        outputs=(passed,),
                        task=TaskVerification(measure="top_5", expected=5, actual=5, matched=5, passed=True),
                        passed=True,
                    ),
                ),
                **files.put("fp32.onnx", data).model_dump(),
            ),
        ),
        build_key=hashlib.sha256(f"{name} {title}".encode() + data).hexdigest(),
        build_seconds=1.0,
        tools={"tool": "1"},
    )
    return Artefact(entry, files.contents)
