"""One session of the fleet, from the plan to the last run: what `python -m fleet run` does between its first line and its results."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from playwright.async_api import async_playwright

from builder.errors import ZooError
from fleet.assign import Hands, assignments
from fleet.board import Board
from fleet.config import Choice
from fleet.devices.device import Around
from fleet.fleet_file import Fleet
from fleet.folder import Folder
from fleet.live import Screen
from fleet.schedule import Assignment, Result, run_fleet
from fleet.zoo_server import PATIENCE_S, ZooServer
from timings.records import Run

_SHOW_EVERY_S = 1.0
_TELL_EVERY_S = 2.0
_SKEW_S = 60


@dataclass(frozen=True)
class Session:
    """What a session is made of."""

    fleet: Fleet
    choice: Choice
    folder: Folder
    server: ZooServer
    encoding: str

    async def assignments(self, say: Callable[[str], None]) -> list[Assignment]:
        """What each device does, without what has arrived. Raises ZooError if the server or a model is not there."""
        manifest = await self.server.manifest()
        await self._send_kept()
        arrived = await self.server.runs(self.folder.fleet_id, patience_s=PATIENCE_S)
        hands = Hands(say, self.encoding, self.folder.keep_unsent)
        return assignments(self.fleet, self.choice, self.folder.fleet_id, manifest, arrived, hands)

    async def measure(self, mine: Sequence[Assignment], screen: Screen) -> list[Result]:
        """Drive all devices, and show how far they are, here and at /fleet. Cancelled, it leaves no browser behind."""
        await self._tell_clock(screen)
        board = Board(self.folder.fleet_id, self.server.url, [one.plan for one in mine])
        async with async_playwright() as playwright, self._shown(board, screen):
            return await run_fleet(mine, Around(playwright, self.server), board, screen.say)

    async def results(self) -> list[Run]:
        """Send what pages could not, and return all runs of this session, of all its parts. Raises ZooError where that cannot be done."""
        try:
            await self._send_kept()
            return await self.server.runs(self.folder.fleet_id, patience_s=PATIENCE_S)
        except ZooError as error:
            kept = len(self.folder.unsent())
            more = (
                f"{kept} runs that it has not got are kept in {self.folder.path}"
                if kept
                else "nothing is lost: runs that were over are there"
            )
            raise type(error)(
                error.what,
                got=error.got,
                expected=error.expected,
                next_step=f"{error.next_step}; then: --resume. {more}",
            ) from error

    async def _send_kept(self) -> None:
        for path in self.folder.unsent():
            sent = await self.server.send(path.read_text())
            if not sent.stored:
                raise _refused(str(path), sent.refusal)
            path.unlink()

    async def _tell_clock(self, screen: Screen) -> None:
        offset = await self.server.clock_offset_s()
        if abs(offset) > _SKEW_S:
            way = "ahead of" if offset > 0 else "behind"
            screen.say(
                f"this machine's clock is {abs(offset):.0f} s {way} the server's: set both by a time server; runs say when they began"
            )

    @contextlib.asynccontextmanager
    async def _shown(self, board: Board, screen: Screen) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_show(board, screen)), asyncio.create_task(self._tell(board))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            # The page /fleet stands still from now on; a server that is gone need not know.
            with contextlib.suppress(ZooError, TimeoutError):
                async with asyncio.timeout(1):
                    await self.server.show(board.table(over=True))

    async def _tell(self, board: Board) -> None:
        while True:
            # A server that is away for a moment is told the next time.
            with contextlib.suppress(ZooError):
                await self.server.show(board.table())
            await asyncio.sleep(_TELL_EVERY_S)


async def _show(board: Board, screen: Screen) -> None:
    while True:
        screen.show(board.table())
        await asyncio.sleep(_SHOW_EVERY_S)


def _refused(path: str, got: str) -> ZooError:
    return ZooError(
        f"the server does not take the run that is kept in {path}",
        got=got,
        expected="a server that stores it",
        next_step="mend what it says, then run: python -m fleet run --resume; the run stays where it is",
    )
