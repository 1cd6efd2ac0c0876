"""A real Dask scheduler and real workers, each a process of its own, on loopback."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.builder.commands import ROOT


@dataclass
class DaskCluster:
    """`workers` are the processes that were started; a nanny's worker is a child of its process."""

    address: str
    scheduler: subprocess.Popen[str]
    folder: Path
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    def start_worker(self, *options: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start one more worker, with a cache folder of its own."""
        place = self.folder / f"worker-{len(self.workers)}"
        place.mkdir()
        command = [sys.executable, "-m", "dask", "worker", self.address, "--nthreads", "1", "--no-dashboard"]
        command += ["--local-directory", str(place), "--memory-limit", "0", *options]
        with (place / "log").open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, "ZOO_CACHE_DIR": str(place / "cache"), "ZOO_WEIGHTS_DIR": "", **(env or {})},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.workers.append(process)
        return process

    def cache_of(self, number: int) -> Path:
        """The cache folder of the worker that was started as that number."""
        return self.folder / f"worker-{number}" / "cache"

    def wait_for(self, count: int, timeout: float = 60) -> None:
        """Wait until so many workers are connected."""
        from distributed import Client

        client: Any = Client(self.address, timeout=timeout, set_as_default=False)  # type: ignore[no-untyped-call]
        try:
            client.wait_for_workers(count, timeout=timeout)
        finally:
            client.close()


@contextlib.contextmanager
def dask_cluster(folder: Path, *, allowed_failures: int = 3) -> Iterator[DaskCluster]:
    """A scheduler without workers; it and all workers end with the block."""
    folder.mkdir(parents=True)
    log = folder / "scheduler.log"
    env = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)}
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with log.open("w") as output:
        scheduler = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT, text=True)
    cluster: DaskCluster | None = None
    try:
        cluster = DaskCluster(_address(log, scheduler), scheduler, folder)
        yield cluster
    finally:
        for process in [*(cluster.workers if cluster else []), scheduler]:
            process.terminate()
        for process in [*(cluster.workers if cluster else []), scheduler]:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(log: Path, scheduler: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and scheduler.poll() is None:
        found = re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text())
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no scheduler: {log.read_text()}")
