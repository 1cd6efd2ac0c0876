"""Following a page that nobody can look into: by the runs that arrive at the server, and by what the page tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from builder.errors import ZooError
from fleet.drive import Report, VisitLostError
from fleet.records import Job, Outcome, Position, Row, Snapshot
from fleet.zoo_server import Told, ZooServer
from timings.records import Run

_LOOK_EVERY_S = 1.0
_FETCH_EVERY_S = 10.0
# A page that is over tries again by itself to send what the server has not got.
_SENDING_S = 30.0
# The server may be restarted meanwhile; the page keeps its runs.
_SERVER_PATIENCE_S = 60.0

Say = Callable[[str], None]
Ended = Callable[[], str | None]


@dataclass(frozen=True)
class Arrivals:
    """What a visit has brought so far. told: by the page that counts; others: pages of other devices under the same name."""

    runs: tuple[Run, ...]
    told: Told | None
    others: tuple[Told, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the page says that it is over, and all that it measured has arrived."""
        return (
            self.told is not None and self.told.page.state == "done" and len(self.runs) >= self.told.page.runs_over > 0
        )


async def follow_arrivals(
    server: ZooServer, job: Job, report: Report, *, patience_s: float, say: Say, ended: Ended = lambda: None
) -> Outcome:
    """Wait until all runs of `job` have arrived, or the page says that it is over.

    `ended` tells why nothing more can come, such as a browser that ended with an error. Raises VisitLostError then, and when nothing
    new is heard for `patience_s` seconds. The first device that joins under the job's name counts; another one is told once.
    """
    assert job.fleet_id
    loop = asyncio.get_running_loop()
    looking = _Looking(server, job, await server.runs(job.fleet_id, job.device_name))
    expected = len(job.models) * len(job.backends) * (job.repeat or 1)
    changed, done_at, heard, doubled = loop.time(), None, "", False
    while True:
        found = await looking.look()
        doubled = doubled or _tell_doubled(found, job, say)
        snapshot = _snapshot(found)
        if str(snapshot) != heard:
            heard, changed = str(snapshot), loop.time()
            report(snapshot)
        if snapshot.state == "done":
            done_at = done_at or loop.time()
        is_late = done_at is not None and loop.time() - done_at > _SENDING_S
        if len(found.runs) >= expected or found.is_whole or is_late:
            return _outcome(found)
        if snapshot.state == "invalid":
            raise _refused(job)
        why = ended() or (f"nothing new for {patience_s:g} s" if loop.time() - changed > patience_s else None)
        if why:
            raise _lost(why, snapshot)
        await asyncio.sleep(_LOOK_EVERY_S)


class _Looking:
    """Asks the server what is new. Runs are whole documents, so they are fetched when the page tells of more, and now and then."""

    def __init__(self, server: ZooServer, job: Job, before: list[Run]) -> None:
        self._server = server
        self._job = job
        self._before = {run.run_id for run in before}
        self._began = self._fetched = asyncio.get_running_loop().time()
        self._device_id = job.device_id
        self._runs: tuple[Run, ...] = ()

    async def look(self) -> Arrivals:
        """Raises ZooError only if the server stays away for a minute."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SERVER_PATIENCE_S
        while True:
            try:
                return await self._ask()
            except ZooError:
                if loop.time() > deadline:
                    raise
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _ask(self) -> Arrivals:
        assert self._job.fleet_id
        now = asyncio.get_running_loop().time()
        told = await self._server.progress(self._job.fleet_id)
        here = [one for one in told if self._is_here(one, now)]
        over = max((one.page.runs_over for one in here), default=0)
        if over > len(self._runs) or now - self._fetched > _FETCH_EVERY_S:
            runs = await self._server.runs(self._job.fleet_id, self._job.device_name)
            self._runs = tuple(run for run in runs if run.run_id not in self._before)
            self._fetched = now
        self._device_id = self._device_id or self._first(here)
        mine = tuple(run for run in self._runs if run.device.device_id == self._device_id)
        own = next((one for one in here if one.page.device_id == self._device_id), None)
        return Arrivals(mine, own, tuple(one for one in here if one.page.device_id != self._device_id))

    def _is_here(self, one: Told, now: float) -> bool:
        """What a page of an earlier visit told last may still stand there."""
        return one.page.device_name == self._job.device_name and one.age_s < now - self._began

    def _first(self, here: list[Told]) -> str | None:
        joined = [*(run.device.device_id for run in self._runs), *(one.page.device_id for one in here)]
        return joined[0] if joined else None


def _outcome(found: Arrivals) -> Outcome:
    failed = sum(run.error is not None for run in found.runs)
    over = found.told.page.runs_over if found.told else len(found.runs)
    return Outcome(timed=len(found.runs) - failed, failed=failed, unsent=max(0, over - len(found.runs)))


def _tell_doubled(found: Arrivals, job: Job, say: Say) -> bool:
    if not found.others:
        return False
    first = found.told.page.browser if found.told else "one device"
    others = ", ".join(one.page.browser for one in found.others)
    say(
        f"{job.device_name} has joined twice: {first}, and {others}. Only the first one counts here; the runs of both are stored, told "
        "apart by device_id. Next: close the page on the other device, or give it a table and a name of its own."
    )
    return True


def _snapshot(found: Arrivals) -> Snapshot:
    rows = tuple(_row(run) for run in found.runs)
    failed = sum(row.outcome == "failed" for row in rows)
    if found.told is None:
        return Snapshot("loading" if not rows else "running", "", "", rows, failed, 0)
    page = found.told.page
    at = Position(page.model, page.backend, page.sample, page.samples, page.last_ms, page.remaining_s)
    doing = f"{page.model} on {page.backend}, sample {page.sample or 0} of {page.samples or '?'}" if page.model else ""
    return Snapshot(page.state, doing, "", rows, failed, 0, at)


def _row(run: Run) -> Row:
    durations = sorted(sample.duration_ms for sample in run.samples)
    middle = durations[len(durations) // 2] if durations else None
    return Row(
        run_id=run.run_id,
        model=run.model,
        backend=run.backend,
        threads=str(run.threads) if run.backend == "wasm" else "",
        outcome="failed" if run.error else "ok",
        median_ms="" if middle is None else f"{middle:.4g}",
        notes=run.error.message if run.error else "",
        warnings=len(run.warnings),
    )


def _lost(why: str, last: Snapshot) -> VisitLostError:
    error = VisitLostError(
        "the page did not come to an end",
        got=f"{why}; it told last: {last.progress or last.state}",
        expected="the page to go on until every run is over",
        next_step="runs that were over are stored; see that the device reaches the server, then go on with --resume",
    )
    error.last = last
    return error


def _refused(job: Job) -> ZooError:
    return ZooError(
        "the page refuses this job",
        got="the page says so where it was opened",
        expected="models, backends and numbers that the page knows",
        next_step=f"correct the options, or open {job.url()} in a browser to see the choices",
    )
