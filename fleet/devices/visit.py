"""A device that a person holds: the terminal shows the address, and waits for what arrives."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fleet.arrivals import Say, follow_arrivals
from fleet.devices.device import THIS_MACHINE, Around, Facts, host_named
from fleet.devices.remote import host_of
from fleet.drive import Report
from fleet.fleet_file import VisitDevice
from fleet.qr import qr_lines
from fleet.records import Job, Outcome


@dataclass(frozen=True)
class Visitor:
    """A device of kind "visit". encoding: of the terminal, which may not be able to show a QR code."""

    spec: VisitDevice
    say: Say
    encoding: str
    emulated: None = None
    at_once: bool = True

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def kind(self) -> str:
        return self.spec.kind

    @property
    def host(self) -> str:
        return host_named(self.spec.host, self.spec.name)

    @contextlib.asynccontextmanager
    async def session(self, around: Around) -> AsyncIterator[VisitSession]:
        """See fleet/devices/device.py."""
        yield VisitSession(self, around)

    async def facts(self, around: Around) -> Facts:
        """See fleet/devices/device.py. Nobody knows who will come."""
        return Facts("known when the page is opened")


@dataclass
class VisitSession:
    """Waits for the person."""

    visitor: Visitor
    around: Around
    browser: str | None = None

    async def visit(self, job: Job, report: Report, patience_s: float) -> Outcome:
        """See fleet/devices/device.py."""
        # A person's device knows its own id: by that it is seen when two join under one name.
        job = dataclasses.replace(job, device_id=None)
        say = self.visitor.say
        say(f"{job.device_name}: open this address on it, and leave the page in front until it is done:")
        say(qr_lines(job.url(), self.visitor.encoding))
        if host_of(job.server) == THIS_MACHINE:
            say(
                f"{job.server} is this machine only. For another device, serve the network (python server.py --host 0.0.0.0) and write "
                f'server = "http://ADDRESS-OF-THIS-MACHINE:PORT" into the table of {job.device_name}.'
            )
        return await follow_arrivals(self.around.server, job, report, patience_s=patience_s, say=say)
