"""web/manifest_types.js and web/run_types.js mirror the records that Python writes and reads: the lists of fields cannot drift apart."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

import builder.records
import timings.fleet_records
import timings.records
from timings.statistics import Summary

WEB = Path(__file__).parents[2] / "web"
HOLDERS = {
    builder.records: WEB / "manifest_types.js",
    timings.records: WEB / "run_types.js",
    timings.fleet_records: WEB / "fleet_types.js",
}
CHOICES = re.compile(r"^/\*\* @typedef \{((?:'\w+'(?: \| )?)+)\} (\w+) \*/$", flags=re.MULTILINE)
RECORDS: dict[str, type[builder.records.Record]] = {
    name: value
    for module in HOLDERS
    for name, value in vars(module).items()
    if isinstance(value, type)
    and issubclass(value, builder.records.Record)
    and value is not builder.records.Record
    and not name.startswith("_")
}


def typedefs(file: Path) -> dict[str, list[str]]:
    """The file's typedefs with their properties, in order."""
    found: dict[str, list[str]] = {}
    for comment in re.findall(r"/\*\*(.*?)\*/", file.read_text(), flags=re.DOTALL):
        name = re.search(r"@typedef \{object\} (\w+)", comment)
        if name:
            found[name[1]] = re.findall(r"@property \{.*\} \[?(\w+)", comment)
    return found


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_record_has_the_same_fields_in_javascript(name: str) -> None:
    holder = next(file for module, file in HOLDERS.items() if module.__name__ == RECORDS[name].__module__)
    assert sorted(typedefs(holder)[name]) == sorted(RECORDS[name].model_fields)


def test_a_summary_has_the_same_fields_in_javascript() -> None:
    assert typedefs(WEB / "types.js")["Summary"] == list(Summary.__dataclass_fields__)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (builder.records, "BackendName"),
        (builder.records, "SupportStatus"),
        (timings.records, "Stage"),
        (timings.records, "Backend"),
        (timings.fleet_records, "DeviceState"),
    ],
)
def test_choices_are_the_same_in_javascript(module: ModuleType, name: str) -> None:
    found = {typed: re.findall(r"\w+", choices) for choices, typed in CHOICES.findall(HOLDERS[module].read_text())}
    assert tuple(found[name]) == get_args(getattr(module, name))
