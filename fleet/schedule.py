"""Runs a fleet's plan: hosts at the same time, the devices of one host one after another, and whatever happens to one, the rest goes on."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from playwright.async_api import Error

from builder.errors import ZooError
from fleet.board import Board
from fleet.devices.device import Around, Device, Session
from fleet.drive import PATIENCE_S, VisitLostError
from fleet.outcomes import MissingRun
from fleet.page_watch import first_line
from fleet.plan import DevicePlan, Key, Visit, finished_runs
from fleet.records import Job, Outcome, Row, Snapshot
from timings.fleet_records import DeviceState
from timings.records import Run

# A network that is gone may come back: so long is waited before each new attempt to reach a device again.
_AGAIN_S = (2.0, 10.0, 20.0)
# A device whose visits end badly so often in a row, without any run in between, is left alone.
_BAD_ENDS = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Assignment:
    """What a device does: its plan, and the job that each visit is made from."""

    device: Device
    plan: DevicePlan
    job: Job
    timeout_s: float | None = None
    patience_s: float = PATIENCE_S


@dataclass
class Result:
    """What became of a device: how many runs were timed, failed, not sent; which never came; what ended it early.

    seen: the ids of the runs that its pages showed as over.
    """

    device: str
    state: DeviceState = "waiting"
    timed: int = 0
    failed: int = 0
    unsent: int = 0
    missing: list[MissingRun] = field(default_factory=list)
    trouble: ZooError | None = None
    seen: set[str] = field(default_factory=set)

    @property
    def succeeded(self) -> bool:
        """Whether every run gave a timing that the server has."""
        return self.state == "done" and not (self.failed or self.unsent or self.missing)

    def settle(self, arrived: Sequence[Run]) -> None:
        """Count what the server has of the runs that were seen: what a page could not send may have come by another way meanwhile."""
        mine = [run for run in arrived if run.run_id in self.seen]
        self.failed = sum(run.error is not None for run in mine)
        self.timed = len(mine) - self.failed
        self.unsent = len(self.seen) - len(mine)

    def add(self, outcome: Outcome) -> None:
        """A visit has come to its end."""
        self.timed += outcome.timed
        self.failed += outcome.failed
        self.unsent += outcome.unsent


async def run_fleet(assignments: Sequence[Assignment], around: Around, board: Board, say: Say) -> list[Result]:
    """Drive all devices; one result for each, in their order. Cancelled, it leaves no browser behind."""
    results = {one.plan.device: Result(one.plan.device) for one in assignments}
    hosts: dict[str, list[Assignment]] = {}
    for one in assignments:
        hosts.setdefault(one.plan.host, []).append(one)
    async with asyncio.TaskGroup() as group:
        for mine in hosts.values():
            group.create_task(_run_host(mine, results, around, board, say))
    return list(results.values())


async def _run_host(
    mine: Sequence[Assignment], results: dict[str, Result], around: Around, board: Board, say: Say
) -> None:
    for one in mine:
        await _DeviceRun(one, results[one.plan.device], around, board, say).run()


class _DeviceRun:
    """One device, from its first visit to its last."""

    def __init__(self, assignment: Assignment, result: Result, around: Around, board: Board, say: Say) -> None:
        self._mine = assignment
        self._name = assignment.plan.device
        self._result = result
        self._around = around
        self._board = board
        self._say = say
        self._queue = list(assignment.plan.visits)
        self._bad_ends = 0
        self._current: Visit | None = None
        # Runs at the server that are a part of visits before: a visit that ends badly counts only its own.
        self._counted: set[str] = set()

    def _unfinished(self) -> list[Visit]:
        return [*([self._current] if self._current else []), *self._queue]

    async def run(self) -> None:
        """Never raises but for what ends the whole fleet."""
        try:
            async with asyncio.timeout(self._mine.timeout_s):
                await self._run_all()
            self._end("done" if not self._result.missing else "failed")
        except TimeoutError:
            self._give_up("failed", _too_long(self._name, self._mine.timeout_s))
        except ZooError as error:
            self._give_up("unreachable" if self._result.timed + self._result.failed == 0 else "failed", error)
        except Error as error:
            self._give_up("failed", _playwright_failed(self._name, first_line(error)))
        except asyncio.CancelledError:
            self._end("stopped")
            raise

    async def _run_all(self) -> None:
        for attempt, pause_s in enumerate((0.0, *_AGAIN_S)):
            if not self._queue:
                return
            await asyncio.sleep(pause_s)
            self._board.enter(self._name, "starting")
            try:
                await self._run_session()
                return
            except VisitLostError:
                raise
            except ZooError as error:
                # Before anything else it is a wrong entry, or a device that is not there. Else it was there, and may come back.
                was_there = attempt > 0 or self._result.seen or self._bad_ends
                if not was_there or attempt == len(_AGAIN_S):
                    raise
                self._board.enter(self._name, "starting", f"tried again soon: {error.what}")

    async def _run_session(self) -> None:
        """Visits, as long as the browser lives; when one ends badly, a new browser goes on with the rest."""
        while self._queue:
            async with self._mine.device.session(self._around) as session:
                self._board.reached(self._name, session.browser)
                self._board.enter(self._name, "running")
                while self._queue:
                    if not await self._visit(session, self._queue.pop(0)):
                        break

    async def _visit(self, session: Session, visit: Visit) -> bool:
        """Whether the browser can be used for the next one."""
        job = dataclasses.replace(self._mine.job, models=visit.models, backends=visit.backends, repeat=visit.repeat)
        self._current = visit
        try:
            outcome = await session.visit(job, self._report, self._mine.patience_s)
        except VisitLostError as error:
            await self._lost(visit, error)
            return False
        except ZooError:
            # The page could not be used at all: this visit is as it was.
            self._current = None
            self._queue.insert(0, visit)
            raise
        except Error as error:
            lost = VisitLostError(
                "the browser is gone",
                got=first_line(error),
                expected="a browser that lives",
                next_step="it is started again",
            )
            await self._lost(visit, lost)
            return False
        self._current = None
        self._bad_ends = 0
        self._result.add(outcome)
        self._board.visit_over(self._name, visit.foreseen_s)
        return True

    def _report(self, snapshot: Snapshot) -> None:
        self._board.tell(self._name, snapshot)
        for row in snapshot.finished():
            if row.run_id not in self._result.seen:
                self._result.seen.add(row.run_id)
                self._say(f"{self._name}: {_sentence(row)}")

    async def _lost(self, visit: Visit, error: VisitLostError) -> None:
        """Record the run that was on, and queue what is left of the visit."""
        self._current = None
        self._say(f"{self._name}: {error.what} ({error.got})")
        rows = error.last.finished() if error.last else ()
        failed = sum(row.outcome == "failed" for row in rows)
        self._result.add(Outcome(timed=len(rows) - failed, failed=failed, unsent=0))
        self._bad_ends = 0 if rows else self._bad_ends + 1
        rest = await self._rest(visit, rows)
        culprit = self._culprit(rest, error)
        if culprit:
            self._result.missing.append(MissingRun(self._name, *culprit, error.got))
            rest = [key for key in rest if key != culprit]
        self._board.visit_over(self._name, 0.0, lost=1 if culprit else 0)
        if self._bad_ends < _BAD_ENDS:
            self._queue[:0] = [_alone(visit, key) for key in rest]
            return
        reason = f"not tried: {_BAD_ENDS} visits before it ended badly"
        self._forsake(rest, reason)
        self._forsake([key for left in self._queue for key in _keys(left)], reason)
        self._queue.clear()

    async def _rest(self, visit: Visit, rows: Sequence[Row]) -> list[Key]:
        """What of the visit the server has not got, run by run; if the server cannot be asked, what the page did not show as over."""
        wanted = _keys(visit)
        job = self._mine.job
        try:
            assert job.fleet_id
            arrived = await self._around.server.runs(job.fleet_id, self._name)
        except ZooError:
            for row in rows:
                exact = f"{row.backend}-{row.threads}" if row.backend == "wasm" else row.backend
                _remove(wanted, (row.model, exact), (row.model, row.backend))
            return wanted
        narrowed = dataclasses.replace(job, backends=visit.backends, repeat=visit.repeat)
        # What the page had shown as over and not sent yet is gone with its browser.
        self._result.seen &= {run.run_id for run in arrived}
        mine = [run for run in arrived if run.model in visit.models and run.run_id not in self._counted]
        self._counted |= {run.run_id for run in mine}
        for key, times in finished_runs(mine, narrowed).items():
            for _ in range(times):
                _remove(wanted, key)
        return wanted

    def _culprit(self, rest: Sequence[Key], error: VisitLostError) -> Key | None:
        """The run that had the device when the page ended; the first one that is not over where that is not known."""
        at = error.last.at if error.last else None
        if at and at.model and at.backend:
            for key in ((at.model, at.backend), (at.model, at.backend.partition("-")[0])):
                if key in rest:
                    return key
        return rest[0] if rest else None

    def _forsake(self, runs: Sequence[Key], reason: str) -> None:
        self._result.missing += [
            MissingRun(self._name, model, backend, reason) for model, backend in dict.fromkeys(runs)
        ]

    def _give_up(self, state: DeviceState, error: ZooError) -> None:
        self._result.trouble = error
        self._forsake([key for visit in self._unfinished() for key in _keys(visit)], error.what)
        said = str(error)
        self._say(said if said.startswith(self._name) else f"{self._name}: {said}")
        self._end(state, f"{error.what}: {error.got}")

    def _end(self, state: DeviceState, note: str | None = None) -> None:
        self._result.state = state
        self._board.enter(self._name, state, note)


def _keys(visit: Visit) -> list[Key]:
    return [(model, backend) for model in visit.models for backend in visit.backends for _ in range(visit.repeat)]


def _alone(visit: Visit, key: Key) -> Visit:
    """One run of the visit, in a visit of its own."""
    return Visit((key[0],), (key[1],), 1, visit.foreseen_s / visit.runs)


def _remove(keys: list[Key], *spellings: Key) -> None:
    """One of them, under the first spelling that stands there."""
    found = next((key for key in spellings if key in keys), None)
    if found:
        keys.remove(found)


def _sentence(row: Row) -> str:
    threads = f" x{row.threads}" if row.threads else ""
    result = f"median {row.median_ms} ms" if row.outcome == "ok" else f"no timing. {row.notes}"
    return f"{row.model} on {row.backend}{threads}: {result}"


def _too_long(device: str, timeout_s: float | None) -> ZooError:
    return ZooError(
        f"{device} took longer than it may",
        got=f"not over after {timeout_s:g} s",
        expected="all its runs within timeout_s",
        next_step="raise timeout_s, or measure fewer models; --resume goes on with what is left",
    )


def _playwright_failed(device: str, got: str) -> ZooError:
    return ZooError(
        f"{device}: Playwright failed",
        got=got,
        expected="a browser that Playwright can drive",
        next_step="look at the device with: python -m fleet check; --resume goes on with what is left",
    )
