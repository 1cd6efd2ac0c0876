"""The networks' definitions against the published numbers: parameters, state-dict keys, output shapes, layers."""

from __future__ import annotations

import re
from typing import Any

import pytest
import timm
import torch
from torch import nn
from torchvision import models

from builder.catalogue import CATALOGUE, select
from builder.catalogue.classifiers import MOBILENET_V1
from builder.catalogue.detectors import SSD_MOBILENET_V1, SSD_MOBILENET_V1_COCO, SSD_RESNET34
from builder.errors import ZooError
from builder.models import old_keys
from builder.models.mobilenet_v1 import MobileNetV1
from builder.models.resnest import resnest50, resnest50_basic
from builder.models.ssd_mobilenet_v1 import SsdMobileNetV1
from builder.models.ssd_resnet34 import SsdResNet34
from builder.records import Boxes
from builder.spec import ModelSpec, SsdSpec, load_function

# As published, or as the reference classes have them (timm's resnest50d, torchvision's, MLPerf's).
TENSORS = {
    "resnet50": 320,
    "mobilenet_v1": 164,
    "ssd_mobilenet_v1": 202,
    "ssd_resnet34": 218,
    "resnest50": 476,
    "ssd300_vgg16": 71,
    "fasterrcnn_resnet50_fpn": 295,
}
_WITHOUT_BOXES = [spec for spec in CATALOGUE if not isinstance(spec.postprocessing, Boxes)]


def _construct(spec: ModelSpec) -> nn.Module:
    network: nn.Module = load_function(spec.constructor)(**dict(spec.arguments))
    return network


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda s: s.id)
def test_the_definition_has_the_published_size(spec: ModelSpec) -> None:
    network = _construct(spec)
    assert sum(p.numel() for p in network.parameters()) == spec.parameters
    assert len(network.state_dict()) == TENSORS.get(spec.id, len(network.state_dict()))


@pytest.mark.parametrize("spec", _WITHOUT_BOXES, ids=lambda s: s.id)
def test_the_definition_has_the_shapes_of_the_record(spec: ModelSpec) -> None:
    network = _construct(spec)
    with torch.device("meta"):
        empty = torch.empty(spec.input.shape)
    outputs = network.to("meta").eval()(empty)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert [tuple(o.shape) for o in outputs] == [o.shape for o in spec.outputs]


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda s: s.id)
def test_labels_name_every_class(spec: ModelSpec) -> None:
    labels = load_function(spec.labels)()
    rule = spec.postprocessing
    assert all(isinstance(label, str) and label for label in labels)
    if isinstance(rule, Boxes):
        assert (len(labels), labels[0]) == (91, "background")
        return
    scores = next(o for o in spec.outputs if o.name == (rule.scores_output if isinstance(rule, SsdSpec) else "logits"))
    classes = scores.shape[1] if not isinstance(rule, SsdSpec) or rule.layout == "channel_major" else scores.shape[2]
    assert len(labels) == classes
    if isinstance(rule, SsdSpec):
        assert labels[0] == "background"
        assert len(set(labels) - {"N/A"}) + labels.count("N/A") == classes
        assert len(rule.make_priors()) in scores.shape


