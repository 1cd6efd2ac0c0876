"""How long a cold and a warm build of the whole catalogue take, and how much memory: python -m benchmarks.build [--jobs N].

The build is the real command in a process of its own, with seeded weights, an empty output folder and an empty cache. Memory is that of
the command and all its worker processes together, a page that several of them share counted once (Linux's PSS).

The table shows that time grows with the models and memory does not: for each model, when it was ready, how many seconds its own build
took, and the greatest memory since the model before it was ready.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.machine import ROOT, machine, verdict
from builder import manifest

COLD_LIMIT_S, WARM_LIMIT_S, MEMORY_LIMIT_GB = 480.0, 1.0, 8.0
_POLL_S = 0.1


@dataclass(frozen=True)
class Measured:
    """Of one command: wall-clock seconds; samples of memory as (second, GB); lines of its output as (second, text)."""

    seconds: float
    memory: tuple[tuple[float, float], ...]
    lines: tuple[tuple[float, str], ...]

    def peak(self, begin: float = 0.0, end: float = float("inf")) -> float:
        """The greatest memory between those two seconds, in GB."""
        return max((gb for second, gb in self.memory if begin <= second <= end), default=0.0)


def run(command: list[str], environment: dict[str, str]) -> Measured:
    """Run the command to its end. Raises SystemExit with its output if it fails."""
    start = time.perf_counter()
    memory: list[tuple[float, float]] = []
    lines: list[tuple[float, str]] = []

    def listen(pipe: IO[str]) -> None:
        for line in pipe:
            lines.append((time.perf_counter() - start, line.rstrip("\n")))

    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        listener = threading.Thread(target=listen, args=(process.stdout,))
        listener.start()
        while process.poll() is None:
            memory.append((time.perf_counter() - start, _bytes_in_use(process.pid) / 1e9))
            time.sleep(_POLL_S)
        seconds = time.perf_counter() - start
        listener.join()
    if process.returncode:
        raise SystemExit("\n".join(text for _, text in lines))
    return Measured(seconds, tuple(memory), tuple(lines))


def _bytes_in_use(pid: int) -> int:
    """Proportional set size of a process and all its descendants (Linux; 0 elsewhere)."""
    try:
        children = " ".join(p.read_text() for p in Path(f"/proc/{pid}/task").glob("*/children"))
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kilobytes = int(rollup.partition("\nPss:")[2].split()[0])
    except (OSError, ValueError, IndexError):
        return 0  # it has ended between two looks
    return kilobytes * 1024 + sum(_bytes_in_use(int(child)) for child in children.split())


def _print_models(cold: Measured, models: Path, jobs: int) -> None:
    """One row a model, in the order in which they were ready."""
    entries = {m.id: m for m in manifest.read(models).models}
    print(f"\n{'':>3} {'model':28} {'ONNX':>8} {'build':>8} {'ready at':>9} {'memory':>8}  work done per second")
    ready, before, work = 0, 0.0, 0.0
    for second, text in cold.lines:
        name, _, what = text.partition(": ")
        if name not in entries or not what.startswith("built"):
            continue
        entry = entries[name]
        ready, work = ready + 1, work + entry.build_seconds
        size = sum(v.bytes for v in entry.variants) / 1e6
        print(
            f"{ready:3} {name:28} {size:5.1f} MB {entry.build_seconds:6.1f} s {second:7.1f} s {cold.peak(before, second):5.2f} GB"
            f"  {work / second:.2f} of {jobs}"
        )
        before = second
    print()


def main() -> int:
    """Print what was measured; 0 if all limits are kept, else 1."""
    parser = argparse.ArgumentParser(description="Time a cold and a warm build of the whole catalogue.")
    parser.add_argument("--jobs", type=int, default=2, help="models built at a time (default: 2)")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="zoo-build-") as scratch:
        environment = os.environ | {"ZOO_CACHE_DIR": f"{scratch}/cache"}
        build = [sys.executable, "-u", "-m", "builder", "all", "--weights", "seeded", "--jobs", str(arguments.jobs)]
        models = Path(scratch) / "models"
        cold = run([*build, "--out", str(models)], environment)
        _print_models(cold, models, arguments.jobs)
        warm = [run([*build, "--out", str(models)], environment).seconds for _ in range(5)]
        cached = run([*build, "--out", f"{scratch}/elsewhere"], environment)
        size = sum(path.stat().st_size for path in models.rglob("*") if path.is_file())
        count = len(manifest.read(models).models)
    print(f"{count} models, {size / 1e9:.2f} GB; into another folder from the cache: {cached.seconds:.1f} s")
    kept = [
        verdict(f"cold build, --jobs {arguments.jobs}", cold.seconds, COLD_LIMIT_S, "s"),
        verdict("peak memory of all its processes", cold.peak(), MEMORY_LIMIT_GB, "GB"),
        verdict("warm build, slowest of 5", max(warm), WARM_LIMIT_S, "s"),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
