"""python -m builder as users and scripts see it: exit codes, messages, nothing lost."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builder import manifest
from builder.catalogue import CATALOGUE
from builder.manifest import FILE_NAME
from tests.builder.commands import ROOT, builder, contents

QUICK = "mobilenet_v1"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one seeded model, built by the real command. Copy it before changing it."""
    out = tmp_path_factory.mktemp("built") / "models"
    done = builder("build", QUICK, "--weights", "seeded", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "mobilenet_v1: verify" in done.stdout
    assert "verified against PyTorch" in done.stdout
    return out


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """The built folder, to be damaged."""
    return Path(shutil.copytree(built, tmp_path / "models"))


def test_a_warm_build_changes_nothing_and_imports_no_torch(built: Path) -> None:
    before = contents(built)
    script = (
        "import sys; from builder.__main__ import main; "
        f"code = main(['build', {QUICK!r}, '--weights', 'seeded', '--out', {str(built)!r}]); "
        "sys.exit(code or ('torch' in sys.modules) * 9)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout
    assert contents(built) == before


def test_quiet_says_nothing_when_all_is_well(built: Path) -> None:
    done = builder("build", QUICK, "--weights", "seeded", "--out", built, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verify_runs_the_files_again_and_reports_the_differences(built: Path) -> None:
    done = builder("verify", "--out", built)
    assert done.returncode == 0, done.stderr
    assert "5 of 5 top-5 places agree" in done.stdout
    assert "of the tolerance" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        (("build", "resnet51"), 2, ("unknown model", "resnet51", "mobilenet_v1, mobilenet_v2", "builder list")),
        (("verify", "resnet51"), 2, ("unknown model", "resnet51")),
        (("bild",), 2, ("bild", "all", "build")),
        ((), 2, ("COMMAND",)),
        (("build",), 2, ("NAME",)),
        (("all", "--weights", "some"), 2, ("some", "pretrained")),
        (("all", "--jobs", "0"), 2, ("'0'", "whole number from 1")),
        (("all", "--jobs", "many"), 2, ("'many'",)),
        (("verify", "--in-browser", "--browsers", "chromium,lynx"), 2, ("'chromium,lynx'", "chromium,firefox")),
        (("verify", "--in-browser", "--backends", "webgl"), 2, ("'webgl'", "wasm,webgpu")),
        (("verify", "--in-browser", "resnet51"), 2, ("unknown model", "resnet51")),
        (("remove", "resnet50"), 2, ("resnet50 is one of the catalogue's models", "builder clean")),
        (("remove",), 2, ("NAME",)),
        (("add", "net.onnx"), 2, ("--id",)),
    ],
)
def test_a_wrong_command_line_names_the_choices(
    arguments: tuple[str, ...], code: int, parts: tuple[str, ...], tmp_path: Path
) -> None:
    done = builder(*arguments, *(["--out", tmp_path / "out"] if arguments and arguments[0] != "bild" else []))
    assert done.returncode == code
    assert all(part in done.stderr for part in parts), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["build", "verify", "list"])
def test_a_manifest_edited_by_hand_is_found_out(command: str, copy: Path) -> None:
    text = (copy / FILE_NAME).read_text()
    (copy / FILE_NAME).write_text(text.replace('"atol": 0.001', '"atol": 1000', 1))
    done = builder(command, *([QUICK, "--weights", "seeded"] if command == "build" else []), "--out", copy)
    if command == "verify":
        assert done.returncode == 2
        assert "was changed after the builder wrote it" in done.stderr
        assert "python -m builder all" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert command == "list" or manifest.read(copy).models[0].variants[0].tolerances[0].atol == 0.001


