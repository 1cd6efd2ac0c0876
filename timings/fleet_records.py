"""The nouns of a fleet under way: what its command tells the server, and what a page tells of itself. Neither is a measurement.

A fleet is one session of `python -m fleet`, which opens the page on many devices. The names are those of JSON and of web/fleet_types.js.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from builder.records import NonNegative, Record
from timings.records import Count, Milliseconds, Moment, ShortText, Text, Uuid

DeviceState = Literal["waiting", "starting", "running", "done", "failed", "unreachable", "stopped"]
PageState = Literal["ready", "running", "done", "invalid"]
DEVICES_MOST = 1000


class _Progress(Record):
    """How far a batch is.

    model, backend: of the run that is measured now; a backend is named as in the page's address, with its threads ("wasm-2").
    sample, samples: how many of them are taken, of how many. last_ms: the latest. remaining_s: until the batch is over. Null is "none, or
    not known". runs_over, runs: how many of all are over, runs_failed of them without a timing. warnings: of all runs together.
    """

    model: Text | None
    backend: Text | None
    sample: Count | None
    samples: Count | None
    last_ms: Milliseconds | None
    runs_over: Count
    runs: Count
    runs_failed: Count
    warnings: Count
    remaining_s: NonNegative | None


class DeviceLine(_Progress):
    """One device of a fleet.

    host: devices on the same one take turns. kind: how it is driven, such as "local" or "visit". note: what a person should know, such
    as why it failed.
    """

    device: ShortText
    host: ShortText
    kind: ShortText
    browser: Text | None
    state: DeviceState
    note: Text | None


class FleetTable(Record):
    """A fleet as its command sees it. `over`: nothing more will happen, well or not."""

    fleet_id: Uuid
    started_at: Moment
    server_url: Text
    over: bool
    devices: Annotated[tuple[DeviceLine, ...], Field(strict=False, max_length=DEVICES_MOST)]


class PageProgress(_Progress):
    """A page of its own accord, where nobody can look into it. fleet_id: the fleet that its address names, if any."""

    fleet_id: Uuid | None
    device_id: Uuid
    device_name: ShortText
    browser: Text
    state: PageState
