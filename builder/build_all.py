"""Building several models: what is up to date stays, the rest is built one after another or in worker processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import TYPE_CHECKING

from builder import weights as weights_module
from builder.catalogue import CATALOGUE
from builder.errors import ZooError
from builder.fingerprints import Fingerprints
from builder.key import build_key, tool_versions
from builder.output import OutputFolder, locked
from builder.progress import Reporter
from builder.records import ModelEntry
from builder.spec import ModelSpec
from builder.weights import Mode, Weights

if TYPE_CHECKING:
    from builder.pipeline import OnStage

CATALOGUE_IDS = tuple(spec.id for spec in CATALOGUE)


@dataclass(frozen=True)
class Options:
    """What the command line decides. `jobs`: how many models are built at a time."""

    out: Path
    weights: Mode
    jobs: int


@dataclass(frozen=True)
class _Job:
    spec: ModelSpec
    weights: Weights


def build_all(specs: Iterable[ModelSpec], options: Options, reporter: Reporter) -> list[ZooError]:
    """Bring those models up to date in options.out; return the failures. A failure of one model does not stop the others.

    Imports torch only if something has to be built. Raises ZooError when the folder cannot be used at all.
    """
    with locked(options.out):
        fingerprints = Fingerprints(weights_module.cache_folder() / "fingerprints.json")
        folder = OutputFolder(options.out, CATALOGUE_IDS)
        if folder.unreadable:
            reporter.note(f"{folder.unreadable.what} ({folder.unreadable.got}); everything is built anew")
        tools = tool_versions()
        failures: list[ZooError] = []
        jobs: list[_Job] = []
        for spec in specs:
            try:
                if _is_current(spec, folder, options.weights, fingerprints, tools, reporter):
                    continue
                jobs.append(_prepare(spec, options.weights, fingerprints, reporter))
            except ZooError as error:
                failures.append(error.within(f"{spec.id}, stage weights"))
                reporter.failed(spec.id, failures[-1])
        fingerprints.save()
        for job, outcome in _run(jobs, folder, tools, options.jobs, reporter):
            try:
                entry = outcome()
                folder.commit(entry, tools)
                reporter.finished(job.spec.id, f"built, {_megabytes(entry)} MB, verified against PyTorch")
            except ZooError as error:
                failures.append(error)
                reporter.failed(job.spec.id, error)
        return failures


def _is_current(
    spec: ModelSpec,
    folder: OutputFolder,
    mode: Mode,
    fingerprints: Fingerprints,
    tools: dict[str, str],
    reporter: Reporter,
) -> bool:
    entry = folder.entry(spec.id)
    if entry is None:
        return False
    weights = _weights_without_network(spec, mode, entry, fingerprints)
    if weights is None or entry.build_key != build_key(spec, weights.kind, weights.sha256, tools):
        return False
    damage = folder.damage(entry, fingerprints)
    if damage:
        reporter.note(f"{spec.id}: {damage}; building anew")
        return False
    reporter.finished(spec.id, f"up to date ({entry.weights.kind} weights)")
    return True


def _weights_without_network(
    spec: ModelSpec, mode: Mode, entry: ModelEntry, fingerprints: Fingerprints
) -> Weights | None:
    """The weights that a build would use now, as far as this machine can tell; None where only the network can tell.

    In mode auto, a model that was built stays as it is when no file has appeared since: asking the network again at every
    start would make each of them wait. --weights pretrained asks.
    """
    if mode == "seeded":
        return weights_module.seeded("")
    found = weights_module.find_local(spec, fingerprints)
    if found:
        return found
    if mode == "pretrained" and entry.weights.kind == "seeded":
        return None
    return Weights(entry.weights.kind, None, entry.weights.origin, entry.weights.sha256)


def _prepare(spec: ModelSpec, mode: Mode, fingerprints: Fingerprints, reporter: Reporter) -> _Job:
    reporter.stage(spec.id, "weights")
    weights = weights_module.resolve(spec, mode, fingerprints, lambda done, total: reporter.bytes(spec.id, done, total))
    if weights.note:
        reporter.note(f"{spec.id}: seeded weights, so its predictions mean nothing: {weights.note}")
    return _Job(spec, weights)


def _megabytes(entry: ModelEntry) -> str:
    return f"{sum(v.bytes for v in entry.variants) / 1e6:.1f}"


def _run(
    jobs: list[_Job], folder: OutputFolder, tools: dict[str, str], at_once: int, reporter: Reporter
) -> Iterator[tuple[_Job, Callable[[], ModelEntry]]]:
    """Each job with a function that gives its entry or raises its ZooError, as they finish."""
    if at_once == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, lambda job=job: _build(job, folder, tools, lambda s: reporter.stage(job.spec.id, s))  # type: ignore[misc]
        return
    at_once = min(at_once, len(jobs))
    context = multiprocessing.get_context("spawn")
    queue: SimpleQueue[tuple[str, str] | None] = context.SimpleQueue()
    with _relayed(queue, reporter), _workers(ProcessPoolExecutor(at_once, context, _start, (queue, at_once))) as pool:
        futures = {pool.submit(_build_in_worker, job, folder, tools): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], lambda future=future: _result(futures[future], future)  # type: ignore[misc]


def _build(job: _Job, folder: OutputFolder, tools: dict[str, str], on_stage: OnStage) -> ModelEntry:
    from builder.pipeline import build  # imports torch, for some seconds: not when everything is up to date

    return build(job.spec, job.weights, folder, tools, on_stage)


@contextlib.contextmanager
def _workers(pool: ProcessPoolExecutor) -> Iterator[ProcessPoolExecutor]:
    """The pool; when the block is left early (Ctrl-C, SIGTERM) its processes are ended, since nobody waits for what they build."""
    try:
        yield pool
    except BaseException:
        processes = list((pool._processes or {}).values())  # the executor offers no way to end a job that runs
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        raise
    pool.shutdown()


def _result(job: _Job, future: Future[ModelEntry]) -> ModelEntry:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise ZooError(
            f"{job.spec.id}, stage build: a worker process ended",
            got=f"{error} (a common reason is want of memory)",
            expected="about 3 GB for each job",
            next_step="build again with --jobs 1; models that are ready are kept",
        ) from error


_queue: SimpleQueue[tuple[str, str] | None] | None = None


def _start(queue: SimpleQueue[tuple[str, str] | None], at_once: int) -> None:
    """In a worker: share the processor fairly, and remember where to report."""
    global _queue
    _queue = queue
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // at_once))


def _build_in_worker(job: _Job, folder: OutputFolder, tools: dict[str, str]) -> ModelEntry:
    assert _queue is not None
    queue = _queue
    return _build(job, folder, tools, lambda stage: queue.put((job.spec.id, stage)))


@contextlib.contextmanager
def _relayed(queue: SimpleQueue[tuple[str, str] | None], reporter: Reporter) -> Iterator[None]:
    """Pass the workers' stages on while the block runs."""

    def relay() -> None:
        while (event := queue.get()) is not None:
            reporter.stage(*event)

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    try:
        yield
    finally:
        queue.put(None)
        thread.join()
