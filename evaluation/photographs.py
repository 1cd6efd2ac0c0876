"""The labelled photographs: one of each class of ImageNet, and a few dozen of COCO's validation set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from builder.errors import ZooError
from builder.preprocess import photograph_tensor
from builder.records import InputEntry


@dataclass(frozen=True)
class Labelled:
    """A photograph and the index of what it shows among ImageNet's 1,000 classes."""

    path: Path
    class_index: int


@dataclass(frozen=True)
class CocoImage:
    """An image of COCO, its size in pixels."""

    path: Path
    image_id: int
    width: int
    height: int


def imagenet(data: Path, every: int) -> tuple[Labelled, ...]:
    """Every `every`-th of images/imagenet-1000 in `data`, whose file names are class indices. Raises ZooError if there are none."""
    folder = data / "images" / "imagenet-1000"
    paths = sorted(folder.glob("*.jpg"))[::every]
    if not paths:
        raise _missing(folder, "photographs such as 0000.jpg")
    return tuple(Labelled(path, int(path.stem)) for path in paths)


def coco(data: Path) -> tuple[Path, tuple[CocoImage, ...]]:
    """The annotation file of images/coco-mini in `data`, and its images, by id. Raises ZooError if it is not there."""
    folder = data / "images" / "coco-mini"
    annotations = folder / "annotations" / "instances_val2017.json"
    if not annotations.is_file():
        raise _missing(folder, "COCO's annotations/instances_val2017.json and val2017/")
    listed = sorted(json.loads(annotations.read_text())["images"], key=lambda image: image["id"])
    images = (CocoImage(folder / "val2017" / i["file_name"], i["id"], i["width"], i["height"]) for i in listed)
    return annotations, tuple(images)


def tensors(photographs: tuple[Labelled, ...] | tuple[CocoImage, ...], entry: InputEntry) -> list[NDArray[np.float32]]:
    """Each photograph as an input tensor (1, 3, H, W)."""
    return [photograph_tensor(entry, photograph.path) for photograph in photographs]


def _missing(folder: Path, expected: str) -> ZooError:
    return ZooError(
        "there are no photographs to measure accuracy on",
        got=f"nothing of the kind in {folder}",
        expected=expected,
        next_step="let ZOO_SHARED_DATA name the folder that holds weights/ and images/",
    )
