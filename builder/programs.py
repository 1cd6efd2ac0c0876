"""The server and the fleet, started as the programs that they are, for as long as something needs them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.errors import ZooError

ROOT = Path(__file__).resolve().parent.parent
_READY = "Serving on "
_START_S = 60
_STOP_S = 10
# Seconds without a sign of life. A graphics card emulated in software takes minutes for an inference of a large detector.
_TIMEOUT_S = {"wasm": 300, "webgpu": 1700}
_MORE_S = 60
_BUDGET_S = 60


@dataclass(frozen=True)
class RunningServer:
    """A `python server.py` that answers. `log` holds everything that it printed."""

    url: str
    database: Path
    process: subprocess.Popen[bytes]
    log: Path


@contextlib.contextmanager
def running_server(
    models: Path, database: Path, *, host: str = "127.0.0.1", port: int = 0, accept_fake: bool = False
) -> Iterator[RunningServer]:
    """Start `python server.py` on these models and this database, and stop it afterwards, whatever happens.

    It gets a session of its own, so that a Ctrl-C that ends a measurement does not take the server away before the last upload.
    Raises ZooError, with what the server printed, if it does not get ready within a minute.
    """
    command = [sys.executable, str(ROOT / "server.py"), "--host", host, "--port", str(port)]
    command += ["--models", str(models.absolute()), "--database", str(database.absolute())]
    command += ["--accept-fake"] if accept_fake else []
    with tempfile.TemporaryDirectory(prefix="zoo-server-") as folder:
        log = Path(folder) / "server.log"
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            ) as process,
        ):
            try:
                yield RunningServer(_url_when_ready(process, log), database, process, log)
            finally:
                _stop(process)


def fleet_run(server: str, browser: str, model: str, backend: str, device: str) -> str:
    """Have the fleet run one model in one browser, telling where nodes ran; what it printed. A run that failed is the caller's to see."""
    timeout = _TIMEOUT_S[backend]
    command = [sys.executable, "-m", "fleet", "run", "--server", server, "--browser", browser, "--models", model]
    command += ["--backends", backend, "--iterations", "1", "--warmup", "0", "--placement", "--device", device]
    command += ["--min-time", "0", "--end-to-end", "0", "--no-files"]
    command += ["--timeout", str(timeout), "--patience", str(timeout + _MORE_S), "--time-budget", str(_BUDGET_S)]
    command += ["--swiftshader"] if backend == "webgpu" else []
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.stdout.decode(errors="replace").strip()


def _url_when_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(errors="replace").splitlines(keepends=True):
            if line.startswith(_READY) and line.endswith("\n"):
                return line.removeprefix(_READY).strip()
        time.sleep(0.02)
    ended = "is still starting" if process.poll() is None else f"ended with exit status {process.returncode}"
    raise ZooError(
        "the server did not start",
        got=f"it {ended}, and printed: {log.read_text(errors='replace').strip() or 'nothing'}",
        expected=f"the line '{_READY}http://...' within {_START_S} s",
        next_step="mend what it says, or run python server.py by hand to see more",
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