def test_mobilenet_v1_has_tensorflows_layers_under_the_published_names() -> None:
    network = MobileNetV1()
    keys = network.state_dict().keys()
    assert {"features.0.conv.0.weight", "features.13.conv.1.1.running_var", "classifier.weight"} <= keys
    assert network.classifier.weight.shape == (1001, 1024, 1, 1)
    assert {m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {0.001}
    assert sum(isinstance(m, nn.ReLU6) for m in network.modules()) == 27
    assert not any(type(m) is nn.ReLU for m in network.modules())


def test_mobilenet_v1_pads_as_tensorflow_does() -> None:
    """With "SAME" padding, the first output of a stride-2 convolution is centred on the second row and column."""
    first = MobileNetV1().get_submodule("features.0.conv.0")
    assert isinstance(first, nn.Conv2d)
    with torch.no_grad():
        first.weight.zero_()
        first.weight[0, 0, 1, 1] = 1
    picture = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(1, 3, 1, 1)
    assert torch.equal(first(picture)[0, 0], picture[0, 0, 1::2, 1::2])


def test_ssd_mobilenet_v1_is_not_tensorflows() -> None:
    network = SsdMobileNetV1()
    assert {m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-5}
    assert not any(isinstance(m, nn.ReLU6) for m in network.modules())
    keys = network.state_dict().keys()
    assert {"base_net.0.0.weight", "base_net.13.4.running_var", "extras.3.2.bias"} <= keys
    assert network.state_dict()["classification_headers.5.weight"].shape == (126, 256, 3, 3)
    assert network.state_dict()["regression_headers.0.weight"].shape == (24, 512, 3, 3)


def test_ssd_resnet34_has_mlperfs_names_and_strides() -> None:
    network = SsdResNet34()
    state = network.state_dict()
    assert {
        "model.layer1.0.weight",
        "model.layer1.5.0.downsample.1.weight",
        "model.layer2.0.5.bn2.weight",
    } <= state.keys()
    assert [state[f"loc.{i}.weight"].shape[0] for i in range(6)] == [16, 24, 24, 24, 16, 16]
    assert [state[f"conf.{i}.weight"].shape[0] for i in range(6)] == [324, 486, 486, 486, 324, 324]
    first = network.get_submodule("model.layer2.0.0")
    assert isinstance(first, nn.Module)
    assert first.get_submodule("conv1").stride == (1, 1)
    assert first.get_submodule("downsample.0").stride == (1, 1)


def test_background_biases_move_the_background_only() -> None:
    for spec, classes_at in ((SSD_MOBILENET_V1, 2), (SSD_RESNET34, 1)):
        network = load_function(spec.constructor)().eval()
        picture = (
            torch.zeros(1, 3, *spec.input.shape[2:]) if spec is SSD_MOBILENET_V1 else torch.zeros(1, 3, 1200, 1200)
        )
        with torch.no_grad():
            before = network(picture)[1]
            for view in network.background_biases():
                view += 1
            moved = (network(picture)[1] - before).moveaxis(classes_at, 0)
        assert moved[0].min() > 0.99
        assert moved[1:].abs().max() < 1e-4


def test_foreground_biases_move_all_but_the_background() -> None:
    network: Any = _construct(SSD_MOBILENET_V1_COCO).eval()
    picture = torch.zeros(SSD_MOBILENET_V1_COCO.input.shape)
    with torch.no_grad():
        before = network(picture)[1]
        for view in network.foreground_biases():
            view += 1
        moved = network(picture)[1] - before
    assert moved[..., 0].abs().max() < 1e-4
    assert moved[..., 1:].min() > 0.99


def test_resnest50_is_the_originals() -> None:
    """timm's resnest50d has the keys of zhanghang1989/ResNeSt, and computes the same."""
    theirs = timm.create_model("resnest50d", pretrained=False).eval()
    ours = resnest50().eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    picture = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = theirs(picture)
        assert expected.std() > 1e-3
        assert torch.allclose(ours(picture), expected, atol=1e-6)


def test_resnest50_basic_is_made_of_basic_blocks() -> None:
    state = resnest50_basic().state_dict()
    assert state["layer1.0.conv1.weight"].shape == (64, 64, 3, 3)
    assert state["layer4.2.conv2.conv.weight"].shape == (1024, 256, 3, 3)
    assert "layer1.0.conv3.weight" not in state
    assert {key.split(".")[1] for key in state if key.startswith("layer3.")} == set("012345")


def test_old_densenet_keys_become_the_classes_own() -> None:
    state = models.densenet121(weights=None).state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key): tensor for key, tensor in state.items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    assert old_keys.densenet(old).keys() == state.keys()
    assert old_keys.densenet(state).keys() == state.keys()


def test_an_unknown_model_is_named_with_the_choices() -> None:
    with pytest.raises(ZooError) as caught:
        select(["resnet51", MOBILENET_V1.id])
    assert caught.value.got == "resnet51"
    assert "mobilenet_v1, mobilenet_v2" in caught.value.expected
