"""What a worker process does: build one model, put it into the folder and the cache, say how it went, end.

Every model has a process of its own, so that what one has used of memory is free for the next.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection

from builder.cache import BuildCache
from builder.errors import ZooError
from builder.jobs import Job, Place
from builder.records import ModelEntry


@dataclass(frozen=True)
class Stage:
    """The model has entered a stage."""

    name: str


@dataclass(frozen=True)
class Note:
    """Something worth knowing that is no failure."""

    text: str


@dataclass(frozen=True)
class Done:
    """The model is in the folder, with this entry."""

    entry: ModelEntry
    from_cache: bool


@dataclass(frozen=True)
class Failed:
    """The model is not built; `trace` is for those who ask for it."""

    error: ZooError
    trace: str


Message = Stage | Note | Done | Failed


def work(pipe: Connection, job: Job, place: Place, share: int) -> None:
    """The process's main function. `share`: how many of these run at a time, so that each takes its part of the processor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the first one decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        import torch

        torch.set_num_threads(max(1, torch.get_num_threads() // share))
        pipe.send(_made(pipe, job, place))
    except ZooError as error:
        pipe.send(Failed(error, traceback.format_exc()))
    except Exception as error:
        failure = ZooError(
            f"{job.spec.id}: {type(error).__name__} in its worker process",
            got=(str(error).strip() or repr(error)).splitlines()[0],
            expected="the build to finish",
            next_step=f"see where it comes from: python -X dev -m builder build {job.spec.id} prints the whole trace",
        )
        pipe.send(Failed(failure, traceback.format_exc()))


def _made(pipe: Connection, job: Job, place: Place) -> Done:
    from builder.pipeline import build  # imports torch

    def note(text: str) -> None:
        pipe.send(Note(text))

    cache = BuildCache(place.cache)
    waiting = f"{job.spec.id}: another process is building it; waiting for that"
    with cache.reserved(job.key, lambda: note(waiting)):
        artefact = place.cached(job, note)
        if artefact is not None:
            return Done(place.put(artefact), from_cache=True)
        artefact = build(job.spec, job.weights, place.tools, lambda stage: pipe.send(Stage(stage)))
        entry = place.put(artefact)
        cache.store(artefact, note)
    return Done(entry, from_cache=False)


def _end_with_parent() -> None:
    """Nobody waits for a build whose builder has been killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
