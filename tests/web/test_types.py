"""web/types.js mirrors the records that Python writes and reads: the two lists of fields cannot drift apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import builder.records
import timings.records
from timings.statistics import Summary

TYPES = Path(__file__).parents[2] / "web" / "types.js"
RECORDS: dict[str, type[builder.records.Record]] = {
    name: value
    for module in (builder.records, timings.records)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, builder.records.Record) and value is not builder.records.Record
}


def typedefs() -> dict[str, list[str]]:
    """The typedefs of web/types.js with their properties, in order."""
    found: dict[str, list[str]] = {}
    for comment in re.findall(r"/\*\*(.*?)\*/", TYPES.read_text(), flags=re.DOTALL):
        name = re.search(r"@typedef \{object\} (\w+)", comment)
        if name:
            found[name[1]] = re.findall(r"@property \{.*\} \[?(\w+)", comment)
    return found


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_record_has_the_same_fields_in_javascript(name: str) -> None:
    assert sorted(typedefs()[name]) == sorted(RECORDS[name].model_fields)


def test_a_summary_has_the_same_fields_in_javascript() -> None:
    assert typedefs()["Summary"] == list(Summary.__dataclass_fields__)


def test_the_stages_are_the_same_in_javascript() -> None:
    line = next(line for line in TYPES.read_text().splitlines() if line.endswith("Stage */"))
    assert tuple(re.findall(r"'(\w+)'", line)) == get_args(timings.records.Stage)
