"""A user's own model through the stages of every other: load -> export -> simplify -> verify -> support -> write.

An ONNX file is held to what it computes itself, in onnxruntime with all graph optimisations off; a network to eager PyTorch.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx

from builder import own_file, own_graph, own_labels, own_network, own_proof
from builder.artefact import Artefact
from builder.assemble import OnStage, Product, Reference, finish
from builder.errors import ZooError
from builder.export import export
from builder.onnx_facts import parameters
from builder.pipeline import REFERENCE_RUNTIME, staged
from builder.records import InputEntry, OutputEntry, Preprocessing, Raw, Tolerance, TopK, WeightsEntry
from builder.simplify import folded, library_output
from builder.spec import ModelSpec, WeightsSource

PreprocessingName = Literal["imagenet", "unit", "signed", "none"]
_CITATION = "none: added by its owner"
_MEAN_AND_STD = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "signed": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


@dataclass(frozen=True)
class Own:
    """What the user gave.

    source: an ONNX file, or "module:function". shape: of a network's input. dimensions: sizes for an ONNX file's symbolic
    dimensions by name. preprocessing: None for imagenet where the input can be an image, else none.
    """

    id: str
    source: Path | str
    labels: list[str] | None
    shape: tuple[int, ...]
    dimensions: Mapping[str, int]
    preprocessing: PreprocessingName | None
    licence: str


@dataclass(frozen=True)
class _Exported:
    """One model in ONNX before simplification, with what it is held to."""

    model: onnx.ModelProto
    input: InputEntry
    references: tuple[Reference, ...]
    reference_runtime: str
    weights: WeightsEntry
    parameters: int


def build(own: Own, tools: dict[str, str], on_stage: OnStage) -> Artefact:
    """Build the model; nothing is written. Raises ZooError, naming id and stage."""

    def work(enter: OnStage) -> Artefact:
        began = time.perf_counter()
        source = own.source
        exported = _from_file(own, source, enter) if isinstance(source, Path) else _from_network(own, source, enter)
        enter("simplify")
        return finish(_product(own, exported, folded(exported.model), tools, began), enter)

    return staged(own.id, work, on_stage, f"python -X dev -m builder add ... --id {own.id}")


def _from_file(own: Own, path: Path, enter: OnStage) -> _Exported:
    enter("load")
    given = own_file.read(path)
    enter("export")
    model = own_graph.prepared(given.model, own.dimensions)
    entry = _as_image(own_graph.input_of(model), own.preprocessing)
    return _Exported(
        model=model,
        input=entry,
        references=own_proof.references(own_proof.runner(path, entry), entry),
        reference_runtime=own_proof.FILE_RUNTIME,
        weights=_weights(own, f"file {path.name}", given.sha256, given.bytes),
        parameters=parameters(given.model),
    )


def _from_network(own: Own, reference: str, enter: OnStage) -> _Exported:
    enter("load")
    network = own_network.load(reference)
    entry = InputEntry(name="input", shape=own.shape, dtype="float32", preprocessing=None)
    entry = _as_image(entry, own.preprocessing)
    first = own_network.run(network, np.zeros(own.shape, np.float32))
    names = [f"output_{place}" for place in range(len(first))]
    outputs = tuple(
        OutputEntry(name=name, shape=tuple(side or None for side in values.shape), dtype=own_network.type_of(values))
        for name, values in zip(names, first, strict=True)
    )
    if _classes(outputs):
        names, outputs = ["logits"], (outputs[0].model_copy(update={"name": "logits"}),)
    made = own_proof.references(lambda data: dict(zip(names, own_network.run(network, data), strict=True)), entry)
    sha256, size = own_network.digest(network)
    count = sum(p.numel() for p in network.parameters())
    enter("export")
    spec = ModelSpec(
        id=own.id,
        title=own.id,
        task="other",
        constructor=reference,
        weights=WeightsSource(reference, None, size, (), own.licence, _CITATION, ""),
        input=entry,
        outputs=outputs,
        labels="",
        postprocessing=Raw(kind="raw"),
        parameters=count,
        calibration_size=(1, 1),
    )
    try:
        with _silence():  # where it fails, torch prints its graphs, pages of them
            model = export(network, spec)
    except (Exception, SystemExit) as error:
        raise own_network.export_failure(error) from error
    return _Exported(model, entry, made, REFERENCE_RUNTIME, _weights(own, reference, sha256, size), count)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Neither logs nor prints while the block runs, from Python or from native code; errors still raise."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()
    try:
        with library_output(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
    finally:
        logging.disable(before)


def _product(own: Own, exported: _Exported, model: onnx.ModelProto, tools: dict[str, str], began: float) -> Product:
    """The simplified model with what its outputs are taken for: a classifier's logits, or numbers."""
    seen = {name: values.shape for name, values in exported.references[0].outputs.items()}
    outputs = own_graph.outputs_of(model, seen)
    classes = _classes(outputs)
    content = model.SerializeToString(deterministic=True)
    labels = own_labels.fitting(own.labels, classes)
    taken = exported.input.model_dump(mode="json")  # with the preprocessing
    key = [own.id, exported.weights.sha256, hashlib.sha256(content).hexdigest(), labels, taken, own.licence, tools]
    return Product(
        id=own.id,
        title=own.id,
        task="classification" if classes else "other",
        input=exported.input,
        outputs=outputs,
        labels=labels,
        postprocessing=TopK(kind="top_k", k=min(5, classes)) if classes else Raw(kind="raw"),
        tolerances=tuple(_tolerance(o, exported.references, own_graph.computes_in_half(model)) for o in outputs),
        parameters=exported.parameters,
        weights=exported.weights,
        model=model,
        references=exported.references,
        reference_runtime=exported.reference_runtime,
        build_key=hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest(),
        tools=tools,
        began=began,
    )


