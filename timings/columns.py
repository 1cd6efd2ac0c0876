"""The one list of fields that makes the timings CSV, the SQL columns and the printed table.

A column has the same snake_case name, with its unit, in JSON, SQL, CSV and JavaScript. A row repeats what it needs to be
understood alone, years later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from timings.cells import (
    Cell,
    Measured,
    backend_ran,
    median_of_ways,
    nodes_fallen_back,
    started_at,
    tolerance_used,
    verified,
    whole_way,
)
from timings.records import Calibration, Device

CellType = type[str] | type[int] | type[float] | type[bool]
Row = tuple[Cell, ...]

S = TypeVar("S")


@dataclass(frozen=True)
class Column(Generic[S]):
    """One field: its name, its heading in the printed table, the type of its cells, and how a source gives it."""

    name: str
    title: str
    type: CellType
    take: Callable[[S], Cell]


def row_of(columns: tuple[Column[S], ...], source: S) -> Row:
    """The source's cells, in the order of the columns."""
    return tuple(column.take(source) for column in columns)


def _device(name: str, title: str, cell: CellType) -> Column[Device]:
    return Column(name, title, cell, attrgetter(name))


def _run(name: str, title: str, cell: CellType) -> Column[Measured]:
    return Column(name, title, cell, attrgetter(f"run.{name}"))


def _summary(name: str, title: str) -> Column[Measured]:
    return Column(name, title, int if name == "n" else float, attrgetter(f"summary.{name}"))


def _of_task(name: str, title: str, cell: CellType) -> Column[Measured]:
    def take(row: Measured) -> Cell:
        task = row.run.verification.task if row.run.verification else None
        value: Cell = getattr(task, name) if task else None
        return value

    return Column("task_measure" if name == "measure" else f"task_{name}", title, cell, take)


def _order(name: str, title: str, cell: CellType) -> Column[Measured]:
    def take(row: Measured) -> Cell:
        value: Cell = getattr(row.run.order, name) if row.run.order else None
        return value

    return Column(name if name == "batch_id" else f"order_{name}", title, cell, take)


def _condition(name: str, title: str, cell: CellType) -> Column[Measured]:
    def take(row: Measured) -> Cell:
        value: Cell = getattr(row.run.conditions, name) if row.run.conditions else None
        return value

    return Column(name, title, cell, take)


def _calibration(when: str) -> tuple[Column[Measured], Column[Measured]]:
    """The fastest pass of the idle loop, and the share of time that was lost to something else. `when` is before or after."""

    def of(row: Measured) -> Calibration | None:
        found: Calibration | None = getattr(row.run.conditions, f"calibration_{when}") if row.run.conditions else None
        return found

    name, title = f"calibration_{when}", f"Idle loop {when}"
    return (
        Column(f"{name}_ms", f"{title} in ms", float, lambda row: found.loop_ms if (found := of(row)) else None),
        Column(f"{name}_lost", f"{title}: lost", float, lambda row: found.lost_share if (found := of(row)) else None),
    )


DEVICE_COLUMNS: tuple[Column[Device], ...] = (
    _device("device_id", "Device id", str),
    _device("device_name", "Device", str),
    _device("browser", "Browser", str),
    _device("browser_version", "Browser version", str),
    _device("engine", "Engine", str),
    _device("engine_version", "Engine version", str),
    _device("platform", "Platform", str),
    _device("platform_version", "Platform version", str),
    _device("architecture", "Architecture", str),
    _device("bitness", "Bitness", str),
    _device("wow64", "32 bits on 64", bool),
    _device("device_model", "Device model", str),
    _device("form_factor", "Form factor", str),
    _device("mobile", "Mobile", bool),
    _device("cores", "Cores", int),
    _device("memory_gb", "Memory in GB", float),
    _device("gpu_vendor", "GPU vendor", str),
    _device("gpu_architecture", "GPU architecture", str),
    _device("gpu_description", "GPU", str),
    _device("gpu_software", "GPU in software", bool),
    _device("gpu_fallback_adapter", "GPU is a fallback", bool),
    _device("webgl_renderer", "WebGL renderer", str),
    _device("screen_width", "Screen width", int),
    _device("screen_height", "Screen height", int),
    _device("pixel_ratio", "Pixel ratio", float),
    _device("secure_context", "Secure context", bool),
    _device("cross_origin_isolated", "Cross-origin isolated", bool),
    _device("timer_step_ms", "Timer step in ms", float),
    _device("wasm_simd", "WebAssembly SIMD", bool),
    _device("wasm_relaxed_simd", "WebAssembly relaxed SIMD", bool),
    _device("wasm_threads", "WebAssembly threads", bool),
    _device("emulated", "Emulated", str),
    _device("user_agent", "User agent", str),
)


