"""How one model is built: load -> export -> simplify -> verify -> write. Nothing is written before everything has passed."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import onnx
from safetensors.numpy import save
from torch import nn

from builder import reference, seeded, weights_file
from builder.errors import ZooError
from builder.export import export
from builder.key import build_key
from builder.onnx_runtime import verify_model
from builder.output import OutputFolder
from builder.priors import Priors
from builder.records import (
    FileEntry,
    ModelEntry,
    ReferenceEntry,
    Ssd,
    TopK,
    VariantEntry,
    Verification,
    WeightsEntry,
)
from builder.reference import Reference
from builder.simplify import simplify
from builder.spec import ModelSpec, SsdSpec, load_function
from builder.verify import describe
from builder.weights import Weights

OnStage = Callable[[str], None]


@dataclass(frozen=True)
class _Product:
    """What the stages have made of one model, before anything is written."""

    spec: ModelSpec
    weights: Weights
    model: onnx.ModelProto
    references: tuple[Reference, ...]
    priors: Priors | None

    @functools.cached_property
    def content(self) -> bytes:
        """The ONNX file."""
        data: bytes = self.model.SerializeToString(deterministic=True)
        return data


def build(
    spec: ModelSpec, weights: Weights, folder: OutputFolder, tools: dict[str, str], on_stage: OnStage
) -> ModelEntry:
    """Build one model and return its entry for the manifest. Raises ZooError, naming model and stage; then nothing has taken effect."""
    stage = "load"

    def enter(name: str) -> None:
        nonlocal stage
        stage = name
        on_stage(name)

    try:
        enter("load")
        network = load(spec, weights)
        references = reference.make(network, spec)
        enter("export")
        exported = export(network, spec)
        enter("simplify")
        model = simplify(exported, spec)
        enter("verify")
        product = _Product(spec, weights, model, references, priors=_priors(spec))
        verifications = _verify(product)
        enter("write")
        return _write(product, verifications, folder, tools)
    except ZooError as error:
        raise error.within(f"{spec.id}, stage {stage}") from error
    except Exception as error:
        # A library's own failure. It must name the model and the stage, and must not stop the models after this one.
        raise ZooError(
            f"{spec.id}, stage {stage}: {type(error).__name__}",
            got=(str(error).strip() or repr(error)).splitlines()[0],
            expected="the stage to finish",
            next_step=f"see where it comes from: python -X dev -m builder build {spec.id} --jobs 1 prints the whole trace",
        ) from error


def load(spec: ModelSpec, weights: Weights) -> nn.Module:
    """The network in eval mode, with its weights. Raises ZooError when they do not fit."""
    network: nn.Module = load_function(spec.constructor)()
    parameters = sum(p.numel() for p in network.parameters())
    if parameters != spec.parameters:
        raise ZooError(
            "the network's definition does not fit the catalogue",
            got=f"{parameters} parameters",
            expected=f"{spec.parameters}",
            next_step="correct the definition, or the record in builder/catalogue.py",
        )
    if weights.path is None:
        seeded.initialise(network, spec)
    else:
        weights_file.fill(network, weights_file.load_state_dict(weights.path, spec), weights.path, spec)
    return network.eval().requires_grad_(False)


def _priors(spec: ModelSpec) -> Priors | None:
    return spec.postprocessing.make_priors() if isinstance(spec.postprocessing, SsdSpec) else None


def _verify(product: _Product) -> tuple[Verification, ...]:
    """Hold the file's bytes to every reference. Raises ZooError when one does not pass: such a model is not shipped."""
    spec = product.spec
    verifications = verify_model(
        product.content,
        spec.input.name,
        [(r.name, r.input, r.outputs) for r in product.references],
        spec.tolerances,
        spec.postprocessing,
        product.priors,
    )
    for verification in verifications:
        if not verification.passed:
            raise ZooError(
                f"{verification.runtime} and PyTorch disagree on the {verification.reference}",
                got=describe(verification),
                expected="every output within its tolerance, and the same result",
                next_step="look for an operator that the export or the simplification changed; the model was not put into the manifest",
            )
    return verifications


def _write(
    product: _Product, verifications: tuple[Verification, ...], folder: OutputFolder, tools: dict[str, str]
) -> ModelEntry:
    """Write all files of the model; the entry still has to be committed to the manifest."""
    spec, weights = product.spec, product.weights
    labels = load_function(spec.labels)()

    def put(name: str, content: bytes) -> dict[str, Any]:
        return folder.put(spec.id, name, content).model_dump()

    return ModelEntry(
        id=spec.id,
        title=spec.title,
        task=spec.task,
        input=spec.input,
        outputs=spec.outputs,
        labels=FileEntry(**put("labels.json", json.dumps(labels, ensure_ascii=False, indent=0).encode())),
        postprocessing=_postprocessing(product, folder),
        parameters=spec.parameters,
        weights=WeightsEntry(
            kind=weights.kind,
            origin=weights.origin,
            sha256=weights.sha256,
            licence=spec.weights.licence,
            citation=spec.weights.citation,
        ),
        references=tuple(
            ReferenceEntry(name=r.name, **put(f"{r.name}.safetensors", r.content(spec))) for r in product.references
        ),
        variants=(
            VariantEntry(
                name="fp32",
                opset=product.model.opset_import[0].version,
                ir_version=product.model.ir_version,
                tolerances=spec.tolerances,
                verifications=verifications,
                **put("fp32.onnx", product.content),
            ),
        ),
        build_key=build_key(spec, weights.kind, weights.sha256, tools),
    )


def _postprocessing(product: _Product, folder: OutputFolder) -> TopK | Ssd:
    rule = product.spec.postprocessing
    if isinstance(rule, TopK):
        return rule
    assert product.priors is not None
    file = folder.put(product.spec.id, "priors.safetensors", save({"priors": product.priors}))
    fields = {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule) if f.name != "make_priors"}
    return Ssd(kind="ssd", priors=file, **fields)
