"""What browsers do with the files is what builder/support.py predicts, and their outputs are right. The command is the real one."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load, save

from builder import manifest
from builder.catalogue import CATALOGUE_IDS
from builder.records import Observation, VariantEntry
from fleet.browsers import Kind
from scripts.serving import ROOT
from tests.support.zoos import copied

# Small enough for a graphics card that two cores emulate: seconds each.
_LIGHT = ("mobilenet_v1", "mobilenet_v2", "ssdlite320_mobilenet_v3", "ssd_mobilenet_v1_coco_075")


def _verify(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "builder", "verify", "--in-browser", "--out", str(folder), *options]
    return subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=6 * 3600
    )


def _observations(folder: Path) -> dict[str, tuple[VariantEntry, tuple[Observation, ...]]]:
    return {m.id: (v, v.observations) for m in manifest.read(folder).models for v in m.variants}


def _check(folder: Path, names: tuple[str, ...], browser: Kind, backends: tuple[str, ...]) -> None:
    seen = _observations(folder)
    assert set(seen) == set(names)
    for name in names:
        variant, observations = seen[name]
        assert [(o.browser, o.backend) for o in observations] == [(browser, backend) for backend in backends], name
        for observation in observations:
            (predicted,) = (s for s in variant.support if s.backend == observation.backend)
            assert observation.status == predicted.status, name
            assert observation.verification is not None
            assert observation.verification.passed
            assert observation.fallback is not None
            assert set(observation.fallback) == set(predicted.fallback), name


def test_the_predicted_support_of_the_lighter_models_is_the_observed_one(
    browser_name: Kind, real_zoo: Path, tmp_path: Path
) -> None:
    folder = copied(_LIGHT, real_zoo, tmp_path / "models")
    done = _verify(folder, "--browsers", browser_name)
    assert done.returncode == 0, done.stdout + done.stderr
    _check(folder, _LIGHT, browser_name, ("wasm", "webgpu") if browser_name == "chromium" else ("wasm",))


@pytest.mark.exhaustive
@pytest.mark.timeout(6 * 3600)
def test_the_predicted_support_of_every_model_is_the_observed_one(
    browser_name: Kind, real_zoo: Path, tmp_path: Path
) -> None:
    folder = copied(CATALOGUE_IDS, real_zoo, tmp_path / "models")
    done = _verify(folder, "--browsers", browser_name)
    assert done.returncode == 0, done.stdout + done.stderr
    _check(folder, CATALOGUE_IDS, browser_name, ("wasm", "webgpu") if browser_name == "chromium" else ("wasm",))


def test_a_prediction_that_does_not_come_true_is_a_failure_and_the_observation_is_kept(
    browser_name: Kind, tiny_zoo: Path, tmp_path: Path
) -> None:
    folder = copied(("echo",), tiny_zoo, tmp_path / "models")
    whole = manifest.read(folder)
    wrong = json.loads(whole.model_dump_json())
    for support in wrong["models"][0]["variants"][0]["support"]:
        if support["backend"] == "wasm":
            support.update(status="falls_back", fallback={"Flatten": 1})
    manifest.write(folder, whole.model_validate(wrong))
    done = _verify(folder, "--browsers", browser_name, "--backends", "wasm")
    assert done.returncode == 1
    assert "observed something else than predicted" in done.stderr
    assert "1 Flatten" in done.stderr
    (_, (observation,)) = _observations(folder)["echo"]
    assert (observation.status, observation.browser, observation.backend) == ("runs", browser_name, "wasm")


def test_outputs_that_are_not_right_are_a_failure(browser_name: Kind, tiny_zoo: Path, tmp_path: Path) -> None:
    """The tolerances are made too strict to be met: a difference of zero is demanded of a reference that was moved."""
    folder = copied(("echo",), tiny_zoo, tmp_path / "models")
    _move_the_reference(folder)
    done = _verify(folder, "--browsers", browser_name, "--backends", "wasm")
    assert done.returncode == 1
    assert "the outputs are not right" in done.stderr
    (_, (observation,)) = _observations(folder)["echo"]
    assert observation.verification is not None
    assert not observation.verification.passed


def _move_the_reference(folder: Path) -> None:
    whole = manifest.read(folder)
    entry = whole.models[0]
    reference = entry.references[0]
    tensors = load((folder / reference.path).read_bytes())
    content = save(tensors | {"logits": tensors["logits"] + 1})
    (folder / reference.path).write_bytes(content)
    moved = reference.model_copy(update={"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})
    changed = entry.model_copy(update={"references": (moved, *entry.references[1:])})
    manifest.write(folder, whole.model_copy(update={"models": (changed,)}))


def test_a_browser_that_does_not_start_is_named(
    tiny_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_FIREFOX", "/bin/false")
    folder = copied(("echo",), tiny_zoo, tmp_path / "models")
    done = _verify(folder, "--browsers", "firefox", "--backends", "wasm")
    assert done.returncode == 1
    assert "echo on wasm in firefox was not tried" in done.stderr
    assert _observations(folder)["echo"][1] == ()
