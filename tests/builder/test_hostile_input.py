"""What a user, a file or a machine can do to the builder that nobody plans for: one clear message, and nobody else's work is lost."""

from __future__ import annotations

import resource
import shutil
import signal
import sys
from pathlib import Path

import pytest
import torch
from onnx import helper

from builder import own_graph
from builder.__main__ import main
from builder.catalogue.classifiers import RESNET50
from builder.catalogue.detectors import SSD_MOBILENET_V1_COCO
from builder.errors import ZooError
from builder.models.ssd_mobilenet_v1_coco import SsdMobileNetV1Coco
from builder.weights_file import fill, load_state_dict
from tests.builder.commands import builder
from tests.builder.own_files import model, saved, single

if sys.platform == "win32":
    pytest.skip("limits of processes are a POSIX thing", allow_module_level=True)


def _no_bytes() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_where_no_byte_can_be_written_each_model_fails_in_words(tmp_path: Path) -> None:
    """As on a disk that is full to the last byte: not even a temporary file can be made."""
    done = builder(
        *("build", "mobilenet_v1", "mobilenet_v2", "--weights", "seeded", "--out", tmp_path / "models"),
        env={"ZOO_CACHE_DIR": str(tmp_path / "cache")},
        preexec_fn=_no_bytes,
    )
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    assert "  next:     " in done.stderr
    assert not (tmp_path / "models" / "manifest.json").exists()


def test_wrong_keys_are_named_even_if_they_cannot_be_converted() -> None:
    state = {"backbone.0.0.weight": torch.zeros(()), "something.num_batches_tracked": torch.tensor(0)}
    with pytest.raises(ZooError) as caught:
        fill(SsdMobileNetV1Coco(), state, Path("mine.pth"), SSD_MOBILENET_V1_COCO)
    assert "missing" in caught.value.got
    assert "1 of another shape: Conv2d_0.weight" in caught.value.got


def test_a_torchscript_archive_is_refused_in_our_own_words(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = tmp_path / "resnet50.pth"
    torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.zeros(1)), str(path))  # type: ignore[no-untyped-call]
    recwarn.clear()
    with pytest.raises(ZooError) as caught:
        load_state_dict(path, RESNET50)
    assert "TorchScript" in str(caught.value)
    assert not recwarn.list


def test_a_network_that_ends_the_program_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "quitters.py").write_text(
        "import sys\nfrom torch import nn\n\n"
        "class Quitter(nn.Linear):\n    def forward(self, x):\n        sys.exit(0)\n\n"
        "def make():\n    return Quitter(3, 3)\n"
    )
    assert main(["add", "quitters:make", "--id", "quitter", "--input", "1x3", "--out", str(tmp_path / "models")]) != 0
    assert "SystemExit" in capsys.readouterr().err
    assert not (tmp_path / "models" / "manifest.json").exists()


def test_a_function_of_a_file_that_calls_itself_is_refused() -> None:
    body = [helper.make_node("Again", ["a"], ["b"], domain="own")]
    sets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    recursive = single("Relu")
    recursive.graph.node[0].op_type, recursive.graph.node[0].domain = "Again", "own"
    recursive.functions.append(helper.make_function("own", "Again", ["a"], ["b"], body, sets))
    recursive.opset_import.append(helper.make_opsetid("own", 1))
    with pytest.raises(ZooError, match="call"):
        own_graph.prepared(recursive, {})


def test_an_output_with_a_name_that_safetensors_keeps_is_refused() -> None:
    name = "__metadata__"
    graph = model([helper.make_node("Relu", ["x"], [name])], inputs={"x": (1, 8)}, outputs={name: (1, 8)})
    with pytest.raises(ZooError) as caught:
        own_graph.prepared(graph, {})
    assert name in str(caught.value)


def test_a_file_inside_the_models_folder_can_be_added_and_stays(tmp_path: Path) -> None:
    source = saved(single("Sigmoid"), tmp_path / "mine.onnx")
    inside = tmp_path / "models" / "mine" / "mine.onnx"
    inside.parent.mkdir(parents=True)
    shutil.copy(source, inside)
    assert main(["add", str(inside), "--id", "mine", "--out", str(tmp_path / "models")]) == 0
    assert inside.read_bytes() == source.read_bytes()


def test_a_damaged_manifest_is_never_written_over_by_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = saved(single("Sigmoid"), tmp_path / "mine.onnx"), tmp_path / "models"
    assert main(["add", str(source), "--id", "first", "--out", str(out)]) == 0
    damaged = (out / "manifest.json").read_bytes().replace(b'"schema_version": 2', b'"schema_version": 1')
    (out / "manifest.json").write_bytes(damaged)
    capsys.readouterr()
    assert main(["add", str(source), "--id", "second", "--out", str(out)]) != 0
    assert "schema_version" in capsys.readouterr().err
    assert (out / "manifest.json").read_bytes() == damaged
    assert main(["list", "--out", str(out)]) == 0
    assert "schema_version" in capsys.readouterr().err
    assert (out / "first" / "fp32.onnx").is_file()
