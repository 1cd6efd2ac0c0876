"""The one field list: its names, its types, and what it takes from a run."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateTable

from tests.support.runs import DEVICE, ORDER, make_failed_run, make_run, verification
from timings.cells import Cell, Measured, measured
from timings.columns import DEVICE_COLUMNS, RUN_COLUMNS
from timings.records import Conditions, Device, Order, Run
from timings.schema import METADATA, SCHEMA_VERSION
from timings.statistics import Summary

DERIVED = {
    "verified",
    "tolerance_used",
    "backend_ran",
    "nodes_fallen_back",
    "order_mode",
    "order_seed",
    "order_position",
    "order_runs",
    "order_block",
    "order_reason",
    "calibration_before_ms",
    "calibration_before_lost",
    "calibration_after_ms",
    "calibration_after_lost",
    "end_to_end_n",
    "end_to_end_median_ms",
    "preprocess_median_ms",
    "postprocess_median_ms",
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
    nouns = (Run, Device, Order, Conditions)
    known = {name for noun in nouns for name in noun.model_fields} | summary | DERIVED
    names = [column.name for column in RUN_COLUMNS]
    assert len(names) == len(set(names))
    assert set(names) <= known
    assert {column.name for column in DEVICE_COLUMNS} == Device.model_fields.keys()


def test_a_row_says_everything_of_its_device() -> None:
    """A row explains itself, years later: the devices file describes a device only as it was last."""
    assert {column.name for column in DEVICE_COLUMNS} <= {column.name for column in RUN_COLUMNS}


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


def test_the_order_and_the_conditions_of_a_run_in_cells() -> None:
    row = cells(measured(make_run(order=ORDER.model_copy(update={"mode": "sequential", "reason": "no room"}))))
    assert row["batch_id"] == ORDER.batch_id
    assert [row[f"order_{name}"] for name in ("mode", "seed", "position", "runs", "block", "reason")] == [
        *("sequential", 7, 2, 3, 1, "no room"),
    ]
    assert [row[name] for name in ("times_hidden", "repeats", "wake_lock")] == [0, 0, "held"]
    assert [row[name] for name in ("battery_level", "battery_charging")] == [0.75, True]
    calibrations = [row[f"calibration_{name}"] for name in ("before_ms", "before_lost", "after_ms", "after_lost")]
    assert calibrations == [20.5, 0.01, 21.5, 0.02]


def test_what_was_asked_for_and_what_came_of_it_in_cells() -> None:
    changes: dict[str, Any] = {
        "threads_requested": 16,
        "min_time_s": 1.5,
        "precision": 0.02,
        "warmup_ended_by": "limit",
    }
    row = cells(measured(make_run(**changes)))
    assert {name: row[name] for name in changes} == changes
    assert (row["threads"], row["runtime_ms"], row["device_type"]) == (8, 700.25, None)
    webnn = cells(measured(make_run(backend="webnn", device_type="npu")))
    assert (webnn["backend"], webnn["device_type"], webnn["backend_ran"]) == ("webnn", "npu", None)


def test_the_fleet_and_the_clock_of_a_run_in_cells() -> None:
    fleet = "33333333-4444-4555-8666-777777777777"
    device = DEVICE.model_copy(update={"emulated": "Pixel 7, CPU slowed 4 times"})
    row = cells(measured(make_run(fleet_id=fleet, clock_offset_s=-90.5, device=device)))
    assert (row["fleet_id"], row["clock_offset_s"], row["emulated"]) == (fleet, -90.5, "Pixel 7, CPU slowed 4 times")


def test_the_way_from_a_photograph_has_medians_of_its_own() -> None:
    """Each way's parts are added before the median is taken: of 14, 15.5 and 41.75 ms."""
    row = cells(measured(make_run()))
    assert (row["end_to_end_n"], row["end_to_end_median_ms"]) == (3, 15.5)
    assert (row["preprocess_median_ms"], row["postprocess_median_ms"]) == (2.0, 0.75)
    without = cells(measured(make_run(end_to_end=())))
    assert (without["end_to_end_n"], without["end_to_end_median_ms"], without["preprocess_median_ms"]) == (
        0,
        None,
        None,
    )


def test_the_interval_of_the_median_is_null_of_few_samples() -> None:
    few, enough = cells(measured(make_run())), cells(measured(make_run(samples_ms=[float(i) for i in range(1, 31)])))
    assert (few["median_low_ms"], few["median_high_ms"]) == (None, None)
    # Order statistics 10 and 21 of 30: the interval that every table of the binomial distribution gives.
    assert (enough["median_low_ms"], enough["median_ms"], enough["median_high_ms"]) == (10.0, 15.5, 21.0)


def test_what_an_older_page_could_not_tell_is_empty() -> None:
    old: dict[str, Any] = dict.fromkeys(("threads_requested", "min_time_s", "warmup_ended_by", "runtime_ms", "order"))
    row = cells(measured(make_run(schema_version=1, conditions=None, end_to_end=(), **old)))
    unknown = ("threads_requested", "min_time_s", "runtime_ms", "batch_id", "order_mode", "repeats", "wake_lock")
    assert [row[name] for name in unknown] == [None] * len(unknown)
    assert row["calibration_before_ms"] is None


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
    ("backend", "placement", "fallen_back", "ran"),
    [
        ("webgpu", {"wasm": {"NonZero": 2, "Cast": 1}, "webgpu": {"Conv": 30, "MemcpyToHost": 1}}, 3, "webgpu+wasm"),
        ("webgpu", {"webgpu": {"*": 32}}, 0, "webgpu"),
        ("webgpu", {"wasm": {"*": 4}}, 4, "wasm"),
        ("webnn", {"wasm": {"*": 4}, "webnn": {"*": 2}}, 4, "webnn+wasm"),
        ("webgl", {"webgl": {"*": 9}}, 0, "webgl"),
        ("wasm", {"wasm": {"*": 30}}, 0, "wasm"),
        ("wasm", None, 0, "wasm"),
        ("webgpu", None, None, None),
    ],
)
def test_what_ran_is_told_apart_from_what_was_asked_for(
    backend: str, placement: dict[str, dict[str, int]] | None, fallen_back: int | None, ran: str | None
) -> None:
    row = cells(measured(make_run(backend=backend, placement=placement)))
    assert (row["nodes_fallen_back"], row["backend_ran"]) == (fallen_back, ran)


def test_of_a_run_that_never_ran_nothing_is_said_to_have_run() -> None:
    row = cells(measured(make_failed_run("session", first_ms=None)))
    assert (row["backend"], row["backend_ran"], row["nodes_fallen_back"]) == ("wasm", None, None)


@pytest.mark.parametrize("placement", [{"cuda": {"Conv": 1}}, {"wasm": {"Conv": 0}}, {"wasm": {"": 1}}, {"wasm": 3}])
def test_a_placement_that_makes_no_sense_is_no_run(placement: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="placement"):
        make_run(placement=placement)


def test_the_tables_have_the_version_that_they_had() -> None:
    """A change of the columns changes the tables: raise SCHEMA_VERSION with it, then put the new pair here."""
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    text = "".join(str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables)
    assert (SCHEMA_VERSION, hashlib.sha256(text.encode()).hexdigest()[:12]) == (4, "d053011adc3d")
