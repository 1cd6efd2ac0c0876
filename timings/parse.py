"""From the bytes of a POST to a Run, once and strictly."""

from __future__ import annotations

import json

from pydantic import ValidationError

from builder.errors import ZooError
from builder.explain import explain
from builder.records import Record
from timings.records import Run


def parse_run(body: bytes) -> Run:
    """The run that `body` holds as JSON. Raises ZooError, naming the fields, if it is not exactly one run."""
    try:
        run = Run.model_validate_json(body)
    except ValidationError as error:
        raise _not_a_run(explain(error)) from error
    # After the validation, which bounds nesting and numbers, so that nothing hostile gets here.
    json.loads(body, object_pairs_hook=_check_object)
    if run.schema_version > 1:
        _check_whole(run)
    return run


def _check_whole(run: Run) -> None:
    """Refuse a run that leaves out what only version 1 may: a page that forgot a field would look like one that could not know it."""
    parts: list[tuple[str, Record]] = [("", run), ("device.", run.device)]
    parts += [(f"samples.{place}.", sample) for place, sample in enumerate(run.samples)]
    for where, part in parts:
        for name in type(part).model_fields:
            if name not in part.model_fields_set:
                raise _not_a_run(f"{where}{name}: Field required from schema_version 2 on")


def _check_object(pairs: list[tuple[str, object]]) -> None:
    """Refuse what validation lets through: a key given twice (one value would be lost), and NUL, which PostgreSQL cannot keep."""
    seen: set[str] = set()
    for key, value in pairs:
        if key in seen:
            raise _not_a_run(f"{key}: given twice in one object")
        if isinstance(value, str) and "\0" in value:
            raise _not_a_run(f"{key}: a text with a NUL character")
        seen.add(key)


def _not_a_run(got: str) -> ZooError:
    return ZooError(
        "the posted run is not valid",
        got=got,
        expected="one run as JSON, schema_version 2, with the fields that timings/records.py and web/run_types.js name",
        next_step="reload the page, so that it fits this server, and measure again; or mend the fields named",
    )
