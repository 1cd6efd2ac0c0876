"""The one field list: its names, its types, and what it takes from a run."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateTable

from tests.support.runs import make_failed_run, make_run, verification
from timings.columns import DEVICE_COLUMNS, RUN_COLUMNS, Cell, Measured, measured
from timings.records import Device, Run
from timings.schema import METADATA, SCHEMA_VERSION
from timings.statistics import Summary

DERIVED = {
    "verified",
    "tolerance_used",
    "nodes_fallen_back",
    "task_measure",
    "task_expected",
    "task_actual",
    "task_matched",
    "error_stage",
    "error_message",
}


def cells(row: Measured) -> dict[str, Cell]:
    return {column.name: column.take(row) for column in RUN_COLUMNS}


def test_names_are_those_of_the_records() -> None:
    summary = {field.name for field in dataclasses.fields(Summary)}
    known = Run.model_fields.keys() | Device.model_fields.keys() | summary | DERIVED
    names = [column.name for column in RUN_COLUMNS]
    assert len(names) == len(set(names))
    assert set(names) <= known
    assert {column.name for column in DEVICE_COLUMNS} == Device.model_fields.keys()


@pytest.mark.parametrize("run", [make_run(), make_failed_run()], ids=["succeeded", "failed"])
def test_cells_have_the_types_that_the_list_says(run: Run) -> None:
    row = measured(run)
    for column in RUN_COLUMNS:
        assert column.take(row) is None or type(column.take(row)) is column.type, column.name
    for device_column in DEVICE_COLUMNS:
        cell = device_column.take(run.device)
        assert cell is None or type(cell) is device_column.type, device_column.name


def test_a_run_in_cells() -> None:
    warning = {"code": "slow_first", "message": "the first inference was slow"}
    row = cells(measured(make_run(samples_ms=(10.0, 20.0), warnings=[warning, {**warning, "code": "hidden_page"}])))
    assert row["started_at"] == "2026-03-01T11:00:00.250Z"
    assert (row["n"], row["mean_ms"], row["median_ms"], row["p95_ms"]) == (2, 15.0, 15.0, 19.5)
    assert (row["min_ms"], row["max_ms"]) == (10.0, 20.0)
    assert (row["verified"], row["tolerance_used"]) == ("passed", 0.5)
    assert (row["task_measure"], row["task_expected"], row["task_matched"]) == ("top_5", 5, 5)
    assert row["warnings"] == "slow_first hidden_page"
    assert row["error_stage"] is None


def test_a_failed_run_in_cells_has_no_numbers_that_were_not_measured() -> None:
    row = cells(measured(make_failed_run("download", "connection lost", download_ms=None, session_ms=None)))
    unknown = ("mean_ms", "sd_ms", "median_ms", "p95_ms", "min_ms", "max_ms", "verified", "tolerance_used")
    assert [row[name] for name in unknown] == [None] * len(unknown)
    assert (row["download_ms"], row["session_ms"], row["task_measure"], row["warnings"]) == (None, None, None, None)
    assert (row["n"], row["error_stage"], row["error_message"]) == (0, "download", "connection lost")


def test_a_failed_verification_shows_how_far_off_it_was() -> None:
    row = cells(measured(make_failed_run("verification", "outputs differ", verification=verification(used=7.5))))
    assert (row["verified"], row["tolerance_used"]) == ("failed", 7.5)


def test_outputs_that_cannot_be_compared_give_no_number() -> None:
    lost = verification(used=7.5).model_dump(mode="json")
    lost["outputs"][0] |= {"max_abs_diff": None, "max_rel_diff": None, "tolerance_used": None}
    row = cells(measured(make_failed_run("verification", "NaN", verification=lost)))
    assert (row["verified"], row["tolerance_used"]) == ("failed", None)


@pytest.mark.parametrize(
    ("backend", "placement", "fallen_back"),
    [
        ("webgpu", {"webgpu": {"Conv": 30, "MemcpyToHost": 1}, "wasm": {"NonZero": 2, "Cast": 1}}, 3),
        ("webgpu", {"webgpu": {"*": 32}}, 0),
        ("webgpu", {"wasm": {"*": 4}}, 4),
        ("wasm", {"wasm": {"*": 30}}, 0),
        ("webgpu", None, None),
    ],
)
def test_nodes_that_ran_elsewhere_than_asked_are_counted(
    backend: str, placement: dict[str, dict[str, int]] | None, fallen_back: int | None
) -> None:
    assert cells(measured(make_run(backend=backend, placement=placement)))["nodes_fallen_back"] == fallen_back


@pytest.mark.parametrize("placement", [{"cuda": {"Conv": 1}}, {"wasm": {"Conv": 0}}, {"wasm": {"": 1}}, {"wasm": 3}])
def test_a_placement_that_makes_no_sense_is_no_run(placement: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="placement"):
        make_run(placement=placement)


def test_the_tables_have_the_version_that_they_had() -> None:
    """A change of the columns changes the tables: raise SCHEMA_VERSION with it, then put the new pair here."""
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    text = "".join(str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables)
    assert (SCHEMA_VERSION, hashlib.sha256(text.encode()).hexdigest()[:12]) == (2, "67dc2ac1a794")
