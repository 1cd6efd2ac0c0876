"""A device without a browser: it posts runs and its progress as the page does (web/upload.js, web/reporting.js), and measures nothing."""

from __future__ import annotations

import copy
import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

# As in web/upload.js and web/reporting.js.
_PATIENCE_S = 30
_RETRY_S, _RETRY_LONGEST_S = 5.0, 300.0
_PROGRESS_EVERY_S, _PROGRESS_PATIENCE_S = 2.0, 1.5
_WORTH_REPEATING = (408, 429)
_JOIN_S = 5.0
# A browser loads a page through six connections at once, and keeps them. Of what it loads, a part stands for all.
_PAGE = ("/", "/main.js", "/style.css", "/models/manifest.json", "/api/config")
# A connection that is cut so soon after the request has left it brings no answer; the server has the run all the same.
_CUT_S = 0.0005


@dataclass(frozen=True)
class Habits:
    """runs: how many it makes. pause_s: how long each takes, from and to. lost, doubled: the share of uploads whose answer is lost on its
    way, and of those that are sent again though they were answered.
    """

    runs: int
    pause_s: tuple[float, float]
    lost: float
    doubled: float


@dataclass
class Seen:
    """What a device has to tell in the end. upload_s, progress_s: of each request that was answered, until its answer was read."""

    made: list[str] = field(default_factory=list)
    upload_s: list[float] = field(default_factory=list)
    progress_s: list[float] = field(default_factory=list)
    doubled: int = 0
    lost: int = 0
    unanswered: int = 0
    busy_answers: int = 0
    progress_unanswered: int = 0
    refused: list[str] = field(default_factory=list)


class SimulatedDevice:
    """One of them; `live` takes as long as a page would, and `seen` is whole after it. `template` is a run that a real page posted, as JSON."""

    def __init__(self, url: str, name: str, fleet_id: str, template: Mapping[str, Any], habits: Habits) -> None:
        self.seen = Seen()
        self._url = url
        self.name = name
        self._fleet_id = fleet_id
        self._template = template
        self._habits = habits
        self._random = random.Random(name)  # noqa: S311 - nothing secret: the same name does the same
        self._device_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        self._batch_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        self._session = _session()
        self._idle: list[requests.Session] = []
        self._kept: dict[str, dict[str, Any]] = {}
        self._retry_s = _RETRY_S
        self._told_at = 0.0

    def live(self) -> None:
        """Join within 5 s, make all runs, and go on until the server has them all or refuses them."""
        time.sleep(self._random.uniform(0, _JOIN_S))
        self._load_page()
        for _ in range(self._habits.runs):
            self._measure(self._random.uniform(*self._habits.pause_s))
            run = self._new_run()
            self._kept[run["run_id"]] = run
            self._send_all()
        while self._kept:
            self._measure(self._retry_s)
            self._retry_s = min(2 * self._retry_s, _RETRY_LONGEST_S)
            self._send_all()
        self._tell("done")
        for session in (self._session, *self._idle):
            session.close()

    def _load_page(self) -> None:
        for path in _PAGE:
            self._idle.append(_session())
            self._idle[-1].get(self._url + path, timeout=_PATIENCE_S).raise_for_status()

    def _measure(self, seconds: float) -> None:
        """Let time pass, and tell every 2 s how far it is."""
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            if now - self._told_at >= _PROGRESS_EVERY_S:
                self._told_at = now
                self._tell("running")
            time.sleep(max(0.0, min(end, self._told_at + _PROGRESS_EVERY_S) - time.perf_counter()))

    def _send_all(self) -> None:
        for run in list(self._kept.values()):
            if not self._send(run):
                return
            if self._random.random() < self._habits.doubled:
                self.seen.doubled += 1
                self._send(run)

    def _send(self, run: dict[str, Any]) -> bool:
        """Whether the server answered; only an answer that names the run means that it has it."""
        is_lost = self._random.random() < self._habits.lost
        start = time.perf_counter()
        try:
            reply = self._session.post(
                f"{self._url}/api/runs", json=run, timeout=(_PATIENCE_S, _CUT_S if is_lost else _PATIENCE_S)
            )
            answer = reply.json()
        except (requests.RequestException, ValueError):
            self.seen.lost += is_lost
            self.seen.unanswered += not is_lost
            return False
        self.seen.upload_s.append(time.perf_counter() - start)
        if reply.ok and answer.get("run_id") == run["run_id"] and answer.get("stored") is True:
            self._kept.pop(run["run_id"], None)
            self._retry_s = _RETRY_S
        elif reply.status_code < 500 and reply.status_code not in _WORTH_REPEATING:
            self._kept.pop(run["run_id"], None)
            self.seen.refused.append(reply.text)
        else:
            self.seen.busy_answers += 1
        return True

    def _new_run(self) -> dict[str, Any]:
        run = copy.deepcopy(dict(self._template))
        run["run_id"] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        run["started_at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        run["fleet_id"] = self._fleet_id
        run["device"] |= {"device_id": self._device_id, "device_name": self.name}
        place = len(self.seen.made) + 1
        run["order"] |= {"batch_id": self._batch_id, "position": place, "runs": self._habits.runs}
        for sample in run["samples"]:
            sample["duration_ms"] *= self._random.uniform(0.9, 1.1)
        self.seen.made.append(run["run_id"])
        return run

    def _tell(self, state: str) -> None:
        made = len(self.seen.made)
        progress = {
            **{"fleet_id": self._fleet_id, "device_id": self._device_id, "device_name": self.name, "state": state},
            **{"browser": "none", "model": self._template["model"], "backend": "wasm-1", "sample": 3, "samples": 30},
            **{"last_ms": 12.5, "runs_over": made, "runs": self._habits.runs, "runs_failed": 0, "warnings": 0},
            "remaining_s": None,
        }
        start = time.perf_counter()
        try:
            reply = self._session.post(f"{self._url}/api/progress", json=progress, timeout=_PROGRESS_PATIENCE_S)
            reply.raise_for_status()
        except requests.RequestException:
            self.seen.progress_unanswered += 1
        else:
            self.seen.progress_s.append(time.perf_counter() - start)


def _session() -> requests.Session:
    """One connection, as long as the server keeps it."""
    session = requests.Session()
    session.trust_env = False
    return session
