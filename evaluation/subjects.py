"""The models that there are real weights for, and what is known of them on these photographs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.catalogue import CATALOGUE, select
from builder.catalogue.classifiers import MOBILENET_V1
from builder.errors import ZooError
from builder.files import sha256_of
from builder.key import tool_versions
from builder.output import OutputFolder
from builder.pipeline import build, load
from builder.records import ModelEntry, Preprocessing
from builder.spec import ModelSpec, SsdSpec
from builder.weights import Weights
from evaluation.classification import Classification
from evaluation.detection import CocoDetection
from evaluation.runtimes import PyTorch, Scores
from evaluation.task import Task


@dataclass(frozen=True)
class Subject:
    """One of the catalogue's models. `figures` are those of the INDEX.md beside the weights, in per cent, of every fifth photograph of
    imagenet-1000 or of all of coco-mini; `far` is by how many points ours may differ: two of 200 photographs, or another program's way to
    resize an image. `preprocessing` is what these weights need where it is not what the catalogue's weights need.
    """

    model_id: str
    figures: Scores
    far: float = 1.0
    preprocessing: Preprocessing | None = None

    def spec(self) -> ModelSpec:
        """The catalogue's record, with that preprocessing."""
        (spec,) = select([self.model_id])
        if self.preprocessing is None:
            return spec
        entry = spec.input.model_copy(update={"preprocessing": self.preprocessing})
        return dataclasses.replace(spec, input=entry)


SUBJECTS = (
    Subject("mobilenet_v1", {"top-1": 85.5}),
    # TensorFlow's weights under torchvision's names. The figure is that of all photographs before they were resized: resized ones give
    # 77.2 % of all and 74.5 % of every fifth (and 85.4 % of every second with TensorFlow's padding, where INDEX.md has 88.9).
    Subject("mobilenet_v2", {"top-1": 80.1}, far=6.0, preprocessing=MOBILENET_V1.input.preprocessing),
    Subject("resnet50", {"top-1": 76.5}),
    Subject("ssd_mobilenet_v1_coco_075", {"mAP": 23.6, "AP50": 40.7}),
)


def task(subject: Subject, data: Path, every: int = 1) -> Task[Any]:
    """What the model is asked: every fifth photograph of imagenet-1000, or coco-mini; of those, every `every`-th."""
    spec = subject.spec()
    if isinstance(spec.postprocessing, SsdSpec):
        return CocoDetection(spec, data, every)
    return Classification(spec, data, 5 * every)


def pytorch(subject: Subject, data: Path) -> PyTorch:
    """The network with its real weights."""
    spec = subject.spec()
    return PyTorch(load(spec, weights(spec, data)), spec)


def exported(subject: Subject, data: Path, out: Path) -> ModelEntry:
    """Build the model with its real weights into the models folder `out`; its entry in the manifest there."""
    spec, tools = subject.spec(), tool_versions()
    artefact = build(spec, weights(spec, data), tools, lambda _: None)
    return OutputFolder(out, tuple(s.id for s in CATALOGUE)).put(artefact)


def weights(spec: ModelSpec, data: Path) -> Weights:
    """The file in weights/ of `data`. Raises ZooError if it is not there."""
    path = data / "weights" / f"{spec.id}.pth"
    if not path.is_file():
        raise ZooError(
            f"there are no real weights for {spec.id}",
            got=f"no {path}",
            expected="a state dict saved by torch.save",
            next_step="let ZOO_SHARED_DATA name the folder that holds weights/ and images/",
        )
    return Weights("pretrained", path, f"file {path.name}", sha256_of(path), path.stat().st_size)


def far_from_known(subject: Subject, scores: Scores) -> list[str]:
    """Which figures are far from the known ones, in words."""
    return [
        f"{measure} is {scores[measure]:.1f}, where INDEX.md has {known}"
        for measure, known in subject.figures.items()
        if abs(scores[measure] - known) > subject.far
    ]
