"""What is to be built, where it goes, and what came of it: the nouns that local processes and a Dask cluster share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.artefact import Artefact
from builder.cache import BuildCache
from builder.errors import ZooError
from builder.output import OutputFolder
from builder.records import ModelEntry
from builder.spec import ModelSpec
from builder.weights import Weights


@dataclass(frozen=True)
class Job:
    """One model to be built. `key` is its build key here: who builds it elsewhere must come to the same."""

    spec: ModelSpec
    weights: Weights
    key: str


@dataclass(frozen=True)
class Place:
    """Where builds go. It travels to worker processes.

    order: the catalogue's ids. tools: versions by package. read_cache: whether what the cache holds is used.
    """

    out: Path
    order: tuple[str, ...]
    cache: Path
    tools: dict[str, str]
    read_cache: bool

    def cached(self, job: Job, on_note: Callable[[str], None]) -> Artefact | None:
        """The job's build from the cache, if it is there and may be used, with the origin that its weights have here."""
        artefact = BuildCache(self.cache).take(job.key, on_note) if self.read_cache else None
        if artefact is None:
            return None
        weights = artefact.entry.weights.model_copy(update={"origin": job.weights.origin})
        return Artefact(artefact.entry.model_copy(update={"weights": weights}), artefact.files)

    def put(self, artefact: Artefact) -> ModelEntry:
        """Write a build into the output folder. Raises ZooError, naming the model."""
        try:
            return OutputFolder(self.out, self.order).put(artefact)
        except ZooError as error:
            raise error.within(f"{artefact.entry.id}, stage write") from error


@dataclass(frozen=True)
class Outcome:
    """How one job ended: `entry` as it stands in the manifest, or the `error`. Exactly one of them is None."""

    job: Job
    entry: ModelEntry | None
    error: ZooError | None
    from_cache: bool = False


class RemoteTraceError(Exception):
    """What a worker process would have printed; the cause of the error that it sent."""

    def __init__(self, text: str) -> None:
        super().__init__(f"in the worker process:\n{text}")