@pytest.mark.parametrize(
    ("edit", "part"),
    [
        (lambda m: m | {"schema_version": 3}, "schema_version"),
        (lambda m: m | {"extra": 1}, "changed"),
        (lambda m: {}, "schema_version"),
        (lambda m: [], "manifest"),
    ],
)
def test_a_manifest_of_another_form_is_named(edit: object, part: str, copy: Path) -> None:
    assert callable(edit)
    (copy / FILE_NAME).write_text(json.dumps(edit(json.loads((copy / FILE_NAME).read_text()))))
    done = builder("verify", "--out", copy)
    assert done.returncode == 2
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_verify_without_a_build_says_what_to_do(tmp_path: Path) -> None:
    done = builder("verify", "--out", tmp_path)
    assert done.returncode == 2
    assert "python -m builder all" in done.stderr


def test_a_changed_model_file_fails_verification_and_is_built_anew(copy: Path) -> None:
    path = copy / QUICK / "fp32.onnx"
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    checked = builder("verify", "--out", copy)
    assert checked.returncode == 1
    assert "mobilenet_v1, stage verify" in checked.stderr
    assert "is not the file that was built" in checked.stderr
    again = builder("build", QUICK, "--weights", "seeded", "--out", copy)
    assert again.returncode == 0, again.stderr
    assert "is not the file that was built; building anew" in again.stdout
    assert builder("verify", "--out", copy).returncode == 0


def test_an_output_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = builder("all", "--out", tmp_path / "file" / "models")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "--out" in done.stderr


def test_a_disk_that_is_full_loses_nothing(copy: Path) -> None:
    """The limit on file sizes stands for the full disk: both make the kernel refuse a write half-way."""
    before = contents(copy)
    done = builder(
        "build",
        "ssd_mobilenet_v1",
        *("--weights", "seeded", "--out", copy),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000)),
    )
    assert done.returncode == 1
    assert "ssd_mobilenet_v1, stage write" in done.stderr
    assert "cannot be written" in done.stderr
    assert "what was there before is untouched" in done.stderr
    kept = contents(copy)
    assert {name: kept[name] for name in before} == before
    assert not [name for name in kept if name.endswith(".partial")]
    assert [m.id for m in manifest.read(copy).models] == [QUICK]


@pytest.mark.parametrize("moment", ["load", "export", "verify", "write"])
def test_a_kill_leaves_the_last_good_state_and_the_next_run_goes_on(moment: str, copy: Path) -> None:
    before = contents(copy)
    arguments = ["build", QUICK, "ssd_mobilenet_v1", "--weights", "seeded", "--out", str(copy)]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "builder", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    for line in process.stdout:
        if line.strip() == f"ssd_mobilenet_v1: {moment}":
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    kept = contents(copy)
    assert {name: kept[name] for name in before} == before
    assert builder("verify", QUICK, "--out", copy).returncode == 0
    if moment == "write":
        again = builder(*arguments)
        assert again.returncode == 0, again.stderr
        assert "mobilenet_v1: up to date" in again.stdout
        assert [m.id for m in manifest.read(copy).models] == [QUICK, "ssd_mobilenet_v1"]
        assert not list(copy.glob(".*.partial"))
        named = {file.path for model in manifest.read(copy).models for file in model.files()}
        assert set(contents(copy)) == named


