"""Seeded weights: every layer alive, no denormals, detections in number, the same every time."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from builder.catalogue import CATALOGUE
from builder.detection import Detection
from builder.preprocess import photograph_tensor
from builder.records import Boxes
from builder.seeded import initialise
from builder.spec import ModelSpec, SsdSpec, load_function
from builder.verify import detections
from tests.builder.commands import ROOT

# The others are slow, and made of the same layers.
_SLOW = ("convnext_base", "resnest50_basic", "resnet50", "ssd300_vgg16", "ssd_resnet34", "fasterrcnn_resnet50_fpn_800")
_SPECS = [spec for spec in CATALOGUE if spec.id not in _SLOW]
_DETECTORS = [spec for spec in _SPECS if spec.task == "detection"]
_QUICK = [spec for spec in _SPECS if spec.id in ("mobilenet_v2", "efficientnet_b0", "ssd_mobilenet_v1_coco_075")]
SMALLEST_NORMAL = np.finfo(np.float32).tiny


@pytest.fixture(scope="module", params=_SPECS, ids=lambda s: s.id)
def seeded(request: pytest.FixtureRequest) -> tuple[ModelSpec, nn.Module]:
    """A model with its seeded weights."""
    spec: ModelSpec = request.param
    network: nn.Module = load_function(spec.constructor)(**dict(spec.arguments))
    initialise(network, spec)
    return spec, network


def _denormal(values: Tensor) -> int:
    magnitude = values.abs()
    return int(((magnitude > 0) & (magnitude < SMALLEST_NORMAL)).sum())


def test_weights_and_activations_are_of_sensible_scale_and_never_denormal(seeded: tuple[ModelSpec, nn.Module]) -> None:
    spec, network = seeded
    assert all(v.dtype != torch.float64 and _denormal(v) == 0 for v in network.state_dict().values())
    checked = 0

    def check(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal checked
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.ReLU | nn.ReLU6 | nn.Linear):
            checked += 1
            assert torch.isfinite(output).all()
            assert _denormal(output) == 0
            assert float(output.abs().max()) < 1000
            assert float(output.abs().max()) > 0.05 or output.shape[2:] == (1, 1)
            # A squeeze-and-excitation's few numbers may all lie on one side of its ReLU.
            assert float(output.std()) > 0.01 or output.shape[2:] == (1, 1)

    handles = [m.register_forward_hook(check) for m in network.modules()]
    with torch.inference_mode():
        outputs = network(torch.from_numpy(photograph_tensor(spec.input)))
    for handle in handles:
        handle.remove()
    assert checked > 40
    for output in outputs if isinstance(outputs, tuple) else (outputs,):
        assert float(output.double().std()) > 0.1
        assert float(output.min()) < float(output.max())


def _found(spec: ModelSpec, network: nn.Module) -> list[Detection]:
    rule = spec.postprocessing
    assert isinstance(rule, SsdSpec | Boxes)
    with torch.inference_mode():
        outputs = network(torch.from_numpy(photograph_tensor(spec.input)))
    named = {o.name: t.numpy() for o, t in zip(spec.outputs, outputs, strict=True)}
    return detections(named, rule, rule.make_priors() if isinstance(rule, SsdSpec) else None)


@pytest.mark.parametrize("seeded", _DETECTORS, ids=lambda s: s.id, indirect=True)
def test_a_detector_finds_between_30_and_90_things_of_several_classes(seeded: tuple[ModelSpec, nn.Module]) -> None:
    spec, network = seeded
    found = _found(spec, network)
    assert 30 <= len(found) <= 90
    assert len({d.class_index for d in found}) >= 5


@pytest.mark.parametrize("seeded", _QUICK, ids=lambda s: s.id, indirect=True)
def test_the_same_weights_come_out_with_any_number_of_threads(seeded: tuple[ModelSpec, nn.Module]) -> None:
    spec, network = seeded
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        again: nn.Module = load_function(spec.constructor)(**dict(spec.arguments))
        initialise(again, spec)
    finally:
        torch.set_num_threads(threads)
    state = network.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in again.state_dict().items())


_DIGEST = """
import hashlib
from builder import pipeline, weights
from builder.catalogue import select
network = pipeline.load(*select(["mobilenet_v2"]), weights.seeded(""))
print(hashlib.sha256(b"".join(t.numpy().tobytes() for t in network.state_dict().values())).hexdigest())
"""


def test_the_same_weights_come_out_on_processors_with_other_instructions() -> None:
    digests = set()
    for settings in ({}, {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"}):
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST], cwd=ROOT, env=os.environ | settings, capture_output=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1
