"""The server and the fleet, started as the programs that they are, for as long as something needs them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from builder.errors import ZooError

_ROOT = Path(__file__).resolve().parent.parent
_READY = "Serving on "
_START_S = 60.0
_STOP_S = 10.0
# Seconds without a sign of life. A graphics card emulated in software takes minutes for an inference of a large detector.
_TIMEOUT_S = {"wasm": 300, "webgpu": 1700}
_MORE_S = 60
_BUDGET_S = 60


@contextlib.contextmanager
def running_server(models: Path, scratch: Path) -> Iterator[str]:
    """A server of these models with a database of its own in `scratch`: its address. Raises ZooError if it does not start."""
    log = scratch / "server.log"
    command = [sys.executable, str(_ROOT / "server.py"), "--port", "0", "--models", str(models.absolute())]
    command += ["--database", str(scratch / "runs.sqlite")]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def fleet_run(server: str, browser: str, model: str, backend: str, device: str) -> str:
    """Have the fleet run one model in one browser, telling where nodes ran; what it printed. A run that failed is the caller's to see."""
    command = [sys.executable, "-m", "fleet", "run", "--server", server, "--browser", browser, "--models", model]
    timeout = _TIMEOUT_S[backend]
    command += ["--backends", backend, "--iterations", "1", "--warmup", "0", "--placement", "--device", device]
    command += ["--timeout", str(timeout), "--patience", str(timeout + _MORE_S), "--time-budget", str(_BUDGET_S)]
    command += ["--swiftshader"] if backend == "webgpu" else []
    done = subprocess.run(
        command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.stdout.decode(errors="replace").strip()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(errors="replace").splitlines(keepends=True):
            if line.startswith(_READY) and line.endswith("\n"):
                return line.removeprefix(_READY).strip()
        time.sleep(0.02)
    raise ZooError(
        "the server did not start",
        got=log.read_text(errors="replace").strip() or "nothing was printed",
        expected=f"the line '{_READY}http://...' within {_START_S:g} s",
        next_step="run python server.py by hand to see more",
    )
