"""Building on this machine: each model in a process of its own, so many at a time."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import signal
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from builder import processor
from builder.errors import ZooError
from builder.jobs import Job, Outcome, Place, RemoteTraceError
from builder.jobs_worker import Done, Failed, Message, Note, Stage, work
from builder.progress import Reporter

# Imported once, by the process that the workers are forked from.
_PRELOADED = ["builder.pipeline", "torch.export._trace", "onnxscript.function_libs.torch_lib.ops"]
_END_S = 5.0  # for a process to end after SIGTERM, before SIGKILL


@dataclass
class _Worker:
    """A running process. `last` is the stage that it has told of last."""

    job: Job
    process: BaseProcess
    pipe: Connection
    last: str = "load"


def run_here(jobs: Sequence[Job], place: Place, at_once: int, reporter: Reporter) -> Generator[Outcome, None, None]:
    """Build the jobs, at most `at_once` of them at a time; yield each one's outcome when it is there.

    When the caller stops, or is interrupted, the processes are ended: whatever they had not put into the folder is lost.
    """
    share = min(at_once, len(jobs))
    waiting = deque(sorted(jobs, key=_work, reverse=True) if share > 1 else jobs)
    running: dict[Connection, _Worker] = {}
    try:
        while waiting or running:
            while waiting and len(running) < share:
                job = waiting.popleft()
                try:
                    worker = _started(job, place, share)
                except (OSError, EOFError) as error:
                    yield Outcome(job, None, _not_started(job, error))
                else:
                    running[worker.pipe] = worker
            for pipe in connection.wait(list(running)) if running else ():  # of none, it would wait for ever
                assert isinstance(pipe, Connection)
                outcome = _heard(running[pipe], reporter)
                if outcome is not None:
                    _end(running.pop(pipe))
                    yield outcome
    finally:
        for worker in running.values():
            worker.process.terminate()
        for worker in running.values():
            _end(worker)


def _work(job: Job) -> int:
    """A guess at how long a build takes, to begin with the longest: else one of them runs alone at the end."""
    return job.spec.parameters * math.prod(job.spec.input.shape)


def _started(job: Job, place: Place, share: int) -> _Worker:
    processor.pin()
    ours, theirs = multiprocessing.Pipe()
    name, arguments = f"builder {job.spec.id}", (theirs, job, place, share)
    process: BaseProcess
    if "forkserver" in multiprocessing.get_all_start_methods():
        forking = multiprocessing.get_context("forkserver")
        forking.set_forkserver_preload(_PRELOADED)
        process = forking.Process(target=work, args=arguments, name=name)
    else:
        process = multiprocessing.get_context("spawn").Process(target=work, args=arguments, name=name)
    process.start()
    theirs.close()  # so that the pipe ends when the process does
    return _Worker(job, process, ours)


def _not_started(job: Job, error: OSError | EOFError) -> ZooError:
    """Why there is no process: no room for its socket, no memory for another one, or the one that forks them is gone."""
    return ZooError(
        f"{job.spec.id}: its worker process cannot be started",
        got=f"{type(error).__name__}: {error}"
        if str(error)
        else f"{type(error).__name__} from the process that starts workers",
        expected="a system that lets this user start processes, each with some GB of memory, and write to its temporary folder",
        next_step="look at the limits (ulimit -a), the free memory and the space in the temporary folder",
    )


def _heard(worker: _Worker, reporter: Reporter) -> Outcome | None:
    """Take one message from a worker; its outcome, if that was the last one."""
    try:
        message: Message = worker.pipe.recv()
    except (EOFError, OSError):
        return Outcome(worker.job, None, _died(worker))
    match message:
        case Stage(name):
            worker.last = name
            reporter.stage(worker.job.spec.id, name)
        case Note(text):
            reporter.note(text)
        case Done(entry, from_cache):
            return Outcome(worker.job, entry, None, from_cache)
        case Failed(error, trace):
            error.__cause__ = RemoteTraceError(trace)
            return Outcome(worker.job, None, error)
    return None


def _died(worker: _Worker) -> ZooError:
    """Why a worker ended without a word."""
    worker.process.join()
    status = worker.process.exitcode or 0
    how = f"exit status {status}"
    if status < 0:
        with contextlib.suppress(ValueError):
            how = f"signal {-status} ({signal.Signals(-status).name})"
    return ZooError(
        f"{worker.job.spec.id}, stage {worker.last}: its worker process was ended from outside",
        got=how,
        expected="a process that ends when the model is built",
        next_step="a common reason is want of memory, which the system's log tells: build with fewer --jobs; models that are ready are kept",
    )


def _end(worker: _Worker) -> None:
    """Wait for the process, which is at its end; kill it where it is not."""
    worker.pipe.close()
    worker.process.join(_END_S)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.process.close()