def _from_device(column: Column[Device]) -> Column[Measured]:
    return Column(column.name, column.title, column.type, lambda row: column.take(row.run.device))


RUN_COLUMNS: tuple[Column[Measured], ...] = (
    _run("run_id", "Run id", str),
    Column("started_at", "Started at", str, started_at),
    _run("clock_offset_s", "Clock offset in s", float),
    _run("fleet_id", "Fleet id", str),
    *(_from_device(column) for column in DEVICE_COLUMNS),
    _run("model", "Model", str),
    _run("variant", "Variant", str),
    _run("weights", "Weights", str),
    _run("model_sha256", "Model's SHA-256", str),
    _run("model_bytes", "Model bytes", int),
    _run("backend", "Backend", str),
    _run("device_type", "Device type", str),
    Column("backend_ran", "Ran on", str, backend_ran),
    Column("nodes_fallen_back", "Nodes fallen back", int, nodes_fallen_back),
    _run("threads_requested", "Threads asked for", int),
    _run("threads", "Threads", int),
    _run("runtime", "Runtime", str),
    _run("runtime_version", "Runtime version", str),
    _run("page_version", "Page version", str),
    _run("iterations_requested", "Asked for", int),
    _run("min_time_s", "For s at least", float),
    _run("precision", "To a precision of", float),
    _run("warmup_iterations", "Warm-up", int),
    _run("warmup_ended_by", "Warm-up ended by", str),
    _run("time_budget_s", "Time budget in s", float),
    _run("stopped_by", "Stopped by", str),
    _run("download_ms", "Download ms", float),
    _run("download_cached", "Download cached", bool),
    _run("runtime_ms", "Runtime ms", float),
    _run("session_ms", "Session ms", float),
    _run("first_ms", "First ms", float),
    _summary("n", "n"),
    _summary("mean_ms", "Mean ms"),
    _summary("sd_ms", "SD ms"),
    _summary("median_ms", "Median ms"),
    _summary("median_low_ms", "Median from ms"),
    _summary("median_high_ms", "Median to ms"),
    _summary("p95_ms", "p95 ms"),
    _summary("min_ms", "Min ms"),
    _summary("max_ms", "Max ms"),
    Column("end_to_end_n", "End to end n", int, lambda row: len(row.run.end_to_end)),
    Column("end_to_end_median_ms", "End to end median ms", float, median_of_ways(whole_way)),
    Column("preprocess_median_ms", "Preprocess median ms", float, median_of_ways(attrgetter("preprocess_ms"))),
    Column("postprocess_median_ms", "Postprocess median ms", float, median_of_ways(attrgetter("postprocess_ms"))),
    _order("batch_id", "Batch id", str),
    _order("mode", "Order", str),
    _order("seed", "Order's seed", int),
    _order("position", "Place in order", int),
    _order("runs", "Runs in order", int),
    _order("block", "Block in order", int),
    _order("reason", "Order's reason", str),
    _condition("times_hidden", "Times hidden", int),
    _condition("repeats", "Begun again", int),
    _condition("wake_lock", "Wake lock", str),
    _condition("battery_level", "Battery level", float),
    _condition("battery_charging", "Battery charging", bool),
    *_calibration("before"),
    *_calibration("after"),
    Column("verified", "Verified", str, verified),
    Column("tolerance_used", "Tolerance used", float, tolerance_used),
    _of_task("measure", "Task's measure", str),
    _of_task("expected", "Task: expected", int),
    _of_task("actual", "Task: actual", int),
    _of_task("matched", "Task: matched", int),
    Column("warnings", "Warnings", str, lambda row: " ".join(w.code for w in row.run.warnings) or None),
    Column("error_stage", "Failed at", str, lambda row: row.run.error.stage if row.run.error else None),
    Column("error_message", "Error", str, lambda row: row.run.error.message if row.run.error else None),
)

SAMPLE_COLUMNS: tuple[tuple[str, CellType], ...] = (
    ("sample", int),
    ("start_ms", float),
    ("duration_ms", float),
    ("round", int),
)
