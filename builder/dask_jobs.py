"""Building on a Dask cluster: the same stages, on the workers of a scheduler. Needs the package `distributed`, which is optional.

Dask moves the work of a lost worker to another one, and gives up on a task that has cost several workers their lives. This module adds
what a build needs: equal tools everywhere, weights where they are wanted, stages as they happen, and messages for people.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import Any, Self

from builder import dask_worker
from builder.artefact import Artefact
from builder.cache import BuildCache
from builder.dask_connection import check_workers, connected, distributed, workers
from builder.dask_worker import WeightsWanted
from builder.errors import ZooError
from builder.jobs import Job, Outcome, Place
from builder.progress import Reporter

_POLL_S = 1.0
_WITHOUT_WORKERS_S = 60.0
_PIECE = 32 << 20
_SHIPMENTS = 4  # of one file, each to another worker


class Cluster:
    """A connection to a scheduler. Raises ZooError when it cannot be used: no such package, no answer, no worker, other tools."""

    def __init__(self, address: str, tools: dict[str, str]) -> None:
        self._address = address
        self._tools = tools
        self._killed_worker: type[Exception] = distributed().KilledWorker
        self._client: Any = None

    def __enter__(self) -> Self:
        self._client = connected(self._address)
        try:
            check_workers(self._client, self._address, self._tools)
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def run(self, jobs: Sequence[Job], place: Place, reporter: Reporter) -> Generator[Outcome, None, None]:
        """Build the jobs; yield each one's outcome when it is there and its files are in the folder."""
        topic = f"browser-zoo-{uuid.uuid4()}"

        def tell(event: tuple[float, dict[str, str]]) -> None:
            reporter.stage(event[1]["model"], event[1]["stage"])

        self._client.subscribe_topic(topic, tell)
        futures = {self._submit(job, topic): job for job in jobs}
        shipped: dict[str, int] = {}
        watch = _Watch(self._client, reporter)
        try:
            while futures:
                for future in self._ended(futures):
                    job = futures.pop(future)
                    answer = self._answer(future, job)
                    future.release()
                    if isinstance(answer, WeightsWanted):
                        error = self._ship(job, answer.worker, shipped, reporter)
                        if error is None:
                            futures[self._submit(job, topic, answer.worker)] = job
                            continue
                        answer = error
                    yield _outcome(job, answer, place, reporter)
                problem = watch.problem() if futures else None
                if problem:
                    for job in futures.values():
                        yield Outcome(job, None, problem.within(job.spec.id))
                    return
        finally:
            for future in futures:
                future.cancel()
            self._client.unsubscribe_topic(topic)

    def _submit(self, job: Job, topic: str, worker: str | None = None) -> Any:
        """Ask for the job's build, if it may be from that worker."""
        return self._client.submit(
            dask_worker.build_here,
            job,
            topic,
            key=f"build-{job.spec.id}-{uuid.uuid4()}",
            pure=False,
            workers=[worker] if worker else None,
            allow_other_workers=worker is not None,
        )

    def _ended(self, futures: dict[Any, Job]) -> list[Any]:
        deadline = time.monotonic() + _POLL_S
        while time.monotonic() < deadline:
            ended = [future for future in futures if future.done()]
            if ended:
                return ended
            time.sleep(0.05)
        return []

    def _answer(self, future: Any, job: Job) -> Artefact | WeightsWanted | ZooError:
        """What the task gave, or why it gave nothing."""
        try:
            answer: Artefact | WeightsWanted = future.result()
            return answer
        except ZooError as error:
            return error
        except self._killed_worker as error:
            last: Any = error
            return ZooError(
                f"{job.spec.id}: its build has ended every worker that tried it",
                got=f"{self._address} gave up; the last one was {last.last_worker.address}",
                expected="workers that outlive a build",
                next_step="look at the workers' logs; a common reason is want of memory (--memory-limit of dask worker)",
            )
        except Exception as error:  # whatever Dask raises for what it could not send, run or bring back
            if future.cancelled():
                return _scheduler_gone().within(job.spec.id)
            return ZooError(
                f"{job.spec.id}: {type(error).__name__} on the cluster",
                got=(str(error).strip() or repr(error)).splitlines()[0],
                expected="the model, or the builder's own message",
                next_step="look at the logs of the scheduler and the workers, or build here without --scheduler",
            )

    def _ship(self, job: Job, worker: str, shipped: dict[str, int], reporter: Reporter) -> ZooError | None:
        """Send the job's weights file to a worker that lacks it; why that failed, or None."""
        path, sha256 = job.weights.path, job.weights.sha256
        assert path is not None
        assert sha256 is not None
        shipped[job.key] = shipped.get(job.key, 0) + 1
        transfer = uuid.uuid4().hex
        try:
            if shipped[job.key] > _SHIPMENTS:
                raise ZooError(
                    f"{path.name} does not stay on the workers",
                    got=f"sent {_SHIPMENTS} times",
                    expected="a worker that keeps it in its cache folder",
                    next_step="check ZOO_CACHE_DIR of the workers",
                )
            total = path.stat().st_size
            with path.open("rb") as file:
                for offset in range(0, max(total, 1), _PIECE):
                    reporter.bytes(job.spec.id, offset, total)
                    last = offset + _PIECE >= total
                    piece = file.read(_PIECE)
                    arguments = (path.name, sha256, transfer, offset, piece, last)
                    self._client.run(dask_worker.receive, *arguments, workers=[worker])
        except ZooError as error:
            return error.within(f"{job.spec.id}, stage weights")
        except Exception as error:  # the worker may have died; Dask has several errors for that
            reporter.note(f"{job.spec.id}: {path.name} did not reach {worker} ({type(error).__name__}); trying again")
        return None


class _Watch:
    """Notices a cluster that has gone away."""

    def __init__(self, client: Any, reporter: Reporter) -> None:
        self._client = client
        self._reporter = reporter
        self._alone_since: float | None = None

    def problem(self) -> ZooError | None:
        """Why there is no use in waiting, or None."""
        try:
            lost = self._client.status != "running"
            alone = not lost and not workers(self._client)
        except Exception:  # asking failed: Dask has several errors for a scheduler that goes away at that moment
            lost, alone = True, False
        if lost:
            return _scheduler_gone()
        if not alone:
            self._alone_since = None
            return None
        if self._alone_since is None:
            self._alone_since = time.monotonic()
            self._reporter.note(f"no worker is left; waiting {_WITHOUT_WORKERS_S:.0f} s for one to come back")
        if time.monotonic() - self._alone_since < _WITHOUT_WORKERS_S:
            return None
        return ZooError(
            "no worker is left",
            got=f"0 workers for {_WITHOUT_WORKERS_S:.0f} s",
            expected="at least one",
            next_step="start workers and build again; what was ready is kept",
        )


def _scheduler_gone() -> ZooError:
    return ZooError(
        "the Dask scheduler went away",
        got="the connection was closed",
        expected="a scheduler that runs until everything is built",
        next_step="start it again and build again; what was ready is kept",
    )


def _outcome(job: Job, answer: Artefact | ZooError, place: Place, reporter: Reporter) -> Outcome:
    """Put what a worker has built into the folder and the cache."""
    if isinstance(answer, ZooError):
        return Outcome(job, None, answer)
    try:
        entry = place.put(answer)
    except ZooError as error:
        return Outcome(job, None, error)
    BuildCache(place.cache).store(answer, reporter.note)
    return Outcome(job, entry, None)
