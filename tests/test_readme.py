"""README.md's commands, each really run. One that no rule here knows fails, so that no command is written that nobody ever ran.

Every ```sh block is read. A rule changes only where a command writes, which port it takes, how much it measures.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.serving import ROOT
from tests.conftest import Serve
from tests.support.processes import plain_environment
from tests.support.runs import make_run
from tests.support.zoos import copied
from timings.store import Store

LONGEST_S = 840


@dataclass(frozen=True)
class Place:
    """Where one test may write, and what it may use."""

    folder: Path
    serve: Serve
    real_zoo: Path


Rule = Callable[[str, Place], None]


@pytest.fixture
def place(tmp_path: Path, serve: Serve, real_zoo: Path) -> Place:
    return Place(tmp_path, serve, real_zoo)


def commands_of(text: str) -> list[str]:
    """The commands of every sh block, in order: one a line, continued lines joined, comments left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := shlex.join(shlex.split(line, comments=True)))]


def run(command: str, folder: Path = ROOT) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with status {done.returncode} and printed:\n{done.stdout}"
    return done.stdout


def run_as_it_stands(command: str, place: Place) -> None:
    assert run(command).strip()


def run_demo(command: str, place: Place) -> None:
    results = place.folder / "demo"
    printed = run(f"{command} DEMO_MODELS=mobilenet_v1 DEMO_ITERATIONS=3 DEMO_RESULTS={results}")
    assert "mobilenet_v1" in printed
    for name in ("timings.csv", "samples.csv", "devices.csv", "timings.svg"):
        assert str(results / name) in printed
        assert (results / name).stat().st_size > 0


def run_one_test_file(command: str, place: Place) -> None:
    only = f"tests/test_setup_stamps.py --output={place.folder}/output"
    printed = run(f"{command} PYTEST_ARGS='{only}'")
    assert re.fullmatch(r"=+ \d+ passed in .* =+", printed.rstrip().splitlines()[-1])


def run_in_browser(command: str, place: Place) -> None:
    """In a folder with the one model that it names, in one browser: the whole is tests/test_in_browser.py's."""
    (name,) = re.findall(r" ([a-z0-9_]+)$", command)
    out = copied((name,), place.real_zoo, place.folder / "models")
    printed = run(f"{command} --browsers chromium --backends wasm --out {out}")
    assert "outputs right" in printed


def run_add(command: str, place: Place) -> None:
    name = command.rsplit(" ", 1)[1]
    run(f"{command} --out {place.folder}/models")
    assert name in run(f"{PYTHON_PATH} -m builder list --out {place.folder}/models")


def run_remove(command: str, place: Place) -> None:
    name = command.rsplit(" ", 1)[1]
    run(f"{PYTHON_PATH} -m builder add torchvision.models:squeezenet1_1 --id {name} --out {place.folder}/models")
    assert name in run(f"{command} --out {place.folder}/models")


def run_clean(command: str, place: Place) -> None:
    shutil.copy(ROOT / "Makefile", place.folder)
    (place.folder / "models").mkdir()
    run(command, place.folder)
    assert not (place.folder / "models").exists()


def run_server(command: str, place: Place) -> None:
    by_hand = re.sub(r"--port \d+", f"--port 0 --database {place.folder}/runs.sqlite", command)
    free = by_hand if "server.py" in command else f"{command} PORT=0"
    log = place.folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            ["sh", "-c", f"exec {free}"],
            cwd=ROOT,
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            with urllib.request.urlopen(f"{served_address(log, process)}/", timeout=30) as reply:
                assert reply.status == 200
                assert b"<!doctype html>" in reply.read()
        finally:
            # To make and the server both, as a terminal that is closed does.
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def served_address(log: Path, process: subprocess.Popen[bytes]) -> str:
    began = time.monotonic()
    while time.monotonic() - began < LONGEST_S and process.poll() is None:
        found = re.search(r"^Serving on (http://\S+)$", log.read_text(), re.MULTILINE)
        if found:
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"no server came up:\n{log.read_text()}")


