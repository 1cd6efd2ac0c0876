"""How long `python -m builder list` takes with the whole catalogue built: python -m benchmarks.list_models [-n 7] [--models FOLDER]."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import ROOT, machine, verdict
from builder import manifest
from builder.catalogue import CATALOGUE
from tests.support.tiny_zoo import write_tiny_zoo

LIMIT_S = 0.5


def write_whole_catalogue(folder: Path) -> None:
    """A manifest with an entry for every model of the catalogue; the command reads no other file."""
    tiny = write_tiny_zoo(folder)
    entries = tuple(
        tiny.models[place % len(tiny.models)].model_copy(update={"id": spec.id}) for place, spec in enumerate(CATALOGUE)
    )
    manifest.write(folder, tiny.model_copy(update={"models": entries}))


def seconds_to_list(models: Path) -> float:
    """From starting the process until it has ended."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "builder", "list", "--out", str(models)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - start
    missing = [spec.id for spec in CATALOGUE if f" {spec.id} " not in done.stdout]
    if missing:
        raise SystemExit(f"the list does not show {', '.join(missing)}")
    return seconds


def main() -> int:
    """Print each time and their median. Returns 0 if it is within the limit, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.list_models",
        description="Time python -m builder list with the whole catalogue built.",
    )
    parser.add_argument("-n", type=int, default=7, help="how many times (default: 7)")
    parser.add_argument("--models", type=Path, help="a models folder (default: one with tiny models, made on the spot)")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="zoo-list-") as scratch:
        models = arguments.models
        if models is None:
            models = Path(scratch)
            write_whole_catalogue(models)
        seconds_to_list(models.absolute())  # so that every module is compiled and in memory, as after the first use
        seconds = [seconds_to_list(models.absolute()) for _ in range(arguments.n)]
    print("each:", ", ".join(f"{s:.3f}" for s in seconds), "s")
    kept = verdict(
        f"median of {arguments.n} runs of list with {len(CATALOGUE)} models", statistics.median(seconds), LIMIT_S, "s"
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
