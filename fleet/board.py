"""Where every device of the fleet is at this moment: what the terminal and the page /fleet show."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fleet.plan import DevicePlan
from fleet.records import Snapshot
from timings.fleet_records import DeviceLine, DeviceState, FleetTable


@dataclass
class Place:
    """One device's state. ends_at: when its runs should be over, by the board's clock."""

    plan: DevicePlan
    state: DeviceState = "waiting"
    browser: str | None = None
    note: str | None = None
    snapshot: Snapshot | None = None
    over: int = 0
    failed: int = 0
    warnings: int = 0
    foreseen_s: float = 0.0
    ends_at: float | None = None


class Board:
    """One place for each device, and what became of the visits that it has behind it. `clock` counts seconds."""

    def __init__(
        self, fleet_id: str, server_url: str, plans: Sequence[DevicePlan], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fleet_id = fleet_id
        self._server_url = server_url
        self._clock = clock
        self._started_at = datetime.now(UTC)
        self._places = {plan.device: Place(plan, over=plan.over, foreseen_s=plan.foreseen_s) for plan in plans}

    def enter(self, device: str, state: DeviceState, note: str | None = None) -> None:
        """That device has come to this state."""
        place = self._places[device]
        place.state, place.note = state, note
        place.ends_at = self._clock() + place.foreseen_s if state in ("starting", "running") else None
        if state not in ("starting", "running"):
            place.snapshot = None

    def reached(self, device: str, browser: str | None) -> None:
        """Its browser is there."""
        self._places[device].browser = browser or self._places[device].browser

    def tell(self, device: str, snapshot: Snapshot) -> None:
        """What its page shows now. The page knows better than any estimate how long this visit still takes."""
        self._places[device].snapshot = snapshot

    def visit_over(self, device: str, foreseen_s: float, lost: int = 0) -> None:
        """A visit has ended; what its page showed last is counted once, and `lost` runs that it never brought as failed."""
        place = self._places[device]
        rows = place.snapshot.finished() if place.snapshot else ()
        place.over += len(rows) + lost
        place.failed += sum(row.outcome == "failed" for row in rows) + lost
        place.warnings += sum(row.warnings for row in rows)
        place.foreseen_s = max(0.0, place.foreseen_s - foreseen_s)
        place.snapshot = None

    def table(self, *, over: bool = False) -> FleetTable:
        """All of it, now."""
        lines = tuple(self._line(place) for place in self._places.values())
        return FleetTable(
            fleet_id=self._fleet_id, started_at=self._started_at, server_url=self._server_url, over=over, devices=lines
        )

    def _line(self, place: Place) -> DeviceLine:
        snapshot = place.snapshot
        rows = snapshot.finished() if snapshot else ()
        at = snapshot.at if snapshot else None
        runs = place.plan.over + place.plan.runs
        return DeviceLine(
            device=place.plan.device,
            host=place.plan.host,
            kind=place.plan.kind,
            browser=place.browser,
            state=place.state,
            model=at.model if at else None,
            backend=at.backend if at else None,
            sample=at.sample if at else None,
            samples=at.samples if at else None,
            last_ms=at.last_ms if at else None,
            runs_over=min(runs, place.over + len(rows)),
            runs=runs,
            runs_failed=place.failed + sum(row.outcome == "failed" for row in rows),
            warnings=place.warnings + sum(row.warnings for row in rows),
            remaining_s=self._remaining_s(place),
            note=place.note[:1000] if place.note else None,
        )

    def _remaining_s(self, place: Place) -> float | None:
        if place.state == "waiting":
            return self._wait_s(place) + place.foreseen_s
        if place.ends_at is None:
            return None
        return max(0.0, place.ends_at - self._clock())

    def _wait_s(self, place: Place) -> float:
        """Until the devices of its host that come first are over."""
        seconds = 0.0
        for other in self._places.values():
            if other is place:
                break
            if other.plan.host == place.plan.host and other.state in ("waiting", "starting", "running"):
                seconds += other.foreseen_s
        return seconds