def run_fleet(command: str, place: Place) -> None:
    address = place.serve(place.real_zoo).url
    printed = run(re.sub(r"http://127\.0\.0\.1:\d+", address, command) + " --iterations 3")
    assert re.search(r"1 timed, 0 failed, 0 not sent", printed)


def run_fleet_file(command: str, place: Place) -> None:
    """In another folder, with the file that `init` writes, on few inferences."""
    file = place.folder / "fleet.toml"
    elsewhere = command.replace("fleet.toml", str(file))
    if " init " in command:
        assert str(file) in run(elsewhere)
        return
    run(f"{PYTHON_PATH} -m fleet init {file}")
    printed = run(f"{elsewhere} --iterations 3 --min-time 0 --out {place.folder}/out")
    assert "1 timed, 0 failed, 0 not sent" in printed
    assert (next(place.folder.glob("out/*")) / "report.html").stat().st_size > 0


def run_timings(command: str, place: Place) -> None:
    database, out = place.folder / "runs.sqlite", place.folder / "out"
    with Store(str(database)) as store:
        store.add(make_run())
    elsewhere = re.sub(r"--database \S+", f"--database {database}", command)
    assert elsewhere != command
    printed = run(re.sub(r"(--out|-o) \S+", f"--out {out}", elsewhere))
    assert ("echo" in printed) if " table" in command else any(out.iterdir())


PYTHON_PATH = ".venv/bin/python"
PYTHON = re.escape(PYTHON_PATH)
RULES: tuple[tuple[str, Rule], ...] = (
    (r"make demo( DEMO_\w+=\S+)*", run_demo),
    (r"make test(-all)?", run_one_test_file),
    (r"make serve( HOST=\S+)?", run_server),
    (r"make (lint|setup|help)", run_as_it_stands),
    (r"make clean", run_clean),
    (rf"{PYTHON} server\.py( --host \S+)? --port \d+", run_server),
    (rf"{PYTHON} -m builder verify --in-browser( .*)?", run_in_browser),
    (rf"{PYTHON} -m builder add torchvision\.models:\w+ --id \w+", run_add),
    (rf"{PYTHON} -m builder remove \w+", run_remove),
    (rf"{PYTHON} -m builder (list|licences|schema)( --full)?", run_as_it_stands),
    (rf"{PYTHON} -m builder (verify|all|build)( [a-z0-9_]+| --jobs \d+)*", run_as_it_stands),
    (rf"{PYTHON} -m fleet list", run_as_it_stands),
    (rf"{PYTHON} -m fleet (init|run) fleet\.toml.*", run_fleet_file),
    (rf"{PYTHON} -m fleet run --server http://127\.0\.0\.1:\d+( --\w+ \S+)* --models [a-z0-9_]+", run_fleet),
    (rf"{PYTHON} -m timings (table|csv|plot) --database \S+( .*)?", run_timings),
    (rf"{PYTHON} (benchmarks/\w+\.py|-m benchmarks\.\w+)( .*)?", run_as_it_stands),
)


@pytest.mark.parametrize("command", commands_of((ROOT / "README.md").read_text()))
def test_a_command_of_the_readme_works(command: str, place: Place) -> None:
    rules = [rule for pattern, rule in RULES if re.fullmatch(pattern, command)]
    assert rules, f"README.md has a command that tests/test_readme.py does not know how to run: {command}"
    rules[0](command, place)


def test_the_readme_begins_with_the_two_commands() -> None:
    assert commands_of((ROOT / "README.md").read_text())[:2] == ["make demo", "make test"]


def test_commands_are_read_from_sh_blocks_only() -> None:
    text = "`make a`\n```sh\nmake b   # why\n# note\n\nmake c \\\n  X=1\n```\n```text\nmake d\n```\n```sh\nmake e Y='1 2'\n```\n"
    assert commands_of(text) == ["make b", "make c X=1", "make e 'Y=1 2'"]
