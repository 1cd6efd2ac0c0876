"""From the bytes of a request to what they say, once and strictly: a run, a page's progress, a fleet's table."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import ValidationError

from builder.errors import ZooError
from builder.explain import explain
from builder.records import Record
from timings.fleet_records import FleetTable, PageProgress
from timings.records import Run

R = TypeVar("R", bound=Record)

# What pages of version 2 came to know later: a run that one of them has kept since does not have it.
_LATER = frozenset({"fleet_id", "clock_offset_s", "emulated"})
_EXPECTED: dict[type[Record], tuple[str, str, str]] = {
    Run: (
        "the posted run is not valid",
        "one run as JSON, schema_version 2, with the fields that timings/records.py and web/run_types.js name",
        "reload the page, so that it fits this server, and measure again; or mend the fields named",
    ),
    PageProgress: (
        "the posted progress is not valid",
        "a page's progress as JSON, with the fields that timings/fleet_records.py names",
        "reload the page, so that it fits this server; or mend the fields named",
    ),
    FleetTable: (
        "the fleet's table is not valid",
        "a fleet's table as JSON, with the fields that timings/fleet_records.py names",
        "run the fleet with the version of this server; or mend the fields named",
    ),
}


def parse_run(body: bytes) -> Run:
    """The run that `body` holds as JSON. Raises ZooError, naming the fields, if it is not exactly one run."""
    run = _parse(Run, body)
    if run.schema_version > 1:
        _check_whole(run)
    return run


def parse_progress(body: bytes) -> PageProgress:
    """The progress that `body` holds as JSON. Raises ZooError, naming the fields, if it is not exactly one page's."""
    return _parse(PageProgress, body)


def parse_fleet(body: bytes) -> FleetTable:
    """The table that `body` holds as JSON. Raises ZooError, naming the fields, if it is not exactly one fleet's."""
    return _parse(FleetTable, body)


def _parse(kind: type[R], body: bytes) -> R:
    try:
        value = kind.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(kind, explain(error)) from error

    def check(pairs: list[tuple[str, object]]) -> None:
        """Refuse what validation lets through: a key given twice (one value would be lost), and NUL, which PostgreSQL cannot keep."""
        seen: set[str] = set()
        for key, item in pairs:
            if key in seen:
                raise _invalid(kind, f"{key}: given twice in one object")
            if isinstance(item, str) and "\0" in item:
                raise _invalid(kind, f"{key}: a text with a NUL character")
            seen.add(key)

    # After the validation, which bounds nesting and numbers, so that nothing hostile gets here.
    json.loads(body, object_pairs_hook=check)
    return value


def _check_whole(run: Run) -> None:
    """Refuse a run that leaves out what only version 1 may: a page that forgot a field would look like one that could not know it."""
    parts: list[tuple[str, Record]] = [("", run), ("device.", run.device)]
    parts += [(f"samples.{place}.", sample) for place, sample in enumerate(run.samples)]
    for where, part in parts:
        for name in type(part).model_fields:
            if name not in part.model_fields_set and name not in _LATER:
                raise _invalid(Run, f"{where}{name}: Field required from schema_version 2 on")


def _invalid(kind: type[Record], got: str) -> ZooError:
    what, expected, next_step = _EXPECTED[kind]
    return ZooError(what, got=got, expected=expected, next_step=next_step)
