"""The records: what they say of torchvision's weights is what torchvision says; each is whole; importing them imports no torch."""

from __future__ import annotations

import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from torchvision import models
from torchvision.models import WeightsEnum, get_model_weights
from torchvision.transforms import InterpolationMode

from builder.catalogue import CATALOGUE
from builder.records import Boxes
from builder.spec import ModelSpec, SsdSpec

_THEIRS = {
    "ssdlite320_mobilenet_v3": "ssdlite320_mobilenet_v3_large",
    "fasterrcnn_resnet50_fpn_800": "fasterrcnn_resnet50_fpn",
}
_OF_TORCHVISION = [s for s in CATALOGUE if s.weights.url and "pytorch.org" in s.weights.url]
_MEBIBYTE = 2**20


def _published(spec: ModelSpec) -> WeightsEnum:
    enum = get_model_weights(_THEIRS.get(spec.id, spec.id))
    return next(iter(enum))


def test_the_catalogue_has_every_network() -> None:
    assert {s.id for s in CATALOGUE} >= {
        *("resnet50", "mobilenet_v1", "ssd_mobilenet_v1", "ssd_resnet34", "resnet34", "densenet121", "efficientnet_b0"),
        *("convnext_tiny", "convnext_base", "mobilenet_v2", "ssdlite320_mobilenet_v3", "ssd300_vgg16"),
        *("fasterrcnn_resnet50_fpn", "ssd_mobilenet_v1_coco", "resnest50", "resnest50_basic"),
    }
    assert len({s.id for s in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("spec", _OF_TORCHVISION, ids=lambda s: s.id)
def test_what_is_said_of_torchvisions_weights_is_what_torchvision_says(spec: ModelSpec) -> None:
    theirs = _published(spec)
    assert spec.weights.url == theirs.url
    assert spec.parameters == theirs.meta["num_params"]
    digits = theirs.url.rsplit("-", 1)[1].removesuffix(".pth")
    assert any(c.startswith(f"sha256:{digits}") and len(c) == len("sha256:") + 64 for c in spec.weights.checksums)
    if spec.weights.bytes is not None:  # torchvision rounds to a thousandth of a mebibyte
        assert spec.weights.bytes == pytest.approx(theirs.meta["_file_size"] * _MEBIBYTE, abs=0.0006 * _MEBIBYTE)
    for mirror in spec.weights.mirrors:
        assert urlsplit(mirror).path.rsplit("/", 1)[1] == spec.weights.file_name


@pytest.mark.parametrize("spec", [s for s in _OF_TORCHVISION if s.task == "classification"], ids=lambda s: s.id)
def test_preprocessing_is_what_the_weights_were_evaluated_with(spec: ModelSpec) -> None:
    rule, theirs = spec.input.preprocessing, _published(spec).transforms()
    assert rule is not None
    assert (rule.resize, [rule.size], list(spec.input.shape[2:])) == (
        "shorter_side",
        theirs.resize_size,
        theirs.crop_size * 2,
    )
    assert InterpolationMode(rule.interpolation) is theirs.interpolation
    assert (list(rule.mean), list(rule.std), rule.divisor) == (theirs.mean, theirs.std, 255)


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda s: s.id)
def test_a_record_is_whole(spec: ModelSpec) -> None:
    weights = spec.weights
    assert spec.title
    assert weights.licence
    assert weights.citation
    assert weights.instructions
    assert (weights.url is None) == (not weights.checksums), "what is fetched is checked"
    assert sorted(t.output for t in spec.tolerances) == sorted(o.name for o in spec.outputs)
    assert all(len(t.reason) > 20 for t in spec.tolerances)
    rule = spec.postprocessing
    if isinstance(rule, SsdSpec | Boxes):
        assert spec.task == "detection"
        named = {rule.scores_output, rule.locations_output if isinstance(rule, SsdSpec) else rule.boxes_output}
        assert named <= {o.name for o in spec.outputs}


def test_both_sizes_of_faster_rcnn_have_the_same_weights() -> None:
    small, large = (next(s for s in CATALOGUE if s.id == f"fasterrcnn_resnet50_fpn{end}") for end in ("", "_800"))
    assert small.weights == large.weights
    assert (small.input.shape, large.input.shape) == ((1, 3, 240, 427), (1, 3, 800, 1333))
    assert models.detection.fasterrcnn_resnet50_fpn


def test_the_catalogue_imports_no_torch() -> None:
    code = "import sys, builder.catalogue; sys.exit(int(bool({'torch', 'torchvision', 'onnx'} & set(sys.modules))))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
