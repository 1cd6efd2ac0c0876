"""What a build gives: the same bytes in two processes, clean ONNX files, and nothing that does not agree with PyTorch."""

from __future__ import annotations

import dataclasses
import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from safetensors.numpy import load_file

from builder import manifest, weights
from builder.artefact import Artefact
from builder.catalogue import CATALOGUE, CATALOGUE_IDS
from builder.catalogue.classifiers import MOBILENET_V1
from builder.errors import ZooError
from builder.key import build_key, tool_versions
from builder.pipeline import build
from builder.records import Boxes, Ssd, Tolerance
from builder.verify import detections, top_k
from tests.builder.commands import ROOT, builder, contents

# The exporters of both kinds, a classifier and detectors.
_TWICE = ("resnet50", "mobilenet_v1", "ssd_mobilenet_v1", "fasterrcnn_resnet50_fpn")


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same models, built from two checkouts, with two hash seeds, in one process at a time and in two; no cache is shared."""
    folders = []
    for place, jobs in (("first", 1), ("second_with_a_longer_name", 2)):
        checkout = tmp_path_factory.mktemp(place) / "checkout"
        shutil.copytree(ROOT / "builder", checkout / "builder")
        command = ["-m", "builder", "build", *_TWICE, "--weights", "seeded", "--out", "models", "--jobs", str(jobs)]
        done = subprocess.run(
            [sys.executable, *command],
            cwd=checkout,
            env={**os.environ, "ZOO_CACHE_DIR": str(checkout / "cache"), "PYTHONHASHSEED": str(jobs)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        folders.append(checkout / "models")
    return folders[0], folders[1]


def test_two_processes_give_the_same_files(twice: tuple[Path, Path]) -> None:
    """Every file, references and cards too, also with another number of threads: --jobs 2 gives each worker half of them."""
    first, second = (_all_files(out) for out in twice)
    assert {f"{name}/{file}" for name in _TWICE for file in ("fp32.onnx", "photograph.safetensors", "card.md")} <= set(
        first
    )
    assert first == second


def _all_files(folder: Path) -> dict[str, bytes]:
    """Whatever the builder wrote, but for its lock and the manifest, which holds how long each build took."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.parent != folder]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_two_processes_with_the_same_threads_give_the_same_manifest(twice: tuple[Path, Path], tmp_path: Path) -> None:
    env = {"ZOO_CACHE_DIR": str(tmp_path / "cache")}
    done = builder("build", "mobilenet_v1", "--weights", "seeded", "--out", tmp_path / "models", env=env)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "models") == {
        k: v for k, v in contents(twice[0]).items() if k.startswith("mobilenet_v1/")
    }
    (entry,) = manifest.read(tmp_path / "models").models
    other = manifest.find(manifest.read(twice[0]), "mobilenet_v1")
    assert other
    assert entry == other.model_copy(update={"build_seconds": entry.build_seconds})


def test_the_zoo_holds_the_whole_catalogue_verified(real_zoo: Path) -> None:
    models = manifest.read(real_zoo).models
    assert [m.id for m in models] == list(CATALOGUE_IDS)
    for model in models:
        (variant,) = model.variants
        assert variant.path == f"{model.id}/fp32.onnx"
        second = "blank" if isinstance(model.postprocessing, Boxes) else "noise"
        assert [v.reference for v in variant.verifications] == ["photograph", second]
        assert all(v.passed for v in variant.verifications)
        photograph = variant.verifications[0]
        assert photograph.task.expected > 0
        # Two libraries that agree to the last digit everywhere would be one library.
        assert any(o.max_abs_diff is not None and o.max_abs_diff > 0 for o in photograph.outputs)


@pytest.mark.parametrize("model_id", CATALOGUE_IDS)
def test_a_file_tells_nothing_of_the_machine_that_made_it(real_zoo: Path, model_id: str) -> None:
    content = (real_zoo / model_id / "fp32.onnx").read_bytes()
    model = onnx.load_from_string(content)
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        assert not part.doc_string
        assert not part.metadata_props
    model.graph.ClearField("initializer")  # weights are numbers; any three bytes may stand among them
    structure = model.SerializeToString()
    for secret in (str(ROOT), str(Path.home()), socket.gethostname(), "site-packages", ".py"):
        assert secret.encode() not in structure, secret
    if getpass.getuser() != "root":  # which is a word of graphs, too
        assert getpass.getuser().encode() not in structure


