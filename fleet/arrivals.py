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


async def follow_arrivals(
    server: ZooServer, job: Job, report: Report, *, patience_s: float, say: Say, ended: Ended = lambda: None
) -> Outcome:
    """Wait until all runs of `job` have arrived, or the page says that it is over.

    `ended` tells why nothing more can come, such as a browser that ended with an error. Raises VisitLostError then, and when nothing
    new is heard for `patience_s` seconds. The first device that joins under the job's name counts; another one is told once.
    """
    assert job.fleet_id
    loop = asyncio.get_running_loop()
    began = changed = loop.time()
    known = {run.run_id for run in await server.runs(job.fleet_id, job.device_name)}
    expected = len(job.models) * len(job.backends) * (job.repeat or 1)
    device_id, heard, doubled = job.device_id, "", False
    while True:
        found = await _look(server, job, known, device_id, loop.time() - began)
        device_id = device_id or (found.told.page.device_id if found.told else None)
        doubled = doubled or _tell_doubled(found, job, say)
        snapshot = _snapshot(found)
        if str(snapshot) != heard:
            heard, changed = str(snapshot), loop.time()
            report(snapshot)
        if len(found.runs) >= expected or snapshot.state == "done":
            failed = sum(run.error is not None for run in found.runs)
            return Outcome(timed=len(found.runs) - failed, failed=failed, unsent=0)
        if snapshot.state == "invalid":
            raise _refused(job)
        why = ended() or (f"nothing new for {patience_s:g} s" if loop.time() - changed > patience_s else None)
        if why:
            raise _lost(why, snapshot)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _look(server: ZooServer, job: Job, known: set[str], device_id: str | None, since_s: float) -> Arrivals:
    """Raises ZooError only if the server stays away for a minute."""
    assert job.fleet_id
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _SERVER_PATIENCE_S
    while True:
        try:
            runs = await server.runs(job.fleet_id, job.device_name)
            told = await server.progress(job.fleet_id)
        except ZooError:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(_LOOK_EVERY_S)
            continue
        new = [run for run in runs if run.run_id not in known]
        here = [one for one in told if one.page.device_name == job.device_name and one.age_s < since_s]
        first = device_id or (new[0].device.device_id if new else here[0].page.device_id if here else None)
        mine = tuple(run for run in new if run.device.device_id == first)
        own = next((one for one in here if one.page.device_id == first), None)
        return Arrivals(mine, own, tuple(one for one in here if one.page.device_id != first))


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
