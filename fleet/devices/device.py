"""What every kind of device offers: it can be asked what it is, and it opens the page with a job and says what came of it."""

from __future__ import annotations

import platform
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from playwright.async_api import Playwright

from fleet.drive import Report
from fleet.records import Job, Outcome
from fleet.zoo_server import ZooServer

# Devices that this machine's processor carries have this host: they take turns.
THIS_MACHINE = "this machine"


def host_named(declared: str | None, inferred: str) -> str:
    """The host that devices take turns on: as the entry has it, else inferred. This machine's own name is this machine."""
    host = declared or inferred
    return THIS_MACHINE if host in (platform.node(), "localhost") else host


@dataclass(frozen=True)
class Around:
    """What devices work with: the one Playwright of this process, and the server that the page comes from."""

    playwright: Playwright
    server: ZooServer


@dataclass(frozen=True)
class Facts:
    """What a device says of itself. browser: with its version. backends: what a run can be asked for; None: it was not looked into."""

    browser: str
    backends: tuple[str, ...] | None = None


class Session(Protocol):
    """A device that is ready to open pages. browser: with its version; None where only the page itself knows."""

    browser: str | None

    async def visit(self, job: Job, report: Report, patience_s: float) -> Outcome:
        """Open the page with `job` and wait for its end.

        Raises VisitLostError where it does not come to one, and ZooError for a page or a server that cannot be used at all.
        """


class Device(Protocol):
    """A device of the fleet.

    host: devices of one host never run at the same time. emulated: what the browser pretends to be. at_once: all models in one visit,
    because somebody opens the page by hand.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def emulated(self) -> str | None: ...

    @property
    def at_once(self) -> bool: ...

    def session(self, around: Around) -> AbstractAsyncContextManager[Session]:
        """Start or reach its browser, and leave nothing of it behind. Raises ZooError where that cannot be done."""

    async def facts(self, around: Around) -> Facts:
        """For `check`: reach it, and look at what it has. Raises ZooError where that cannot be done."""