@pytest.mark.parametrize("model_id", CATALOGUE_IDS)
def test_a_file_is_what_onnxruntime_web_can_run(real_zoo: Path, model_id: str) -> None:
    model = onnx.load(real_zoo / model_id / "fp32.onnx")
    entry = manifest.find(manifest.read(real_zoo), model_id)
    assert entry
    variant = entry.variants[0]
    assert [(o.domain, o.version) for o in model.opset_import] == [("", variant.opset)]
    assert 17 <= variant.opset <= 20
    assert model.ir_version == variant.ir_version <= 13
    assert Counter(node.op_type for node in _nodes(model.graph)) == variant.operators
    assert next(s.status for s in variant.support if s.backend == "wasm") == "runs"
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph and of the bodies of its branches."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _nodes(attribute.g)


def test_detections_of_the_references_are_many_and_travel_with_their_priors(real_zoo: Path) -> None:
    for model in manifest.read(real_zoo).models:
        if isinstance(model.postprocessing, Ssd):
            reference = load_file(real_zoo / model.id / "photograph.safetensors")
            priors = load_file(real_zoo / model.postprocessing.priors.path)["priors"]
            found = detections(reference, model.postprocessing, priors)
            assert len(found) == model.variants[0].verifications[0].task.expected
            assert len(found) >= (10 if model.weights.kind == "seeded" else 1)


def _build(spec_changes: dict[str, object]) -> Artefact:
    spec = dataclasses.replace(MOBILENET_V1, **spec_changes)  # type: ignore[arg-type]
    return build(spec, weights.seeded(""), tool_versions(), lambda stage: None)


def test_a_model_that_disagrees_with_pytorch_is_not_built() -> None:
    impossible = (Tolerance(output="logits", atol=0, rtol=0, reason="no two libraries add in the same order"),)
    with pytest.raises(ZooError, match="mobilenet_v1, stage verify") as caught:
        _build({"tolerances": impossible})
    assert "logits: greatest difference" in caught.value.got
    assert "tolerance 0 + 0" in caught.value.got


def test_a_definition_that_does_not_fit_the_catalogue_is_not_built() -> None:
    with pytest.raises(ZooError, match="mobilenet_v1, stage load: the network's definition") as caught:
        _build({"parameters": 7})
    assert (caught.value.got, caught.value.expected) == ("4233001 parameters", "7")


def test_a_graph_with_other_outputs_than_the_catalogue_says_is_not_built() -> None:
    outputs = (MOBILENET_V1.outputs[0].model_copy(update={"shape": (1, 1000)}),)
    with pytest.raises(ZooError, match="mobilenet_v1, stage load: the reference output logits") as caught:
        _build({"outputs": outputs})
    assert "(1, 1001)" in caught.value.got


def test_the_key_covers_definition_weights_and_tools() -> None:
    tools = tool_versions()
    keys = {
        build_key(MOBILENET_V1, "seeded", None, tools),
        build_key(MOBILENET_V1, "pretrained", "a" * 64, tools),
        build_key(MOBILENET_V1, "pretrained", "b" * 64, tools),
        build_key(MOBILENET_V1, "seeded", None, tools | {"torch": "0"}),
        build_key(dataclasses.replace(MOBILENET_V1, title="other"), "seeded", None, tools),
        *(build_key(spec, "seeded", None, tools) for spec in CATALOGUE if spec is not MOBILENET_V1),
    }
    assert len(keys) == 5 + len(CATALOGUE) - 1
    assert build_key(MOBILENET_V1, "seeded", None, tools) in keys


# With real weights


@pytest.fixture(scope="module")
def pretrained(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classifiers with real weights. How many photographs they recognise is tests/test_accuracy.py's."""
    out = tmp_path_factory.mktemp("pretrained")
    env = {"ZOO_WEIGHTS_DIR": str(shared_data / "weights"), "ZOO_CACHE_DIR": str(out / "cache")}
    done = builder("build", "resnet50", "mobilenet_v1", "--weights", "pretrained", "--out", out, env=env)
    assert done.returncode == 0, done.stderr
    return out


def test_real_weights_know_the_shipped_cat(pretrained: Path) -> None:
    for model_id, offset in (("resnet50", 0), ("mobilenet_v1", 1)):
        logits = load_file(pretrained / model_id / "photograph.safetensors")["logits"]
        cats = {281, 282, 283, 284, 285}  # tabby, tiger cat, Persian, Siamese, Egyptian cat
        assert top_k(logits, 1)[0] - offset in cats
