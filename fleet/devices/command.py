"""Any browser at all that starts with an address: it is started, and what it measured is seen at the server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

from builder.errors import ZooError
from fleet.arrivals import Say, follow_arrivals
from fleet.devices.device import THIS_MACHINE, Around, Facts, host_named
from fleet.drive import Report
from fleet.fleet_file import CommandDevice
from fleet.records import Job, Outcome

_ENDING_S = 3
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class CommandBrowser:
    """A device of kind "command"."""

    spec: CommandDevice
    say: Say
    emulated: None = None
    at_once: bool = False

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def kind(self) -> str:
        return self.spec.kind

    @property
    def host(self) -> str:
        return host_named(self.spec.host, THIS_MACHINE)

    @contextlib.asynccontextmanager
    async def session(self, around: Around) -> AsyncIterator[CommandSession]:
        """See fleet/devices/device.py. The program is started with each visit."""
        self._need_program()
        yield CommandSession(self.spec, around, self.say)

    async def facts(self, around: Around) -> Facts:
        """See fleet/devices/device.py. The program is looked for, and not started: that would open a window."""
        return Facts(f"{self._need_program()} (not started)")

    def _need_program(self) -> str:
        program = self.spec.argv[0]
        found = shutil.which(program)
        if found is None:
            raise ZooError(
                f"{self.name}: there is no program {program}",
                got="nothing of that name on PATH",
                expected="a program that opens the address that stands for {url}",
                next_step="give argv its whole path, or install it",
            )
        return found


@dataclass
class CommandSession:
    """The program runs as long as a visit."""

    spec: CommandDevice
    around: Around
    say: Say
    browser: str | None = None

    async def visit(self, job: Job, report: Report, patience_s: float) -> Outcome:
        """See fleet/devices/device.py."""
        argv = [part.replace("{url}", job.url()) for part in self.spec.argv]
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ZooError(
                f"{self.spec.name}: {argv[0]} cannot be started",
                got=error.strerror or str(error),
                expected="a program that opens the page's address",
                next_step="run it by hand: " + shlex.join(argv),
            ) from error
        printed = asyncio.ensure_future(_collect(process))
        try:
            return await follow_arrivals(
                self.around.server,
                job,
                report,
                patience_s=patience_s,
                say=self.say,
                ended=lambda: _why_over(process, printed),
            )
        finally:
            await _end(process)
            printed.cancel()


async def _collect(process: asyncio.subprocess.Process) -> str:
    """What it last complained of."""
    assert process.stderr
    kept = b""
    while part := await process.stderr.read(4096):
        kept = (kept + part)[-_SHOWN_CHARACTERS:]
    return kept.decode(errors="replace").strip()


def _why_over(process: asyncio.subprocess.Process, printed: asyncio.Future[str]) -> str | None:
    """A program that ended with 0 may have handed the address to a browser that was open already, as `open -a Safari` does."""
    if not process.returncode:
        return None
    said = printed.result() if printed.done() and not printed.cancelled() else ""
    return f"the program ended with status {process.returncode}" + (f" and said: {said}" if said else "")


async def _end(process: asyncio.subprocess.Process) -> None:
    """It and all that it started: politely, then not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDING_S):
                await process.wait()
                if number == signal.SIGTERM and _is_group_alive(process.pid):
                    await asyncio.sleep(0.3)


def _is_group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
