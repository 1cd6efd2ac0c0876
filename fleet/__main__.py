"""python -m fleet: drive the browsers of many devices through the page's measurements."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from builder.errors import ZooError
from builder.files import write_bytes
from fleet.agent import AgentOptions, serve_agent
from fleet.assign import chosen_fleet
from fleet.checking import check_lines, device_lines
from fleet.config import Check, Init, ListDevices, RunFleet, Schema, parse
from fleet.ending import Ending, conclude, verdicts_on
from fleet.fleet_file import fleet_schema, read_fleet
from fleet.folder import Folder, found_folder, new_folder
from fleet.live import Screen
from fleet.own_server import own_server
from fleet.plan import plan_json
from fleet.planned import plan_lines
from fleet.session import Session
from fleet.starting import starting_file
from fleet.zoo_server import ZooServer

if TYPE_CHECKING:
    from timings.baseline_file import Baseline

T = TypeVar("T")
_MODELS = Path("models")


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for; the exit status: 0, 1 for what failed, 130 if it was stopped."""
    request = parse(arguments)
    try:
        if isinstance(request, RunFleet):
            return _run(request)
        if isinstance(request, AgentOptions):
            return serve_agent(request, lambda text: print(text, flush=True))
        if isinstance(request, Schema):
            print(fleet_schema(), end="")
        elif isinstance(request, Init):
            print(starting_file(request.file))
        else:
            return _stoppable(_tell(request))
    except _Stopped as stopped:
        print(stopped, file=sys.stderr)
        return 130
    except ZooError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class _Stopped(Exception):  # noqa: N818 - it is no error: somebody asked for it
    """Ctrl-C."""


async def _tell(request: ListDevices | Check) -> int:
    if isinstance(request, ListDevices):
        async for line in device_lines(read_fleet(request.file) if request.file else None):
            print(line, flush=True)
        return 0
    well = True
    fleet = chosen_fleet(request.choice)
    async for line, is_well in check_lines(fleet, request.choice, ZooServer(str(fleet.server))):
        print(line, flush=True)
        well &= is_well
    return 0 if well else 1


def _run(request: RunFleet) -> int:
    request, folder = _begin(request)
    fleet = chosen_fleet(request.choice)
    with contextlib.ExitStack() as stack:
        if request.serve or _is_to_be_served(str(fleet.server)):
            database = (folder.path or Path("results")) / "timings.sqlite"
            fleet = stack.enter_context(own_server(fleet, _MODELS, database))
            print(f"serving on {fleet.server} for this session; {database} keeps its runs", flush=True)
        session = Session(fleet, request.choice, folder, ZooServer(str(fleet.server)), sys.stdout.encoding or "ascii")
        if request.dry_run:
            return _stoppable(_show_plan(session, request.out))
        return _stoppable(_measure(session, request), stopped=_how_to_go_on(folder))


def _begin(request: RunFleet) -> tuple[RunFleet, Folder]:
    """A new session, or the one that is gone on with; a bare --resume asks for what that session was asked."""
    if request.resume is None:
        return request, new_folder(None if request.dry_run else request.out)
    assert request.out
    folder, arguments = found_folder(request.out, request.resume)
    return resumed(request, arguments), folder


def resumed(request: RunFleet, arguments: Sequence[str]) -> RunFleet:
    """What to go on with: who names no devices and no measurements means those of the session, which was begun with these arguments."""
    bare, before = parse(["run"]), parse(arguments)
    assert isinstance(bare, RunFleet)
    assert isinstance(before, RunFleet)
    if request.choice != bare.choice:
        return request
    is_limit_new = request.fail_if_slower != bare.fail_if_slower
    return dataclasses.replace(
        request,
        choice=before.choice,
        serve=before.serve,
        ci=request.ci or before.ci,
        baseline=request.baseline or before.baseline,
        fail_if_slower=request.fail_if_slower if is_limit_new else before.fail_if_slower,
    )


async def _show_plan(session: Session, out: Path | None) -> int:
    plans = [one.plan for one in await session.assignments(print)]
    for line in plan_lines(plans):
        print(line)
    if out:
        write_bytes(out / "plan.json", plan_json(plans).encode())
        print(out / "plan.json")
    return 0


async def _measure(session: Session, request: RunFleet) -> int:
    screen = Screen(Console())
    baseline = _baseline(request.baseline)
    mine = await session.assignments(screen.say)
    session.folder.begin(request.arguments)
    with screen:
        results = await session.measure(mine, screen)
    runs = await session.results()
    for one, result in zip(mine, results, strict=True):
        # Who cannot be looked into has only its own word.
        if not one.job.report:
            result.settle(runs)
    verdicts = verdicts_on(baseline, results, runs, request.fail_if_slower)
    ending = Ending(results, runs, session.folder.path, request, verdicts)
    for line in conclude(ending):
        print(line) if isinstance(line, str) else screen.print(line)
    if ending.failure:
        print(ending.failure, file=sys.stderr)
    return 1 if ending.failure else 0


def _baseline(path: Path | None) -> Baseline | None:
    """Read before anything is measured, so that a wrong file shows at once."""
    if path is None:
        return None
    from timings.baseline_file import read_baseline

    return read_baseline(path)


def _how_to_go_on(folder: Folder) -> str:
    more = f"; go on with: python -m fleet run --resume {folder.path}" if folder.path else ""
    return f"stopped; runs that were over are stored{more}"


def _is_to_be_served(url: str) -> bool:
    """Where no server answers and a person sits at the terminal, the person is asked."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        asyncio.run(ZooServer(url).manifest())
    except ZooError as error:
        if not _MODELS.is_dir():
            raise
        print(f"{error.what}: {error.got}")
        return input("Start one for this session? [Y/n] ").strip().lower() in ("", "y", "yes")
    return False


def _stoppable(work: Coroutine[object, object, T], stopped: str = "stopped") -> T:
    """Run it until it is over; Ctrl-C or SIGTERM cancels it, and a second one ends the program there and then."""

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        with _signals_cancel(task):
            return await task

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError as error:
        raise _Stopped(stopped) from error


@contextlib.contextmanager
def _signals_cancel(task: asyncio.Future[T]) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def note(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(task.cancel)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        # Where it is switched off, as for a job in the background, it stays so.
        if handler is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
