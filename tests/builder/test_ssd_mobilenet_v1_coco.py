"""MLPerf's SSD-MobileNetV1 for COCO: the published names, TensorFlow's padding, and what its published files become."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from builder.models.same_padding import SameConv2d
from builder.models.ssd_mobilenet_v1_coco import SsdMobileNetV1Coco, from_mlperf


@pytest.fixture(scope="module")
def network() -> SsdMobileNetV1Coco:
    """At full width, with random weights."""
    torch.manual_seed(0)
    return SsdMobileNetV1Coco().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return torch.randn(1, 3, 300, 300, generator=torch.Generator().manual_seed(0))


def test_layers_have_tensorflows_names_and_sizes(network: SsdMobileNetV1Coco) -> None:
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert len(shapes) == 94
    assert shapes["Conv2d_0.weight"] == (32, 3, 3, 3)
    assert shapes["Conv2d_13_depthwise.weight"] == (1024, 1, 3, 3)
    assert shapes["Conv2d_13_pointwise_1_Conv2d_2_1x1_256.bias"] == (256,)
    assert shapes["Conv2d_13_pointwise_2_Conv2d_5_3x3_s2_128.weight"] == (128, 64, 3, 3)
    assert shapes["BoxPredictor_0.BoxEncodingPredictor.weight"] == (3 * 4, 512, 1, 1)
    assert shapes["BoxPredictor_5.ClassPredictor.bias"] == (6 * 91,)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_the_published_weights_fit_at_their_width(shared_data: Path) -> None:
    state = torch.load(shared_data / "weights" / "ssd_mobilenet_v1_coco_075.pth", weights_only=True)
    network = SsdMobileNetV1Coco(width=0.75)
    assert {key: tensor.shape for key, tensor in network.state_dict().items()} == {k: t.shape for k, t in state.items()}
    network.load_state_dict(state, strict=True)
    assert all(torch.equal(tensor, state[key]) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize(("side", "first"), [(8, 1), (9, 0)], ids=["even", "odd"])
def test_same_padding_is_tensorflows(side: int, first: int) -> None:
    """With stride 2 the first output is centred on the second row and column of an even map, on the first ones of an odd map."""
    layer = SameConv2d(1, 1, 2)
    picture = torch.arange(float(side**2)).reshape(1, 1, side, side)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0, 1, 1] = 1
        assert torch.equal(layer(picture), picture[..., first::2, first::2])


def test_locations_are_centre_x_first(network: SsdMobileNetV1Coco, picture: Tensor) -> None:
    """The weights give y, x, height, width."""
    before = network(picture)[0]
    for level in range(6):
        head = network.get_submodule(f"BoxPredictor_{level}.BoxEncodingPredictor")
        assert isinstance(head, nn.Conv2d)
        assert head.bias is not None
        head.bias[0::4] += 1  # y
        head.bias[3::4] += 2  # width
    moved = network(picture)[0] - before
    assert torch.allclose(moved, torch.tensor([0.0, 1.0, 2.0, 0.0]).expand_as(moved), atol=1e-5)


def test_foreground_biases_move_everything_but_the_background(network: SsdMobileNetV1Coco, picture: Tensor) -> None:
    before = network(picture)[1]
    for view in network.foreground_biases():
        view += 1
    moved = network(picture)[1] - before
    assert moved[..., 0].abs().max() < 1e-5
    assert (moved[..., 1:] - 1).abs().max() < 1e-5


def test_mlperfs_own_file_becomes_the_same_network(network: SsdMobileNetV1Coco) -> None:
    """Its depthwise convolutions come with a scale that ours have in the weights."""
    ours = network.state_dict()
    scales = {f"Conv2d_{block}_depthwise": torch.full((1,), 0.5 + block) for block in range(1, 14)}
    theirs: dict[str, Tensor] = {}
    for key, value in ours.items():
        layer, _, kind = key.rpartition(".")
        if layer in scales and kind == "weight":
            theirs[_mlperf_key(key).replace(".weight", "/BatchNorm.scale")] = scales[layer].expand(len(value))
            value = value / scales[layer]
        theirs[_mlperf_key(key)] = value
    assert len(theirs) == 107
    converted = from_mlperf(theirs)
    assert converted.keys() == ours.keys()
    for key, value in converted.items():
        assert torch.allclose(value, ours[key], rtol=1e-6, atol=0), key


def test_a_key_that_is_not_mlperfs_stays_to_be_complained_of() -> None:
    assert from_mlperf({"backbone.0.extra": torch.zeros(1)}).keys() == {"backbone.0.extra"}


def _mlperf_key(key: str) -> str:
    """Our key as mlcommons/inference's python/models/ssd_mobilenet_v1.py has it."""
    layer, _, kind = key.rpartition(".")
    parts = layer.split("_")
    if layer.startswith("BoxPredictor"):
        head = "regression" if layer.endswith("BoxEncodingPredictor") else "classification"
        return f"predictors.{parts[1].partition('.')[0]}.{head}.{kind}"
    if "_pointwise_" in layer:
        return f"extras.{int(parts[5]) - 2}.{0 if parts[3] == '1' else 2}.{kind}"
    name = "0" if layer == "Conv2d_0" else parts[2]
    return f"backbone.{parts[1]}.{name}{'/BatchNorm' if kind == 'bias' else ''}.{kind}"