def _classes(outputs: Sequence[OutputEntry]) -> int | None:
    """How many classes a classifier has: its one float32 output is (1, classes). None for everything else."""
    if len(outputs) != 1 or outputs[0].dtype != "float32" or len(outputs[0].shape) != 2:
        return None
    batch, classes = outputs[0].shape
    return classes if batch == 1 and classes and classes > 1 else None


def _tolerance(output: OutputEntry, references: Sequence[Reference], half: bool) -> Tolerance:
    """Relative to each number and to the output's own scale: beside a fixed limit, an output of small numbers would prove nothing."""
    if output.dtype == "int64":
        return Tolerance(output=output.name, atol=0.0, rtol=0.0, reason="whole numbers are exact")
    share, why = (
        (1e-2, "float16 inside, which has 11 bits: runtimes round it at other places, or compute in fp32 between")
        if half
        else (1e-3, "fp32 on both sides, kernels add in another order")
    )
    scale, name = _scale(output.name, references)
    reason = (
        f"{why}; the absolute part is {share:g} x {scale:.3g}, the greatest |reference| of this output on the {name}"
    )
    return Tolerance(output=output.name, atol=share * scale, rtol=share, reason=reason)


def _scale(output: str, references: Sequence[Reference]) -> tuple[float, str]:
    """The greatest magnitude of an output, and in which reference: the first, which browsers are held to, that is not all zeros."""
    magnitudes = [(float(np.abs(r.outputs[output]).max(initial=0)), r.name) for r in references]
    return next((found for found in magnitudes if found[0] > 0), magnitudes[0])


def _as_image(entry: InputEntry, name: PreprocessingName | None) -> InputEntry:
    """The input with how an image becomes it, where it can be one: (1, 3, height, width). Square inputs are cut from the centre
    as ImageNet's usual evaluation does (224 of 256 pixels), others stretched."""
    possible = len(entry.shape) == 4 and entry.shape[:2] == (1, 3)
    chosen = name or ("imagenet" if possible else "none")
    if chosen == "none":
        return entry
    if not possible:
        raise ZooError(
            f"the input {entry.name} cannot be an image",
            got=f"shape {entry.shape}, and --preprocessing {chosen}",
            expected="(1, 3, height, width)",
            next_step="leave --preprocessing out: the input is then fed with noise",
        )
    height, width = entry.shape[2:]
    square = height == width
    mean, std = _MEAN_AND_STD[chosen]
    rule = Preprocessing(
        resize="shorter_side" if square else "stretch",
        size=round(height * 256 / 224) if square else None,
        divisor=255.0,
        interpolation="bilinear",
        mean=mean,
        std=std,
    )
    return entry.model_copy(update={"preprocessing": rule})


def _weights(own: Own, origin: str, sha256: str, size: int) -> WeightsEntry:
    return WeightsEntry(
        kind="pretrained", origin=origin, sha256=sha256, bytes=size, licence=own.licence, citation=_CITATION
    )
