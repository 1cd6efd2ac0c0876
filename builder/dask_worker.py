"""What runs on a Dask worker. Workers are started in the project's folder, with the same lock file installed."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import processor
from builder import weights as weights_module
from builder.artefact import Artefact
from builder.errors import ZooError
from builder.files import sha256_of
from builder.fingerprints import Fingerprints
from builder.jobs import Job
from builder.key import build_key, tool_versions
from builder.spec import ModelSpec
from builder.weights import Weights

# torch's exporter is not made for two threads of one process: a worker builds one model at a time, whatever its --nthreads.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class WeightsWanted:
    """The answer of a worker that has no file with the wanted weights. `worker` is its address."""

    worker: str


def versions() -> dict[str, str]:
    """What tool_versions() gives on this worker."""
    return tool_versions()


def build_here(job: Job, topic: str) -> Artefact | WeightsWanted:
    """Build the job's model. Stages are told as events of `topic`. Raises ZooError, naming model and stage."""
    from distributed import get_worker

    worker: Any = get_worker()
    with _one_at_a_time:
        weights = _weights_here(job)
        if weights is None:
            return WeightsWanted(worker.address)
        tools = tool_versions()
        if build_key(job.spec, weights.kind, weights.sha256, tools) != job.key:
            raise ZooError(
                f"{job.spec.id}: the worker {worker.address} would build something else",
                got="other sources of the builder, or other versions of its tools, than here",
                expected="the same checkout and the same lock file on every worker",
                next_step="bring the worker's checkout up to date and start it again",
            )
        processor.pin()
        from builder.pipeline import build

        try:
            return build(
                job.spec,
                weights,
                tools,
                lambda stage: worker.log_event(topic, {"model": job.spec.id, "stage": stage}),
            )
        finally:
            gc.collect()  # the process goes on to the next model


def receive(name: str, sha256: str, transfer: str, offset: int, piece: bytes, last: bool) -> None:
    """Keep one piece of a weights file that the client ships; after the last one the file is checked and gets its name.

    Raises ZooError when it did not arrive as it was sent, or cannot be written.
    """
    path = _shipped(sha256, name)
    partial = path.with_name(f".{name}.{transfer}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(piece)
        if not last:
            return
        found = sha256_of(partial)
        if found == sha256:
            partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ZooError(
            f"the weights file {name} cannot be kept on a worker",
            got=f"{error.strerror}: {path}",
            expected="a cache folder that the worker may write to, on a disk with free space",
            next_step="free some space there, or start the worker with another ZOO_CACHE_DIR",
        ) from error
    if found != sha256:
        partial.unlink()
        raise ZooError(
            f"the weights file {name} did not reach the worker as it was sent",
            got=f"sha256 {found}",
            expected=f"sha256 {sha256}",
            next_step="check that the file does not change meanwhile, and build again",
        )


def _weights_here(job: Job) -> Weights | None:
    """The job's weights as files of this machine: the same path, what was shipped before, or its own; None if there are none."""
    if job.weights.path is None:
        return job.weights
    assert job.weights.sha256 is not None
    for path in (job.weights.path, _shipped(job.weights.sha256, job.weights.path.name), _own(job.spec)):
        with contextlib.suppress(OSError):
            if path is not None and path.is_file() and sha256_of(path) == job.weights.sha256:
                return dataclasses.replace(job.weights, path=path)
    return None


def _own(spec: ModelSpec) -> Path | None:
    """The file that a build on this machine would take."""
    try:
        found = weights_module.find_local(spec, Fingerprints(weights_module.cache_folder() / "fingerprints.json"))
    except ZooError:
        return None  # another file than the published one: not what is wanted
    return found.path if found else None


def _shipped(sha256: str, name: str) -> Path:
    return weights_module.cache_folder() / "shipped" / sha256 / name
