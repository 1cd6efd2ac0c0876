"""Who runs when, and that nothing that happens to one device keeps another from going on. Devices are scripted here; time is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from builder.errors import ZooError
from fleet import schedule
from fleet.board import Board
from fleet.devices.device import Around, Facts
from fleet.drive import Report, VisitLostError
from fleet.plan import DevicePlan, Visit
from fleet.records import Job, Outcome, Position, Row, Snapshot
from fleet.schedule import Assignment, Result, run_fleet
from tests.support.agents import apart
from tests.support.runs import make_failed_run, make_run
from timings.records import Run

FLEET = "11111111-2222-4333-8444-555555555555"


def error(what: str) -> ZooError:
    return ZooError(what, got="nothing", expected="something", next_step="wait")


def lost(model: str, backend: str = "wasm") -> VisitLostError:
    broken = VisitLostError("the page did not come to an end", got="it broke", expected="an end", next_step="go on")
    broken.last = Snapshot("running", "", "", (), 0, 0, Position(model, backend))
    return broken


@dataclass
class Scripted:
    """Each visit does what is next in `script`: an exception is raised, a number of seconds is waited. An empty script: all goes well."""

    name: str
    host: str
    script: list[BaseException | float] = field(default_factory=list)
    opening: list[ZooError] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    kind: str = "local"
    emulated: str | None = None
    at_once: bool = False

    @contextlib.asynccontextmanager
    async def session(self, around: Around) -> AsyncIterator[ScriptedSession]:
        if self.opening:
            raise self.opening.pop(0)
        self.log.append(f"{self.name} opens")
        try:
            yield ScriptedSession(self)
        finally:
            self.log.append(f"{self.name} closes")

    async def facts(self, around: Around) -> Facts:
        return Facts("scripted 1")


@dataclass
class ScriptedSession:
    device: Scripted
    browser: str | None = "scripted 1"

    async def visit(self, job: Job, report: Report, patience_s: float) -> Outcome:
        what = f"{job.models[0]} on {','.join(job.backends)}"
        self.device.log.append(f"{self.device.name} begins {what}")
        step = self.device.script.pop(0) if self.device.script else 0.05
        if isinstance(step, BaseException):
            raise step
        await asyncio.sleep(step)
        rows = tuple(
            Row(f"{self.device.name} {what} {b}", job.models[0], b, "", "ok", "1", "", 1) for b in job.backends
        )
        report(Snapshot("done", "", "", rows, 0, 0))
        self.device.log.append(f"{self.device.name} ends {what}")
        return Outcome(timed=len(rows), failed=0, unsent=0)


@dataclass
class Server:
    """What has arrived at the server: nothing, or it is away."""

    arrived: Sequence[Run] | ZooError = ()

    async def runs(self, fleet_id: str, device: str | None = None, *, patience_s: float = 1) -> list[Run]:
        if isinstance(self.arrived, ZooError):
            raise self.arrived
        return list(self.arrived)


def assignment(device: Scripted, models: Sequence[str] = ("a", "b"), **more: Any) -> Assignment:
    visits = tuple(Visit((model,), ("wasm",), 1, 1.0) for model in models)
    job = Job("http://127.0.0.1:1", device.name, backends=("wasm",), fleet_id=FLEET)
    return Assignment(device, DevicePlan(device.name, device.kind, device.host, visits), job, **more)


def run(
    *assignments: Assignment, server: Server | None = None, say: Callable[[str], None] = lambda text: None
) -> tuple[list[Result], Board]:
    board = Board(FLEET, "http://127.0.0.1:1", [one.plan for one in assignments])
    around = Around(None, server or Server())  # type: ignore[arg-type]
    return apart(lambda: run_fleet(assignments, around, board, say)), board


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_AGAIN_S", (0.01, 0.01))


def test_devices_of_a_host_take_turns_and_hosts_do_not_wait_for_each_other() -> None:
    log: list[str] = []
    first, second = Scripted("one", "here", log=log), Scripted("two", "here", log=log)
    far = Scripted("far", "there", script=[0.3], log=log)
    results, _ = run(assignment(first), assignment(far, ("a",)), assignment(second))
    assert [result.device for result in results] == ["one", "far", "two"]
    assert all(result.succeeded for result in results)
    here = [line for line in log if not line.startswith("far")]
    assert here.index("one closes") < here.index("two opens")
    assert log.index("far begins a on wasm") < log.index("one ends b on wasm")


def test_a_visit_that_ends_badly_loses_one_run_and_the_rest_goes_on_in_a_new_browser() -> None:
    device, other = Scripted("one", "here", script=[lost("a")]), Scripted("two", "here")
    results, board = run(assignment(device, ("a", "b", "c")), assignment(other))
    assert device.log == [
        "one opens", "one begins a on wasm", "one closes",
        "one opens", "one begins b on wasm", "one ends b on wasm", "one begins c on wasm", "one ends c on wasm", "one closes",
    ]  # fmt: skip
    assert [(run.model, run.backend, run.reason) for run in results[0].missing] == [("a", "wasm", "it broke")]
    assert (results[0].timed, results[0].state) == (2, "failed")
    assert results[1].succeeded
    line = board.table().devices[0]
    assert (line.runs_over, line.runs, line.runs_failed, line.warnings) == (3, 3, 1, 2)


def test_a_visit_whose_page_could_not_be_used_is_begun_again() -> None:
    """It was neither over nor lost: without it the device would seem to have done everything."""
    device = Scripted("one", "here", script=[0.05, error("the page cannot be used")])
    results, _ = run(assignment(device, ("a", "b")))
    assert [line for line in device.log if "begins" in line] == [f"one begins {model} on wasm" for model in "abb"]
    assert results[0].succeeded
    assert results[0].timed == 2


@pytest.mark.parametrize("server", [Server(), Server(error("the server is away"))])
def test_of_several_backends_only_the_one_that_was_on_is_lost(server: Server) -> None:
    device = Scripted("one", "here", script=[lost("a", "wasm-2")])
    visit = Visit(("a",), ("wasm-1", "wasm", "webgpu"), 1, 3.0)
    job = Job("http://127.0.0.1:1", "one", backends=visit.backends, fleet_id=FLEET)
    results, _ = run(Assignment(device, DevicePlan("one", "local", "here", (visit,)), job), server=server)
    assert [(run.model, run.backend) for run in results[0].missing] == [("a", "wasm")]
    begun = [line for line in device.log if "begins" in line]
    assert begun == ["one begins a on wasm-1,wasm,webgpu", "one begins a on wasm-1", "one begins a on webgpu"]


def test_a_device_that_only_breaks_is_left_alone() -> None:
    device = Scripted("one", "here", script=[lost(model) for model in "abcdefgh"])
    results, _ = run(assignment(device, tuple("abcdefgh")))
    assert device.log.count("one opens") == 3
    assert [run.model for run in results[0].missing] == list("abcdefgh")
    assert "3 visits before it ended badly" in results[0].missing[-1].reason


def test_a_device_that_is_not_there_is_told_once_and_the_others_go_on() -> None:
    said: list[str] = []
    gone, other = Scripted("gone", "here", opening=[error("nobody answers")]), Scripted("two", "here")
    results, board = run(assignment(gone), assignment(other), say=said.append)
    assert (results[0].state, [run.model for run in results[0].missing]) == ("unreachable", ["a", "b"])
    assert results[1].succeeded
    assert sum("nobody answers" in line for line in said) == 1
    assert board.table().devices[0].note == "nobody answers: nothing"


def test_a_device_that_was_there_is_reached_again() -> None:
    class Flaky(Scripted):
        @contextlib.asynccontextmanager
        async def session(self, around: Around) -> AsyncIterator[ScriptedSession]:
            if self.log.count("one closes") == 1 and not self.script:
                self.script.append(0.05)
                raise error("no connection")
            async with super().session(around) as session:
                yield session

    device = Flaky("one", "here", script=[0.05, lost("b")])
    results, _ = run(assignment(device, ("a", "b", "c")))
    assert results[0].timed == 2
    assert [run.model for run in results[0].missing] == ["b"]
    assert results[0].trouble is None


def test_a_device_that_takes_too_long_is_ended_and_its_host_goes_on() -> None:
    slow, other = Scripted("slow", "here", script=[0.05, 60.0]), Scripted("two", "here")
    results, _ = run(assignment(slow, timeout_s=1.0), assignment(other))
    assert (results[0].timed, results[0].state) == (1, "failed")
    assert [run.model for run in results[0].missing] == ["b"]
    assert results[0].trouble is not None
    assert "timeout_s" in results[0].trouble.expected
    assert slow.log[-1] == "slow closes"
    assert results[1].succeeded


def test_when_it_is_stopped_every_browser_is_closed() -> None:
    devices = [Scripted("one", "here", script=[60.0]), Scripted("two", "there", script=[60.0])]
    board = Board(FLEET, "http://127.0.0.1:1", [assignment(device).plan for device in devices])

    async def stopped() -> None:
        async with asyncio.timeout(0.5):
            await run_fleet([assignment(d) for d in devices], Around(None, Server()), board, lambda text: None)  # type: ignore[arg-type]

    with pytest.raises(TimeoutError):
        apart(stopped)
    assert [device.log[-1] for device in devices] == ["one closes", "two closes"]
    assert {line.state for line in board.table().devices} == {"stopped"}


def test_what_was_seen_is_counted_by_what_the_server_has() -> None:
    there, failed = make_run(), make_failed_run()
    result = Result("one", timed=3, seen={there.run_id, failed.run_id, "on its way"})
    result.settle([there, failed, make_run()])
    assert (result.timed, result.failed, result.unsent) == (1, 1, 1)


def test_a_waiting_device_ends_after_those_before_it_on_its_host() -> None:
    clock = [100.0]
    plans = [
        assignment(Scripted(name, host)).plan for name, host in (("one", "here"), ("two", "here"), ("far", "there"))
    ]
    board = Board(FLEET, "http://127.0.0.1:1", plans, clock=lambda: clock[0])
    board.enter("one", "running")
    clock[0] += 1
    assert [line.remaining_s for line in board.table().devices] == [1.0, 4.0, 2.0]
    board.visit_over("one", 1.0)
    board.enter("one", "done")
    assert [line.remaining_s for line in board.table().devices] == [None, 2.0, 2.0]
