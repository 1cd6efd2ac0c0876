"""torchvision's detectors without what is around them give the detections that torchvision gives with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.image_list import ImageList

from builder import seeded
from builder.catalogue.detectors import FASTERRCNN_RESNET50_FPN, SSD300_VGG16, SSDLITE320_MOBILENET_V3
from builder.detection import Detection
from builder.preprocess import BLANK, PHOTOGRAPH, photograph_tensor
from builder.records import Boxes
from builder.spec import ModelSpec, SsdSpec, load_function
from builder.verify import detections, pairs

Array = NDArray[np.float32]

_SSDS = [
    pytest.param(SSD300_VGG16, detection.ssd300_vgg16, id="ssd300_vgg16"),
    pytest.param(SSDLITE320_MOBILENET_V3, detection.ssdlite320_mobilenet_v3_large, id="ssdlite320_mobilenet_v3"),
]


def _seeded(spec: ModelSpec) -> nn.Module:
    network: nn.Module = load_function(spec.constructor)()
    seeded.initialise(network, spec)
    return network.eval()


def _pixels(spec: ModelSpec, data: Array) -> torch.Tensor:
    """The normalised input as torchvision wants it: RGB from 0 to 1."""
    rule = spec.input.preprocessing
    assert rule is not None
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (rule.mean, rule.std))
    return torch.from_numpy(data[0]) * std + mean


def _theirs(whole: nn.Module, image: torch.Tensor, height: int, width: int, scale: bool) -> list[Detection]:
    with torch.inference_mode():
        (found,) = whole([image])
    boxes = found["boxes"] / torch.tensor([width, height, width, height]) if scale else found["boxes"]
    rows = zip(found["labels"].tolist(), found["scores"].tolist(), boxes.tolist(), strict=True)
    return [Detection(label, score, tuple(box), row) for row, (label, score, box) in enumerate(rows)]


def _ours(network: nn.Module, spec: ModelSpec, data: Array) -> list[Detection]:
    with torch.inference_mode():
        outputs = network(torch.from_numpy(data))
    rule = spec.postprocessing
    assert isinstance(rule, SsdSpec | Boxes)
    named = {o.name: t.numpy() for o, t in zip(spec.outputs, outputs, strict=True)}
    return detections(named, rule, rule.make_priors() if isinstance(rule, SsdSpec) else None)


@pytest.mark.parametrize(("spec", "construct"), _SSDS)
def test_an_ssd_gives_torchvisions_detections(spec: ModelSpec, construct: Callable[..., Any]) -> None:
    network = _seeded(spec)
    whole = construct(weights=None, weights_backbone=None).eval()
    whole.load_state_dict(network.state_dict())
    data = photograph_tensor(spec.input, PHOTOGRAPH)
    mirrored = np.ascontiguousarray(data[..., ::-1])
    height, width = spec.input.shape[2:]
    for picture in (data, mirrored):
        theirs = _theirs(whole, _pixels(spec, picture), height, width, scale=True)
        ours = _ours(network, spec, picture)
        assert len(theirs) > 10
        assert len(pairs(theirs, ours)) == len(theirs) == len(ours)


@pytest.mark.parametrize(("spec", "construct"), _SSDS)
def test_the_default_boxes_are_torchvisions(spec: ModelSpec, construct: Callable[..., Any]) -> None:
    whole = construct(weights=None, weights_backbone=None).eval()
    picture = torch.zeros(spec.input.shape)
    with torch.inference_mode():
        maps = list(whole.backbone(picture).values())
    height, width = spec.input.shape[2:]
    (corners,) = whole.anchor_generator(ImageList(picture, [(height, width)]), maps)
    assert isinstance(spec.postprocessing, SsdSpec)
    ours = spec.postprocessing.make_priors().astype(np.float64)
    half = ours[:, 2:] / 2
    found = np.concatenate([ours[:, :2] - half, ours[:, :2] + half], 1) * [width, height, width, height]
    assert found.shape == corners.shape
    assert np.abs(found - corners.numpy()).max() < 1e-3


def test_faster_rcnn_gives_torchvisions_detections_and_none_on_a_blank_image() -> None:
    spec = FASTERRCNN_RESNET50_FPN
    network = _seeded(spec)
    height, width = spec.input.shape[2:]
    whole = detection.fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, min_size=height, max_size=width
    ).eval()
    whole.load_state_dict(
        network.state_dict(), strict=False
    )  # torchvision's batch norms count batches, frozen ones do not
    for module in whole.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0
    for path, least in ((PHOTOGRAPH, 30), (BLANK, 0)):
        data = photograph_tensor(spec.input, path)
        theirs = _theirs(whole, _pixels(spec, data), height, width, scale=False)
        ours = _ours(network, spec, data)
        assert len(pairs(theirs, ours)) == len(theirs) == len(ours)
        assert (len(theirs) == 0) if least == 0 else (len(theirs) >= least)
