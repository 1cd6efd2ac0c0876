"""The zoo's server as the fleet sees it: what it has, which runs have arrived, how far pages say they are."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import requests
from pydantic import ValidationError
from urllib3.exceptions import ProtocolError

from builder import manifest
from builder.errors import ZooError
from builder.explain import explain
from builder.records import Manifest
from timings.fleet_records import FleetTable, PageProgress
from timings.records import Run

# What is asked again and again must not hold up the end of the program.
POLL_S = 3
PATIENCE_S = 15

T = TypeVar("T")


@dataclass(frozen=True)
class Sent:
    """What became of a run that was posted again: whether the server has it, and why not."""

    stored: bool
    refusal: str = ""


@dataclass(frozen=True)
class Told:
    """Where a page says that it is, and how many seconds ago it said so, by the server's clock."""

    page: PageProgress
    age_s: float


class ZooServer:
    """The server at `url`. Every method raises ZooError if it does not answer as this project's server does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        # A proxy of the network's knows nothing of this machine's own server.
        self._session.trust_env = False

    async def manifest(self) -> Manifest:
        """The models that it has."""
        return await asyncio.to_thread(self._manifest)

    async def clock_offset_s(self) -> float:
        """This machine's clock minus the server's, in seconds."""
        return await asyncio.to_thread(self._clock_offset)

    async def runs(self, fleet_id: str, device: str | None = None, *, patience_s: float = POLL_S) -> list[Run]:
        """The runs of this fleet that have arrived, the oldest first."""
        return await asyncio.to_thread(self._runs, fleet_id, device, patience_s)

    async def progress(self, fleet_id: str) -> list[Told]:
        """Where the pages of this fleet say they are, of those that tell the server."""
        return await asyncio.to_thread(self._progress, fleet_id)

    async def show(self, table: FleetTable) -> None:
        """Let /fleet show this."""
        await asyncio.to_thread(self._put, f"/api/fleets/{table.fleet_id}", table.model_dump_json())

    async def send(self, posted: str) -> Sent:
        """Post a run that its page could not."""
        return await asyncio.to_thread(self._send, posted)

    def _manifest(self) -> Manifest:
        return manifest.parse(self._get("/models/manifest.json").content, f"{self.url}/models/manifest.json")

    def _clock_offset(self) -> float:
        before = time.time()
        reply = self._get("/api/config")
        middle = (before + time.time()) / 2
        return self._read(reply, lambda config: middle - datetime.fromisoformat(config["server_time"]).timestamp())

    def _runs(self, fleet_id: str, device: str | None, patience_s: float) -> list[Run]:
        wanted = {"fleet_id": fleet_id} | ({"device_name": device} if device else {})
        reply = self._get("/api/runs", wanted, patience_s)
        return self._read(reply, lambda listed: [Run.model_validate_json(json.dumps(one)) for one in listed["runs"]])

    def _progress(self, fleet_id: str) -> list[Told]:
        reply = self._get("/api/progress", {"fleet_id": fleet_id}, POLL_S)
        return self._read(reply, lambda listed: [_told(page) for page in listed["devices"]])

    def _read(self, reply: requests.Response, read: Callable[[Any], T]) -> T:
        try:
            return read(reply.json())
        except (ValueError, KeyError, TypeError) as error:
            got = explain(error) if isinstance(error, ValidationError) else f"{type(error).__name__} {error}"
            raise unreachable(self.url, f"{reply.request.path_url} answers otherwise: {got}") from error

    def _put(self, path: str, body: str) -> None:
        headers = {"Content-Type": "application/json"}
        self._checked(self._ask("PUT", path, POLL_S, data=body.encode(), headers=headers))

    def _send(self, posted: str) -> Sent:
        reply = self._ask("POST", "/api/runs", data=posted.encode(), headers={"Content-Type": "application/json"})
        if reply.ok:
            return Sent(stored=True)
        return Sent(stored=False, refusal=_said(reply))

    def _get(
        self, path: str, wanted: Mapping[str, str] | None = None, patience_s: float = PATIENCE_S
    ) -> requests.Response:
        return self._checked(self._ask("GET", path, patience_s, params=wanted))

    def _ask(self, method: str, path: str, patience_s: float = PATIENCE_S, **more: Any) -> requests.Response:
        try:
            try:
                return self._session.request(method, self.url + path, timeout=(POLL_S, patience_s), **more)
            except requests.ConnectionError as error:
                # The server closes connections that were idle for some seconds, maybe just as this one was taken. Every request of this
                # class may be made twice: runs have ids.
                if not error.args or not isinstance(error.args[0], ProtocolError):
                    raise
                return self._session.request(method, self.url + path, timeout=(POLL_S, patience_s), **more)
        except requests.RequestException as error:
            raise unreachable(self.url, str(error.args[0] if error.args else error)) from error

    def _checked(self, reply: requests.Response) -> requests.Response:
        if not reply.ok:
            raise unreachable(self.url, f"{reply.request.method} {reply.request.path_url}: {_said(reply)}")
        return reply


def _told(page: dict[str, Any]) -> Told:
    age_s = float(page.pop("age_s"))
    return Told(PageProgress.model_validate_json(json.dumps(page)), age_s)


def _said(reply: requests.Response) -> str:
    try:
        error = reply.json()["error"]
        return f"status {reply.status_code}, {error['what']} (got: {error['got']}; expected: {error['expected']})"
    except (ValueError, KeyError, TypeError):
        return f"status {reply.status_code}"


def unreachable(url: str, got: str) -> ZooError:
    """No server of this project's at that address."""
    return ZooError(
        f"the zoo's server at {url} cannot be used",
        got=got,
        expected="the server of this project, of this version",
        next_step="start it (make serve, or python server.py) and give the address that it prints as --server; or let the fleet "
        "start one itself: --serve",
    )
