"""docs/adding-a-model.md, done as it says."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from builder import manifest
from builder.__main__ import main
from builder.build_all import Options, build_all
from builder.progress import Display
from builder.spec import ModelSpec
from tests.builder.commands import ROOT
from tests.builder.own_files import classifier, saved

TEXT = (ROOT / "docs" / "adding-a-model.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_a_torchvision_classifier_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    names: dict[str, object] = {}
    exec(compile(blocks("python")[0], "adding-a-model.md", "exec"), names)
    (spec,) = [value for value in names.values() if isinstance(value, ModelSpec)]
    with Display(quiet=True) as display:
        assert build_all([spec], Options(tmp_path / "models", "seeded", 1), display) == []
    (entry,) = manifest.read(tmp_path / "models").models
    assert entry.id == spec.id
    assert entry.task == "classification"
    proofs = entry.variants[0].verifications
    assert [p.reference for p in proofs] == ["photograph", "noise"]
    assert all(p.passed and p.task.matched == 5 for p in proofs)
    assert f"python -m builder build {spec.id}" in TEXT


def test_models_of_your_own_are_added_and_removed_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command but the catalogue's build, in the order of the text, in a folder with the files that it names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "nets", raising=False)  # another test's
    (tmp_path / "nets.py").write_text(blocks("python")[1])
    (tmp_path / "labels.txt").write_text("\n".join(f"name {i}" for i in range(7)))
    saved(classifier(), tmp_path / "net.onnx")
    saved(classifier(batch="batch"), tmp_path / "dynamic.onnx")
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert all(command[:3] == [".venv/bin/python", "-m", "builder"] for command in commands)
    own = [command[3:] for command in commands if command[3] != "build"]
    assert {command[0] for command in own} == {"add", "list", "licences", "verify", "remove"}
    for command in own:
        assert main(command) == 0, capsys.readouterr().err
        built = manifest.read(tmp_path / "models").models
        assert [m.id for m in built] == ([] if command[0] == "remove" else ["my_net"])
