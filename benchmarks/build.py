"""How long a cold and a warm build take, and how much memory: python -m benchmarks.build [--jobs N].

The build is the real command in a process of its own, with seeded weights, an empty output folder and an empty cache. Its imports are
timed apart, in another process, right before and after, and taken off the cold time: they are the machine's disk cache more than
the builder.
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

from benchmarks.machine import ROOT, machine, verdict

COLD_LIMIT_S, WARM_LIMIT_S, MEMORY_LIMIT_GB = 90.0, 1.0, 6.0
_IMPORTS = (
    "import torch, torchvision, onnx, onnxscript, onnxsim, onnxruntime, builder.pipeline, torch.onnx._internal.exporter"
)
_POLL_S = 0.05


@dataclass(frozen=True)
class Measured:
    """Wall-clock seconds, and the greatest resident memory of the process and its children together, in GB."""

    seconds: float
    peak_gb: float


def run(command: list[str], environment: dict[str, str]) -> Measured:
    """Run the command to its end. Raises SystemExit if it fails."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        peak = 0
        output: list[bytes] = []
        assert process.stdout is not None
        reader = threading.Thread(target=lambda pipe: output.append(pipe.read()), args=(process.stdout,))
        reader.start()
        while process.poll() is None:
            peak = max(peak, _resident_bytes(process.pid))
            time.sleep(_POLL_S)
        seconds = time.perf_counter() - start
        reader.join()
    if process.returncode:
        raise SystemExit(output[0].decode())
    return Measured(seconds, peak / 1e9)


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process and all its descendants (Linux; 0 elsewhere). Shared pages count in each."""
    try:
        children = " ".join(p.read_text() for p in Path(f"/proc/{pid}/task").glob("*/children"))
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0  # it has ended between two looks
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident_bytes(int(child)) for child in children.split())


def main() -> int:
    """Print what was measured; 0 if all limits are kept, else 1."""
    parser = argparse.ArgumentParser(description="Time a cold and a warm build of the whole catalogue.")
    parser.add_argument("--jobs", default="1", help="models built at a time (default: 1)")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="zoo-build-") as scratch:
        environment = os.environ | {"ZOO_CACHE_DIR": f"{scratch}/cache"}
        build = [sys.executable, "-m", "builder", "all", "--weights", "seeded", "--out", f"{scratch}/models"]
        build += ["--jobs", arguments.jobs]
        imports = [run([sys.executable, "-c", _IMPORTS], environment).seconds]
        cold = run(build, environment)
        imports.append(run([sys.executable, "-c", _IMPORTS], environment).seconds)
        warm = [run(build, environment).seconds for _ in range(5)]
    after_imports = cold.seconds - min(imports)
    print(f"imports: {imports[0]:.1f} s before, {imports[1]:.1f} s after")
    print(f"cold build, --jobs {arguments.jobs}: {cold.seconds:.1f} s, of which {after_imports:.1f} s after imports")
    kept = [
        verdict("cold build after imports", after_imports, COLD_LIMIT_S, "s"),
        verdict("peak memory of all its processes", cold.peak_gb, MEMORY_LIMIT_GB, "GB"),
        verdict("warm build, slowest of 5", max(warm), WARM_LIMIT_S, "s"),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
