"""The table that `python -m timings table` prints."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from timings.cells import Cell, Measured
from timings.columns import RUN_COLUMNS, Column
from timings.display import notes, printable, significant

_SHOWN = (
    "device_name",
    "browser",
    "model",
    "backend",
    "threads",
    "n",
    "mean_ms",
    "sd_ms",
    "median_ms",
    "p95_ms",
    "verified",
)


def timings_table(rows: Iterable[Measured]) -> Table:
    """One line per run, ordered by device, browser, model, backend and threads, with what is to be noted about it."""
    by_name = {column.name: column for column in RUN_COLUMNS}
    columns = [by_name[name] for name in _SHOWN]
    table = Table()
    for column in columns:
        table.add_column(column.title, justify="left" if column.type is str else "right", overflow="fold")
    table.add_column("Notes", overflow="fold")
    for row in sorted(rows, key=_order):
        table.add_row(*(Text(_shown(column, row)) for column in columns), Text(notes(row.run)))
    return table


def _shown(column: Column[Measured], row: Measured) -> str:
    cell: Cell = column.take(row)
    if cell is None:
        return ""
    return significant(cell) if isinstance(cell, float) else printable(str(cell))


def _order(row: Measured) -> tuple[str, str, str, str, int, str]:
    run = row.run
    return (
        run.device.device_name,
        run.device.browser,
        run.model,
        run.backend,
        run.threads,
        run.started_at.isoformat(),
    )
