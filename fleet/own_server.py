"""A server for one session of the fleet: this machine's browsers reach it by loopback, a visitor's device by this machine's address."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from builder.programs import running_server
from fleet.agent import reachable
from fleet.fleet_file import Fleet, VisitDevice

_ALL = "0.0.0.0"  # noqa: S104 - only where a visitor's device is to reach it


@contextlib.contextmanager
def own_server(fleet: Fleet, models: Path, database: Path) -> Iterator[Fleet]:
    """Serve until the end of the block; the fleet, with the addresses under which its devices reach the server.

    Only a fleet with a visitor opens the server to the network. Raises ZooError if it does not start.
    """
    visited = any(isinstance(spec, VisitDevice) and spec.server is None for spec in fleet.device)
    with running_server(models, database, host=_ALL if visited else "127.0.0.1") as server:
        port = urlsplit(server.url).port
        # Loopback is a secure context, and so has threads and WebGPU; an address of the network over plain http has not.
        here = f"http://127.0.0.1:{port}"
        outside = f"http://{reachable(_ALL)[0]}:{port}" if visited else here
        devices = tuple(
            spec.model_copy(update={"server": outside})
            if isinstance(spec, VisitDevice) and spec.server is None
            else spec
            for spec in fleet.device
        )
        yield fleet.model_copy(update={"server": here, "device": devices})
