"""Programs that set-up needs: found, installed where that is ours to do, or asked for in one clear message."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from builder.errors import ZooError
from scripts import setup, tools


@pytest.fixture
def only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on whose PATH there is only this folder, with a shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cp", "chmod", "cat"):
        (folder / name).symlink_to(shutil.which(name) or pytest.fail(f"no {name}"))
    monkeypatch.setenv("PATH", str(folder))
    tools._apt_update.cache_clear()
    return folder


def program(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def pretend_debian(monkeypatch: pytest.MonkeyPatch, *, root: bool) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "debian"})
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)


def test_a_recent_node_with_npm_is_enough(only_here: Path) -> None:
    program(only_here / "npm")
    program(only_here / "node", "echo v18.0.0")
    tools.need_node()
    assert not (only_here / "apt-get").exists()


@pytest.mark.parametrize(
    ("programs", "got"),
    [
        ({}, "no node and no npm on PATH"),
        ({"node": "echo v20.0.0"}, "no npm on PATH"),
        ({"node": "echo v16.20.2", "npm": ""}, "node v16.20.2"),
        ({"node": "exit 7", "npm": ""}, "node --version ends with status 7 and prints nothing"),
    ],
)
def test_node_that_cannot_be_used_is_told(
    only_here: Path, monkeypatch: pytest.MonkeyPatch, programs: dict[str, str], got: str
) -> None:
    pretend_debian(monkeypatch, root=False)
    program(only_here / "apt-get", "exit 1")
    for name, line in programs.items():
        program(only_here / name, line)
    with pytest.raises(ZooError, match=r"Node\.js cannot be used") as raised:
        tools.need_node()
    assert raised.value.got == got
    assert raised.value.expected == "node 18 or newer, and npm"
    assert "apt-get install nodejs npm" in raised.value.next_step


def test_on_debian_as_root_node_is_installed(
    only_here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pretend_debian(monkeypatch, root=True)
    program(tmp_path / "node", "echo v20.0.0")
    program(
        only_here / "apt-get",
        'echo "$DEBIAN_FRONTEND: $@"',
        f"[ $1 = update ] || for name in node npm; do cp {tmp_path}/node {only_here}/$name; done",
    )
    tools.need_node()
    printed = capfd.readouterr()
    assert "noninteractive: update" in printed.err
    assert "noninteractive: install --yes --no-install-recommends nodejs npm" in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("command", [["sh", "-c", "echo oh dear; exit 3"], ["no-such-program"]])
def test_a_command_that_fails_is_named(only_here: Path, capfd: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(ZooError) as raised:
        tools.run(command, "installing things", next_step="connect to the internet")
    assert raised.value.what == f"installing things: {' '.join(command)} failed"
    assert raised.value.got.startswith(("exit status 3", "[Errno 2]"))
    assert raised.value.next_step == "connect to the internet"
    assert ("oh dear" in capfd.readouterr().err) == (command[0] == "sh")


def test_a_python_without_ensurepip_is_told_which_package_brings_it(
    only_here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_debian(monkeypatch, root=False)
    monkeypatch.setattr("sys.executable", str(program(only_here / "python3", "exit 1")))
    with pytest.raises(ZooError, match="a virtual environment cannot be made") as raised:
        setup.make_environment()
    assert "apt-get install python3-venv" in raised.value.next_step
