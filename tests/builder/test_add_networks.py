"""python -m builder add with functions that return an nn.Module."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from builder import manifest
from builder.__main__ import main
from builder.records import ModelEntry, Raw, TopK
from tests.builder.commands import ROOT

GOOD = """
import torch
from torch import nn

def classifier():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6))

class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.convolution = nn.Conv2d(3, 2, 1)

    def forward(self, data):
        maps = self.convolution(data)
        return {"maps": maps, "more": [maps.mean((2, 3)), maps.argmax(1)]}

ready = Parts()

class Library:
    make = Parts
"""

Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes nets.py into the folder in which the command then runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "nets", raising=False)

    def write_module(source: str) -> None:
        (tmp_path / "nets.py").write_text(source)

    return write_module


def added(source: str, *options: str) -> ModelEntry:
    assert main(["add", source, "--id", "mine", "--out", "models", *options]) == 0
    assert main(["verify", "mine", "--out", "models"]) == 0
    entry = manifest.find(manifest.read(Path("models")), "mine")
    assert entry is not None
    return entry


def test_a_classifier_keeps_its_own_weights(write: Write) -> None:
    write(GOOD)
    entry = added("nets:classifier", "--input", "1x3x20x24", "--preprocessing", "signed")
    assert (entry.task, entry.postprocessing) == ("classification", TopK(kind="top_k", k=5))
    assert [(o.name, o.shape) for o in entry.outputs] == [("logits", (1, 6))]
    assert entry.input.preprocessing
    assert (entry.input.preprocessing.resize, entry.input.preprocessing.mean) == ("stretch", (0.5, 0.5, 0.5))
    assert entry.parameters == 4 * 27 + 4 + 8 + 4 * 6 + 6
    assert (entry.weights.kind, entry.weights.origin, entry.weights.licence) == (
        "pretrained",
        "nets:classifier",
        "not stated",
    )
    assert entry.weights.sha256
    assert entry.weights.bytes == 4 * (entry.parameters + 2 * 4) + 8  # and statistics, and their int64 counter
    assert entry.reference_runtime.startswith("PyTorch")
    again = added("nets:classifier", "--input", "1x3x20x24", "--preprocessing", "signed")
    assert [f.sha256 for f in again.files()] == [f.sha256 for f in entry.files()]
    assert again.build_key == entry.build_key


@pytest.mark.parametrize("name", ["Parts", "ready", "Library.make"])
def test_outputs_in_dicts_and_lists_are_numbered(name: str, write: Write) -> None:
    write(GOOD)
    entry = added(f"nets:{name}", "--input", "1x3x6x8")
    assert (entry.task, entry.postprocessing) == ("other", Raw(kind="raw"))
    assert [(o.name, o.shape, o.dtype) for o in entry.outputs] == [
        ("output_0", (1, 2, 6, 8), "float32"),
        ("output_1", (1, 2), "float32"),
        ("output_2", (1, 6, 8), "int64"),
    ]
    tensors = load_file(Path("models") / entry.references[0].path)
    assert sorted(tensors) == ["input", "output_0", "output_1", "output_2"]


def test_modules_of_the_folder_in_which_it_runs_are_found(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(GOOD)
    command = [
        sys.executable,
        "-m",
        "builder",
        "add",
        "nets:classifier",
        "--id",
        "mine",
        "--input",
        "1x3x8x8",
        "--quiet",
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "models" / "mine" / "fp32.onnx").is_file()


BRANCHING = """
from torch import nn
class Branching(nn.Module):
    def forward(self, data):
        if data.sum() > 0:
            return data * 2
        return -data
"""


@pytest.mark.parametrize(
    ("source", "reference", "parts"),
    [
        (
            "def make(): return undefined_name\n",
            "nets:make",
            ("nets:make failed", "NameError", "line 1 of nets.py: def make(): return"),
        ),
        (
            "import nothing_of_that_name\n",
            "nets:make",
            ("cannot be imported", "nothing_of_that_name", "line 1 of nets.py: import nothing"),
        ),
        ("def make(:\n", "nets:make", ("cannot be imported", "SyntaxError", "line 1 of nets.py: def make(:")),
        ("import sys\nsys.exit(3)\n", "nets:make", ("cannot be imported", "SystemExit: 3", "line 2 of nets.py")),
        ("def make(): return 'text'\n", "nets:make", ("nets:make gives no network", "a str", "an nn.Module")),
        ("make = 3\n", "nets:make", ("nets:make gives no network", "a int")),
        ("def make(size): return size\n", "nets:make", ("nets:make failed", "size", "without arguments")),
        (
            "def make(): raise RuntimeError('no\\nweights')\n",
            "nets:make",
            ("nets:make failed", "RuntimeError: no", "line 1 of nets.py"),
        ),
        ("def other(): pass\n", "nets:make", ("nets has no make", "it has other")),
        ("", "nets:make", ("nets has no make", "no function at all")),
        ("", "nets", ("no ONNX file and no function", "module:function")),
        ("", "nets.py", ("no ONNX file and no function", "nets:make_net")),
        ("", "nets:", ("no ONNX file and no function", "nets:")),
        ("", "absent_module:make", ("absent_module cannot be imported", "in the folder of that module")),
        (GOOD, "nets:classifier --input 1x4", ("fails on an input of 1x4", "RuntimeError", "another --input")),
        (GOOD, "nets:classifier --dim batch=1", ("--dim is for an ONNX file", "leave --dim out")),
        (
            "from torch import nn\nclass Make(nn.Module):\n    def forward(self, data): return [data.double()]\n",
            "nets:Make",
            ("output 0 of the network has another type", "float64", "float32 or int64"),
        ),
        (
            "from torch import nn\nclass Make(nn.Module):\n    def forward(self, data): return 'text'\n",
            "nets:Make",
            ("the network fails", "the network gives a str"),
        ),
        (
            "from torch import nn\nclass Make(nn.Module):\n    def forward(self, data): return []\n",
            "nets:Make",
            ("the network has no output",),
        ),
        (
            "from torch import nn\nclass Make(nn.Module):\n    def forward(self, data): return data * 0 + 1\n",
            "nets:Make --input 1x8",
            ("the output logits proves nothing", "1 everywhere"),
        ),
        (
            BRANCHING,
            "nets:Branching --input 1x8",
            ("stage export: the network cannot be exported", "data-dependent", "line 5 of nets.py: if data.sum() > 0:"),
        ),
    ],
)
def test_a_bad_network_gets_one_clear_message(
    source: str, reference: str, parts: tuple[str, ...], write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    write(source)
    assert main(["add", *reference.split(), "--id", "mine", "--out", "models"]) in {1, 2}
    message = capfd.readouterr().err
    assert all(part in message for part in parts), message
    assert message.startswith("error: ")
    assert len(message.splitlines()) <= 5, message
    assert not (Path("models") / "manifest.json").exists()
    assert not (Path("models") / "mine").exists()


def test_an_interrupt_in_the_users_own_code_ends_with_130(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("def make(): raise KeyboardInterrupt\n")
    assert main(["add", "nets:make", "--id", "mine", "--out", "models"]) == 130
    assert capsys.readouterr().err == "interrupted; nothing was added\n"
    assert not (Path("models") / "manifest.json").exists()
