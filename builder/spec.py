"""What a model is before it is built: the records that builder/catalogue/ lists. Imports no torch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from builder.priors import Priors
from builder.records import Boxes, InputEntry, OutputEntry, Raw, Task, Tolerance, TopK


@dataclass(frozen=True)
class WeightsSource:
    """The published weights of a model.

    file_name: as published; looked for in the cache and in the weights folder, and checked there against `checksums`.
    url: where to fetch it, or None when it cannot be fetched unattended and checked; `instructions` then says what to do.
    mirrors: other addresses of the same file, tried in order when `url` does not answer.
    bytes: its size, or None where that is not published.
    checksums: "algorithm:hexadecimal digits" each; fewer digits than the algorithm gives are a prefix (torch.hub's convention is
        the first 8 of the SHA-256, in the file's name).
    convert: "module:function" from the published file's state dict to the network's keys; it leaves a state dict with those alone.
    state_dict_key: where the file is a dict that holds the state dict under a key.
    """

    file_name: str
    url: str | None
    bytes: int | None
    checksums: tuple[str, ...]
    licence: str
    citation: str
    instructions: str
    state_dict_key: str | None = None
    mirrors: tuple[str, ...] = ()
    convert: str | None = None


@dataclass(frozen=True)
class SsdSpec:
    """An SSD's post-processing, its priors still a function. The fields are those of builder.records.Ssd."""

    make_priors: Callable[[], Priors]
    locations_output: str
    scores_output: str
    layout: Literal["prior_major", "channel_major"]
    centre_variance: float
    size_variance: float
    score_activation: Literal["softmax", "sigmoid"]
    max_log_size: float | None
    clip: bool
    score_threshold: float
    iou_threshold: float
    suppress_at_threshold: bool
    candidates_per_class: int
    max_detections: int


@dataclass(frozen=True)
class ModelSpec:
    """One model of the zoo.

    constructor: "module:function" that returns the network without weights; imported only when it is built.
    arguments: keyword arguments for it.
    weights_id: whose <id>.pth in the weights folder is this model's too, where two models share their weights.
    labels: "module:function" that returns the class names in the order of the classes.
    parameters: how many learnable numbers the network has, checked when it is constructed.
    calibration_size: height and width at which seeded weights are calibrated.
    exporter: "torchscript" for networks whose control flow depends on data, which torch.export does not capture.
    """

    id: str
    title: str
    task: Task
    constructor: str
    weights: WeightsSource
    input: InputEntry
    outputs: tuple[OutputEntry, ...]
    labels: str
    postprocessing: TopK | SsdSpec | Boxes | Raw
    parameters: int
    calibration_size: tuple[int, int]
    tolerances: tuple[Tolerance, ...] = field(default=())
    arguments: tuple[tuple[str, int | float | str | bool], ...] = ()
    weights_id: str | None = None
    exporter: Literal["dynamo", "torchscript"] = "dynamo"


def load_function(reference: str) -> Callable[..., Any]:
    """The function that "module:function" names."""
    module, _, name = reference.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
