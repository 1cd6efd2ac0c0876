"""How long `python server.py` takes from its start to its first reply: python -m benchmarks.server_start [--tiny] [-n 7]."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.machine import ROOT, machine, verdict
from tests.support.tiny_zoo import write_tiny_zoo

LIMIT_S = 1.5
_GIVE_UP_S = 60


def seconds_to_first_reply(models: Path, database: Path) -> float:
    """From starting the process until GET / is answered with the page."""
    command = [sys.executable, str(ROOT / "server.py"), "--port", "0"]
    command += ["--models", str(models), "--database", str(database)]
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("Serving on "):
                raise SystemExit("the server did not start: what it said is above")
            with urllib.request.urlopen(line.removeprefix("Serving on ").strip(), timeout=_GIVE_UP_S) as reply:  # noqa: S310
                reply.read()
            return time.perf_counter() - start
        finally:
            process.terminate()


def main() -> int:
    """Print each start, their median and the slowest. Returns 0 if the median is within the limit, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.server_start", description="Time python server.py from its start to its first reply."
    )
    parser.add_argument("-n", type=int, default=7, help="how many starts (default: 7)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="the models folder (default: models/)")
    parser.add_argument("--tiny", action="store_true", help="use a models folder of a few kilobytes, made on the spot")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="zoo-start-") as scratch:
        models = arguments.models
        if arguments.tiny:
            models = Path(scratch) / "models"
            write_tiny_zoo(models)
        seconds = []
        for i in range(arguments.n):
            seconds.append(seconds_to_first_reply(models.absolute(), Path(scratch) / f"{i}.sqlite"))
            print(f"start {i + 1}: {seconds[-1]:.3f} s")
    print(f"slowest of {arguments.n} starts: {max(seconds):.3f} s")
    kept = verdict(f"median of {arguments.n} starts to the first reply", statistics.median(seconds), LIMIT_S, "s")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
