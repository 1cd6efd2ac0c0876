"""The last stages of every model, the catalogue's and users' own: verify -> support -> write. Imports no torch."""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from safetensors.numpy import save

from builder import operator_tables
from builder.artefact import Artefact, Files
from builder.errors import ZooError
from builder.macs import macs
from builder.onnx_facts import operators
from builder.onnx_runtime import verify_model
from builder.priors import Priors
from builder.records import (
    Boxes,
    Identifier,
    InputEntry,
    ModelEntry,
    OutputEntry,
    Raw,
    ReferenceEntry,
    Ssd,
    Task,
    Tolerance,
    TopK,
    VariantEntry,
    Verification,
    WeightsEntry,
)
from builder.spec import SsdSpec
from builder.support import predict
from builder.verify import describe

OnStage = Callable[[str], None]


@dataclass(frozen=True)
class Reference:
    """`input` has the model's input shape; `outputs` hold the reference's answer by output name."""

    name: Identifier
    input: NDArray[np.float32]
    outputs: dict[str, NDArray[np.float32] | NDArray[np.int64]]


@dataclass(frozen=True)
class Product:
    """One model after export and simplification, with all that is known of it, before anything is verified.

    reference_runtime: what computed the references' outputs. tools: versions by package, of all that had a hand in it.
    began: time.perf_counter() when the first stage began.
    """

    id: str
    title: str
    task: Task
    input: InputEntry
    outputs: tuple[OutputEntry, ...]
    labels: list[str]
    postprocessing: TopK | SsdSpec | Boxes | Raw
    tolerances: tuple[Tolerance, ...]
    parameters: int
    weights: WeightsEntry
    model: onnx.ModelProto
    references: tuple[Reference, ...]
    reference_runtime: str
    build_key: str
    tools: dict[str, str]
    began: float

    @functools.cached_property
    def content(self) -> bytes:
        """The ONNX file."""
        data: bytes = self.model.SerializeToString(deterministic=True)
        return data

    @functools.cached_property
    def priors(self) -> Priors | None:
        """An SSD's default boxes."""
        return self.postprocessing.make_priors() if isinstance(self.postprocessing, SsdSpec) else None


def finish(product: Product, on_stage: OnStage) -> Artefact:
    """Verify the file, predict where it runs, and make its entry. Raises ZooError when it does not pass: such a model is not shipped."""
    on_stage("verify")
    verifications = _verify(product)
    on_stage("support")
    predicted = predict(product.model, len(product.content))
    photograph = product.references[0].input
    operations = macs(product.model, {product.input.name: photograph})
    on_stage("write")
    files = Files(product.id)
    variant = VariantEntry(
        name="fp32",
        opset=product.model.opset_import[0].version,
        ir_version=product.model.ir_version,
        operators=operators(product.model),
        macs=operations,
        support=predicted,
        observations=(),
        tolerances=product.tolerances,
        verifications=verifications,
        **files.put("fp32.onnx", product.content).model_dump(),
    )
    labels = json.dumps(product.labels, ensure_ascii=False, indent=0).encode()
    entry = ModelEntry(
        id=product.id,
        title=product.title,
        task=product.task,
        input=product.input,
        outputs=product.outputs,
        labels=files.put("labels.json", labels),
        postprocessing=_postprocessing(product, files),
        parameters=product.parameters,
        weights=product.weights,
        reference_runtime=product.reference_runtime,
        references=tuple(_reference_entry(r, product, files) for r in product.references),
        variants=(variant,),
        build_key=product.build_key,
        build_seconds=round(time.perf_counter() - product.began, 3),
        tools=product.tools | {"onnxruntime-web": operator_tables.version("wasm")},
    )
    return Artefact(entry, files.contents)


def _verify(product: Product) -> tuple[Verification, ...]:
    verifications = verify_model(
        product.content,
        product.input.name,
        [(r.name, r.input, r.outputs) for r in product.references],
        product.tolerances,
        product.postprocessing,
        product.priors,
    )
    for verification in verifications:
        if not verification.passed:
            raise ZooError(
                f"{verification.runtime} and {product.reference_runtime} disagree on the {verification.reference}",
                got=describe(verification),
                expected="every output within its tolerance, and the same result",
                next_step="look for an operator that the export or the simplification changed; the model was not put into the manifest",
            )
    return verifications


def _reference_entry(reference: Reference, product: Product, files: Files) -> ReferenceEntry:
    content = save({product.input.name: reference.input, **reference.outputs})
    return ReferenceEntry(name=reference.name, **files.put(f"{reference.name}.safetensors", content).model_dump())


def _postprocessing(product: Product, files: Files) -> TopK | Ssd | Boxes | Raw:
    rule = product.postprocessing
    if not isinstance(rule, SsdSpec):
        return rule
    assert product.priors is not None
    file = files.put("priors.safetensors", save({"priors": product.priors}))
    fields = {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule) if f.name != "make_priors"}
    return Ssd(kind="ssd", priors=file, **fields)