@pytest.mark.usefixtures("ctrl_c_works")
def test_an_interrupt_ends_with_130_and_a_word(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "builder", "build", QUICK, "--weights", "seeded", "--out", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"ZOO_CACHE_DIR": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if "load" in line:
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors


def test_clean_removes_what_was_built_and_nothing_else(copy: Path) -> None:
    (copy / "mine.txt").write_text("keep")
    done = builder("clean", "--out", copy)
    assert done.returncode == 0
    assert FILE_NAME in done.stdout
    assert [p.name for p in copy.iterdir() if not p.name.startswith(".")] == ["mine.txt"]


def test_list_shows_every_model_and_where_it_runs(built: Path) -> None:
    done = builder("list", "--out", built)
    assert done.returncode == 0
    rows = {line.split()[1]: line for line in done.stdout.splitlines() if line.count("│") > 2}
    assert list(rows) == [spec.id for spec in CATALOGUE]
    assert re.search(r"seeded weights +│ wasm ✓  webgpu [✓~]  webgl [✓~–]  webnn [✓~–]", rows[QUICK]), rows[QUICK]  # noqa: RUF001
    assert rows["resnet50"].split("│")[6].strip() == "no"
    full = builder("list", "--full", "--out", built)
    assert full.returncode == 0
    assert "not yet" in full.stdout


def test_list_speaks_to_terminals_without_such_characters(built: Path) -> None:
    done = builder("list", "--full", "--out", built, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "wasm yes" in done.stdout


def test_list_and_licences_load_nothing_heavy(built: Path) -> None:
    for command in ("list", "licences"):
        script = (
            "import sys; from builder.__main__ import main; "
            f"main([{command!r}, '--out', {str(built)!r}]); "
            "print('loaded:', *sorted({'torch', 'onnx', 'onnxruntime', 'safetensors', 'requests', 'PIL'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1].strip() == "loaded:", command


def test_licences_are_told_without_a_build(tmp_path: Path) -> None:
    done = builder("licences", "--out", tmp_path / "none")
    assert done.returncode == 0, done.stderr
    assert all(spec.id in done.stdout and spec.weights.file_name in done.stdout for spec in CATALOGUE)
    assert "Seeded weights" in done.stdout


def test_clean_can_empty_the_cache_and_leave_the_models(built: Path, tmp_path: Path) -> None:
    before = contents(built)
    cache = tmp_path / "cache"
    (cache / "builds").mkdir(parents=True)
    (cache / "builds" / ("0" * 64 + ".zip")).write_bytes(b"old")
    (cache / "weights.pth").write_bytes(b"downloaded")
    done = builder("clean", "--cache", "--out", built, env={"ZOO_CACHE_DIR": str(cache)})
    assert done.returncode == 0, done.stderr
    assert not list(cache.glob("builds/*.zip"))
    assert (cache / "weights.pth").exists()
    assert contents(built) == before


def test_a_cache_folder_that_cannot_be_written_costs_time_only(built: Path) -> None:
    done = builder("build", QUICK, "--weights", "seeded", "--out", built, env={"ZOO_CACHE_DIR": "/proc/nope"})
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout


def test_a_failure_of_one_model_does_not_stop_the_next(tmp_path: Path) -> None:
    import torch

    weights = tmp_path / "weights"
    weights.mkdir()
    torch.save({1: torch.zeros(2)}, weights / "resnet50.pth")
    (weights / "ssd_mobilenet_v1.pth").symlink_to("/proc/self/mem")
    out = tmp_path / "models"
    env = {"ZOO_WEIGHTS_DIR": str(weights)}
    done = builder("build", "resnet50", QUICK, "ssd_mobilenet_v1", "--out", out, env=env)
    assert done.returncode == 1
    assert "resnet50, stage load: weights file resnet50.pth for resnet50 holds no state dict" in done.stderr
    assert "ssd_mobilenet_v1, stage weights: a weights file for ssd_mobilenet_v1 cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
    assert [m.id for m in manifest.read(out).models] == [QUICK]


def test_weights_that_do_not_fit_fail_naming_model_and_stage(tmp_path: Path) -> None:
    import torch

    torch.save({"some.weight": torch.zeros(2)}, tmp_path / "mobilenet_v1.pth")
    env = {"ZOO_WEIGHTS_DIR": str(tmp_path)}
    done = builder("build", QUICK, "--out", tmp_path / "models", env=env)
    assert done.returncode == 1
    assert "mobilenet_v1, stage load" in done.stderr
    assert "137" in done.stderr or "missing" in done.stderr
    assert not (tmp_path / "models" / FILE_NAME).exists()


def test_pretrained_weights_that_cannot_be_had_fail_the_model(tmp_path: Path) -> None:
    env = {"ZOO_CACHE_DIR": str(tmp_path / "cache"), "ZOO_WEIGHTS_DIR": ""}
    done = builder("build", QUICK, "--weights", "pretrained", "--out", tmp_path / "models", env=env)
    assert done.returncode == 1
    assert "no pretrained weights for mobilenet_v1" in done.stderr
    assert "mobilenet_v1, stage weights" in done.stderr
