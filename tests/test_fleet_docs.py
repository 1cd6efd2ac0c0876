"""docs/fleet.md shows files that the fleet reads, and leaves no key out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from fleet.fleet_file import DeviceSpec, Fleet, fleet_schema, read_fleet
from scripts.serving import ROOT

TEXT = (ROOT / "docs/fleet.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def parsed(example: str, folder: Path) -> Fleet:
    path = folder / "fleet.toml"
    path.write_text(example, encoding="utf-8")
    return read_fleet(path)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_file_that_is_read(example: str, tmp_path: Path) -> None:
    assert parsed(example, tmp_path).device


def test_what_stands_in_comments_of_an_example_can_be_used(tmp_path: Path) -> None:
    for example in EXAMPLES:
        assert parsed(re.sub(r"^# (?=\w+ = )", "", example, flags=re.MULTILINE), tmp_path).device


def test_every_kind_of_device_has_an_example(tmp_path: Path) -> None:
    shown = {type(device) for example in EXAMPLES for device in parsed(example, tmp_path).device}
    assert shown == set(get_args(get_args(DeviceSpec)[0]))


def test_every_key_is_named() -> None:
    schema = json.loads(fleet_schema())
    tables = [schema, *schema["$defs"].values()]
    keys = {key for table in tables for key in table.get("properties", {})}
    assert {"iterations", "cpu_slowdown", "latency_ms", "hub"} <= keys
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", TEXT)] == []
