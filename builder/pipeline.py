"""How one model of the catalogue is built: load -> export -> simplify -> verify -> support -> write."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

from builder import reference, seeded, weights_file
from builder.artefact import Artefact
from builder.assemble import OnStage, Product, finish
from builder.errors import ZooError
from builder.export import export
from builder.key import build_key
from builder.records import WeightsEntry
from builder.simplify import simplify
from builder.spec import ModelSpec, load_function
from builder.weights import Weights

REFERENCE_RUNTIME = f"PyTorch {torch.__version__.split('+', maxsplit=1)[0]} CPU, eager fp32"


def build(spec: ModelSpec, weights: Weights, tools: dict[str, str], on_stage: OnStage) -> Artefact:
    """Build one model; nothing is written. Raises ZooError, naming model and stage."""
    again = f"python -X dev -m builder build {spec.id} --jobs 1"
    return staged(spec.id, lambda enter: finish(_product(spec, weights, tools, enter), enter), on_stage, again)


def staged(model_id: str, work: Callable[[OnStage], Artefact], on_stage: OnStage, again: str) -> Artefact:
    """Do the work, which tells of each stage that it enters; whatever goes wrong becomes a ZooError that names model and stage.

    again: the command that prints the whole trace.
    """
    stage = "load"

    def enter(name: str) -> None:
        nonlocal stage
        stage = name
        on_stage(name)

    try:
        return work(enter)
    except ZooError as error:
        raise error.within(f"{model_id}, stage {stage}") from error
    except (Exception, SystemExit) as error:
        # A library's own failure, or a user's network that calls sys.exit. It must name the model and the stage, and must not stop
        # the models after this one.
        raise ZooError(
            f"{model_id}, stage {stage}: {type(error).__name__}",
            got=(str(error).strip() or repr(error)).splitlines()[0],
            expected="the stage to finish",
            next_step=f"see where it comes from: {again} prints the whole trace",
        ) from error


def load(spec: ModelSpec, weights: Weights) -> nn.Module:
    """The network in eval mode, with its weights. Raises ZooError when they do not fit."""
    network: nn.Module = load_function(spec.constructor)(**dict(spec.arguments))
    parameters = sum(p.numel() for p in network.parameters())
    if parameters != spec.parameters:
        raise ZooError(
            "the network's definition does not fit the catalogue",
            got=f"{parameters} parameters",
            expected=f"{spec.parameters}",
            next_step="correct the definition, or the record in builder/catalogue/",
        )
    if weights.path is None:
        seeded.initialise(network, spec)
    else:
        weights_file.fill(network, weights_file.load_state_dict(weights.path, spec), weights.path, spec)
    return network.eval().requires_grad_(False)


def _product(spec: ModelSpec, weights: Weights, tools: dict[str, str], enter: OnStage) -> Product:
    began = time.perf_counter()
    enter("load")
    network = load(spec, weights)
    references = reference.make(network, spec)
    enter("export")
    exported = export(network, spec)
    enter("simplify")
    model = simplify(exported, spec.input, spec.outputs)
    return Product(
        id=spec.id,
        title=spec.title,
        task=spec.task,
        input=spec.input,
        outputs=spec.outputs,
        labels=load_function(spec.labels)(),
        postprocessing=spec.postprocessing,
        tolerances=spec.tolerances,
        parameters=spec.parameters,
        weights=WeightsEntry(
            kind=weights.kind,
            origin=weights.origin,
            sha256=weights.sha256,
            bytes=weights.path.stat().st_size if weights.path else None,
            licence=spec.weights.licence,
            citation=spec.weights.citation,
        ),
        model=model,
        references=references,
        reference_runtime=REFERENCE_RUNTIME,
        build_key=build_key(spec, weights.kind, weights.sha256, tools),
        tools=tools,
        began=began,
    )
