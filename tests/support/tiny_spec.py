"""Records of the networks of tests/support/tiny_networks.py, and a way to build them in a process of its own. Imports no torch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from builder.records import InputEntry, OutputEntry, Preprocessing, Tolerance, TopK
from builder.spec import ModelSpec, WeightsSource
from tests.builder.commands import ROOT

_PARAMETERS = 3 * 8 * 9 + 8 + 8 * 6 + 6

# argv: output folder, weights, jobs, scheduler or "", then the specs as "id:function" or "id:function:signs folder"
_PROGRAM = """
import signal, sys
from pathlib import Path
from builder.build_all import Options, build_all
from builder.errors import ZooError
from builder.progress import Display
from tests.support.tiny_spec import tiny_spec

out, weights, jobs, scheduler, *names = sys.argv[1:]
signal.signal(signal.SIGTERM, signal.default_int_handler)
specs = [tiny_spec(*name.split(":")) for name in names]
try:
    with Display() as display:
        failures = build_all(specs, Options(Path(out), weights, int(jobs), scheduler or None), display)
except ZooError as error:
    sys.exit(f"error: {error}")
except KeyboardInterrupt:
    sys.exit(130)
sys.exit(bool(failures) or 9 * ("torch" in sys.modules))
"""


def tiny_spec(name: str = "tiny", function: str = "tiny", signs: str = "") -> ModelSpec:
    """A spec whose network is that function of tests.support.tiny_networks; `signs` is the folder that it is given."""
    return ModelSpec(
        id=name,
        title=name.title(),
        task="classification",
        constructor=f"tests.support.tiny_networks:{function}",
        weights=WeightsSource(
            file_name=f"{name}-published.pth",
            url=None,
            bytes=None,
            checksums=(),
            licence="CC0-1.0",
            citation="none",
            instructions="there is no file",
        ),
        input=InputEntry(
            name="input",
            shape=(1, 3, 24, 24),
            dtype="float32",
            preprocessing=Preprocessing(
                resize="stretch",
                interpolation="bilinear",
                size=None,
                divisor=255.0,
                mean=(0.5, 0.5, 0.5),
                std=(0.5, 0.5, 0.5),
            ),
        ),
        outputs=(OutputEntry(name="logits", shape=(1, 6), dtype="float32"),),
        labels="tests.support.tiny_networks:labels",
        postprocessing=TopK(kind="top_k", k=5),
        parameters=_PARAMETERS,
        calibration_size=(24, 24),
        tolerances=(Tolerance(output="logits", atol=1e-4, rtol=1e-4, reason="fp32 on both sides"),),
        arguments=(("signs", signs),) if signs else (),
    )


def build_tiny(
    out: Path,
    *names: str,
    cache: Path,
    weights: str = "seeded",
    jobs: int = 1,
    scheduler: str = "",
    env: dict[str, str] | None = None,
    keep: Sequence[int] = (),
) -> subprocess.Popen[str]:
    """Start building, with `keep` as its open files; the process's standard error goes with its output. Exit status 9: torch was imported where it should not be."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", _PROGRAM, str(out), weights, str(jobs), scheduler, *names],
        cwd=ROOT,
        env={**os.environ, "ZOO_CACHE_DIR": str(cache), "ZOO_WEIGHTS_DIR": "", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=keep,
    )


def finished(process: subprocess.Popen[str], timeout: float = 120) -> tuple[int, str]:
    """Wait for the end of such a process: its exit status and all that it said. It does not outlive the wait."""
    try:
        said, _ = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    return process.returncode, said


def signs_in(folder: Path, count: int, process: subprocess.Popen[str], timeout: float = 90) -> Sequence[int]:
    """Wait until so many processes have said in that folder that they build there; their ids. Fails when the builder ends first."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = sorted(int(p.name) for p in folder.iterdir() if p.name.isdecimal())
        if len(found) >= count:
            return found
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"{len(found)} of {count} signs in {folder}; the builder said: {process.communicate()[0]}")
