"""The fleets and the pages that told how far they are, in memory only: what was measured is in the database, this is for looking on."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from builder.errors import ZooError
from serving.replies import Refusal
from timings.fleet_records import FleetTable, PageProgress

FLEETS_MOST = 50
PAGES_MOST = 1000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class _Told(Generic[V]):
    """What was told last, and when, in seconds of the clock."""

    what: V
    at: float


def check_address(fleet_id: str, table: FleetTable) -> None:
    """Raises Refusal 400 where a table is put at another fleet's address."""
    if table.fleet_id != fleet_id:
        raise Refusal(
            400,
            ZooError(
                "the address and the table name different fleets",
                got=f"{fleet_id[:200]} in the address, {table.fleet_id} in the table",
                expected="the same fleet_id in both",
                next_step="put the table at its own address",
            ),
        )


class Fleets:
    """Safe to use from any number of threads. Whoever was silent longest is forgotten for one too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._fleets: OrderedDict[str, _Told[FleetTable]] = OrderedDict()
        # A page that is opened again for another fleet is another place to look.
        self._pages: OrderedDict[tuple[str | None, str], _Told[PageProgress]] = OrderedDict()

    def put(self, table: FleetTable) -> bool:
        """Keep a fleet's table in place of its last one. Returns whether it is the first."""
        with self._lock:
            return self._keep(self._fleets, table.fleet_id, table, FLEETS_MOST)

    def note(self, progress: PageProgress) -> None:
        """Keep how far a page is, in place of what it told last."""
        with self._lock:
            self._keep(self._pages, (progress.fleet_id, progress.device_id), progress, PAGES_MOST)

    def known(self) -> list[dict[str, Any]]:
        """Every fleet, the one that began last first: its table without the lines, how many there are, and how old the news is."""
        with self._lock:
            told = list(self._fleets.values())
        return [
            {
                **one.what.model_dump(mode="json", exclude={"devices"}),
                "devices": len(one.what.devices),
                "age_s": self._age(one),
            }
            for one in sorted(told, key=lambda one: (one.what.started_at, one.what.fleet_id), reverse=True)
        ]

    def table(self, fleet_id: str) -> dict[str, Any] | None:
        """That fleet's table and how old it is, or None."""
        with self._lock:
            told = self._fleets.get(fleet_id)
        return None if told is None else {**told.what.model_dump(mode="json"), "age_s": self._age(told)}

    def pages(self, fleet_id: str | None = None) -> list[dict[str, Any]]:
        """What every page told last, or every page of that fleet, and how old it is; by the devices' names."""
        with self._lock:
            told = [one for one in self._pages.values() if fleet_id in {None, one.what.fleet_id}]
        told.sort(key=lambda one: (one.what.device_name, one.what.device_id, one.what.fleet_id or ""))
        return [{**one.what.model_dump(mode="json"), "age_s": self._age(one)} for one in told]

    def _keep(self, place: OrderedDict[K, _Told[V]], key: K, what: V, most: int) -> bool:
        is_new = key not in place
        place[key] = _Told(what, self._clock())
        place.move_to_end(key)
        if len(place) > most:
            place.popitem(last=False)
        return is_new

    def _age(self, told: _Told[V]) -> float:
        return round(max(0.0, self._clock() - told.at), 3)
