"""The commands that a fresh machine runs first: setup.sh, the Makefile, .ci/run, the browsers' installation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.browsers import find
from scripts.serving import ROOT
from scripts.tools import can_apt
from tests.support.processes import plain_environment


def program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A checkout without anything set up, and a PATH, fresh/bin, with a shell's tools and nothing else."""
    folder = tmp_path / "fresh"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    (folder / "bin").mkdir()
    for name in ("sh", "cat", "dirname", "echo"):
        (folder / "bin" / name).symlink_to(shutil.which(name) or pytest.fail(f"no {name}"))
    return folder


def run_setup(fresh: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [fresh / "scripts" / "setup.sh"],
        env={"PATH": str(fresh / "bin"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


TOO_OLD = ('case "$2" in *version_info*) exit 1;; *) echo 3.9.2;; esac',)
RECENT = ('case "$1" in -c) exit 0;; *) echo "$0 $@ in $PWD";; esac',)


def test_setup_takes_the_first_python_that_runs_and_is_recent_enough(fresh: Path) -> None:
    program(fresh / "bin" / "python3.13", "exit 127")
    program(fresh / "bin" / "python3.12", *TOO_OLD)
    program(fresh / "bin" / "python3.11", *RECENT)
    program(fresh / "bin" / "python3", *RECENT)
    done = run_setup(fresh)
    assert done.stdout == f"{fresh}/bin/python3.11 -m scripts.setup in {fresh}\n"


def test_setup_takes_the_environments_own_python_before_any_other(fresh: Path) -> None:
    program(fresh / "bin" / "python3.13", *RECENT)
    program(fresh / ".venv" / "bin" / "python", *RECENT)
    assert run_setup(fresh).stdout.startswith(".venv/bin/python -m scripts.setup")


def test_setup_passes_over_an_environment_that_was_broken_off(fresh: Path) -> None:
    program(fresh / ".venv" / "bin" / "python", 'case "$2" in *pip*) exit 1;; *) exit 0;; esac')
    program(fresh / "bin" / "python3", *RECENT)
    assert run_setup(fresh).stdout.startswith(f"{fresh}/bin/python3 -m scripts.setup")


def test_setup_takes_the_python_that_is_named(fresh: Path, tmp_path: Path) -> None:
    program(fresh / "bin" / "python3.13", *RECENT)
    mine = program(tmp_path / "mine", *RECENT)
    assert run_setup(fresh, PYTHON=str(mine)).stdout.startswith(f"{mine} -m scripts.setup")


@pytest.mark.parametrize(
    ("python3", "got"), [((), "python3 that does not run"), (TOO_OLD, "python3 3.9.2")], ids=["none", "too old"]
)
def test_setup_without_a_python_says_what_to_do(fresh: Path, python3: tuple[str, ...], got: str) -> None:
    if python3:
        program(fresh / "bin" / "python3", *python3)
    done = run_setup(fresh)
    assert done.returncode == 1
    assert [line.split(":")[0].strip() for line in done.stderr.splitlines()[1:]] == ["got", "expected", "next"]
    assert f"got:      {got}" in done.stderr
    assert "Python 3.11 or newer" in done.stderr


def test_set_up_again_does_nothing_and_says_nothing() -> None:
    for _ in range(2):
        done = subprocess.run(
            [ROOT / "scripts" / "setup.sh"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
    assert (done.stdout, done.stderr) == ("", "")


def test_help_tells_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) - {"help", "zoo"}
    printed = subprocess.run(
        ["make"], cwd=ROOT, env=plain_environment(), capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"^make (\w+)", printed, re.MULTILINE)) == targets


def test_clean_keeps_the_measurements(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = [".venv/x", "node_modules/x", "models/x", ".setup/x", "fleet/__pycache__/x"]
    kept = ["results/timings.sqlite", "fleet/drive.py"]
    for name in made + kept:
        program(tmp_path / name)
    subprocess.run(["make", "clean"], cwd=tmp_path, env=plain_environment(), capture_output=True, check=True)
    assert [name for name in made + kept if (tmp_path / name).exists()] == kept
    assert not (tmp_path / ".venv").exists()


def test_continuous_integration_runs_make_test(tmp_path: Path) -> None:
    program(tmp_path / "make", 'echo "make $@ in $PWD"', "cat")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / ".ci" / "run"], cwd=tmp_path, env=environment, input="typed", capture_output=True, text=True, check=True
    )
    assert done.stdout == f"make test in {ROOT}\n"


def test_browsers_are_installed_where_there_are_none(fresh: Path, tmp_path: Path) -> None:
    """Playwright's builds cannot be had here (nothing listens there), so Debian's are, as root; else it is told."""
    real = {"chromium": find("chromium"), "firefox-esr": find("firefox")}
    links = [f"ln -s {browser.executable} {fresh}/bin/{name}" for name, browser in real.items() if browser]
    assert len(links) == 2
    (fresh / "bin" / "ln").symlink_to(shutil.which("ln") or pytest.fail("no ln"))
    program(fresh / "bin" / "apt-get", 'echo "apt-get $@"', f'case "$*" in *firefox-esr*) {"; ".join(links)};; esac')
    done = subprocess.run(
        [sys.executable, "-m", "scripts.install_browsers"],
        cwd=ROOT,
        env={
            "PATH": str(fresh / "bin"),
            "HOME": str(tmp_path),
            "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "playwright"),
            "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:2",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if can_apt():
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [f"{fresh}/bin/chromium", f"{fresh}/bin/firefox-esr"]
        assert "apt-get update" in done.stderr
        assert "apt-get install --yes --no-install-recommends chromium firefox-esr" in done.stderr
    else:
        assert done.returncode == 1
        assert "there is no chromium browser on this machine" in done.stderr
