"""The one list of fields that makes the timings CSV, the SQL columns and the printed table.

A column has the same snake_case name, with its unit, in JSON, SQL, CSV and JavaScript. A row repeats what it needs to be
understood alone, years later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from builder.records import Verification
from timings.records import Device, Run
from timings.statistics import Summary, summarise

Cell = str | int | float | bool | None
CellType = type[str] | type[int] | type[float] | type[bool]
Row = tuple[Cell, ...]

S = TypeVar("S")


@dataclass(frozen=True)
class Measured:
    """A run and the summary of its samples."""

    run: Run
    summary: Summary


@dataclass(frozen=True)
class Column(Generic[S]):
    """One field: its name, its heading in the printed table, the type of its cells, and how a source gives it."""

    name: str
    title: str
    type: CellType
    take: Callable[[S], Cell]


def measured(run: Run) -> Measured:
    """The run with its samples summarised."""
    return Measured(run, summarise([sample.duration_ms for sample in run.samples]))


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


def _started_at(row: Measured) -> str:
    """ISO 8601 in UTC to the millisecond: sorts as text, in every database."""
    return row.run.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _checks(row: Measured) -> list[Verification]:
    return [check for check in (row.run.verification, row.run.final_check) if check is not None]


def _verified(row: Measured) -> str | None:
    checks = _checks(row)
    return ("passed" if all(check.passed for check in checks) else "failed") if checks else None


def _tolerance_used(row: Measured) -> float | None:
    used = [output.tolerance_used for check in _checks(row) for output in check.outputs]
    known = [share for share in used if share is not None]
    return max(known) if known and len(known) == len(used) else None


def _nodes_fallen_back(row: Measured) -> int | None:
    """How many nodes ran elsewhere than on the backend asked for."""
    placement = row.run.placement
    if placement is None:
        return None
    return sum(sum(counts.values()) for backend, counts in placement.items() if backend != row.run.backend)


DEVICE_COLUMNS: tuple[Column[Device], ...] = (
    _device("device_id", "Device id", str),
    _device("device_name", "Device", str),
    _device("browser", "Browser", str),
    _device("browser_version", "Browser version", str),
    _device("platform", "Platform", str),
    _device("platform_version", "Platform version", str),
    _device("architecture", "Architecture", str),
    _device("device_model", "Device model", str),
    _device("mobile", "Mobile", bool),
    _device("cores", "Cores", int),
    _device("memory_gb", "Memory in GB", float),
    _device("gpu_vendor", "GPU vendor", str),
    _device("gpu_architecture", "GPU architecture", str),
    _device("gpu_description", "GPU", str),
    _device("gpu_software", "GPU in software", bool),
    _device("screen_width", "Screen width", int),
    _device("screen_height", "Screen height", int),
    _device("pixel_ratio", "Pixel ratio", float),
    _device("secure_context", "Secure context", bool),
    _device("cross_origin_isolated", "Cross-origin isolated", bool),
    _device("timer_step_ms", "Timer step in ms", float),
    _device("wasm_simd", "WebAssembly SIMD", bool),
    _device("wasm_relaxed_simd", "WebAssembly relaxed SIMD", bool),
    _device("wasm_threads", "WebAssembly threads", bool),
    _device("user_agent", "User agent", str),
)

_ONLY_WITH_THE_DEVICE = frozenset(
    ("screen_width", "screen_height", "pixel_ratio", "wasm_simd", "wasm_relaxed_simd", "wasm_threads", "user_agent")
)


def _from_device(column: Column[Device]) -> Column[Measured]:
    return Column(column.name, column.title, column.type, lambda row: column.take(row.run.device))


RUN_COLUMNS: tuple[Column[Measured], ...] = (
    _run("run_id", "Run id", str),
    Column("started_at", "Started at", str, _started_at),
    *(_from_device(column) for column in DEVICE_COLUMNS if column.name not in _ONLY_WITH_THE_DEVICE),
    _run("model", "Model", str),
    _run("variant", "Variant", str),
    _run("weights", "Weights", str),
    _run("model_sha256", "Model's SHA-256", str),
    _run("model_bytes", "Model bytes", int),
    _run("backend", "Backend", str),
    _run("threads", "Threads", int),
    _run("runtime", "Runtime", str),
    _run("runtime_version", "Runtime version", str),
    _run("page_version", "Page version", str),
    _run("iterations_requested", "Asked for", int),
    _run("warmup_iterations", "Warm-up", int),
    _run("time_budget_s", "Time budget in s", float),
    _run("stopped_by", "Stopped by", str),
    _run("download_ms", "Download ms", float),
    _run("download_cached", "Download cached", bool),
    _run("session_ms", "Session ms", float),
    _run("first_ms", "First ms", float),
    _summary("n", "n"),
    _summary("mean_ms", "Mean ms"),
    _summary("sd_ms", "SD ms"),
    _summary("median_ms", "Median ms"),
    _summary("p95_ms", "p95 ms"),
    _summary("min_ms", "Min ms"),
    _summary("max_ms", "Max ms"),
    Column("verified", "Verified", str, _verified),
    Column("tolerance_used", "Tolerance used", float, _tolerance_used),
    _of_task("measure", "Task's measure", str),
    _of_task("expected", "Task: expected", int),
    _of_task("actual", "Task: actual", int),
    _of_task("matched", "Task: matched", int),
    Column("nodes_fallen_back", "Nodes fallen back", int, _nodes_fallen_back),
    Column("warnings", "Warnings", str, lambda row: " ".join(w.code for w in row.run.warnings) or None),
    Column("error_stage", "Failed at", str, lambda row: row.run.error.stage if row.run.error else None),
    Column("error_message", "Error", str, lambda row: row.run.error.message if row.run.error else None),
)

SAMPLE_COLUMNS: tuple[tuple[str, CellType], ...] = (("sample", int), ("start_ms", float), ("duration_ms", float))
