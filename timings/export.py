"""The three CSV files, streamed line by line: RFC 4180, UTF-8, a heading, an empty cell for what is not known.

And the first of them for runs that are at hand, without a store.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from builder.files import replaced
from timings.cells import Cell, measured
from timings.columns import RUN_COLUMNS, Row, row_of
from timings.records import Run
from timings.store import Store

# A spreadsheet takes a text that begins with one of these for a formula; an apostrophe before it keeps it a text.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_CHUNK_CHARACTERS = 1 << 16


def timings_csv(store: Store) -> Iterator[str]:
    """One line per run: what ran, where, how fast, and whether it was right."""
    return _csv(*store.timings())


def samples_csv(store: Store) -> Iterator[str]:
    """One line per timed inference."""
    return _csv(*store.samples())


def devices_csv(store: Store) -> Iterator[str]:
    """One line per device, as its newest run describes it."""
    return _csv(*store.devices())


EXPORTS: dict[str, Callable[[Store], Iterator[str]]] = {
    "timings.csv": timings_csv,
    "samples.csv": samples_csv,
    "devices.csv": devices_csv,
}


def write_all(store: Store, folder: Path) -> tuple[Path, ...]:
    """Write the three files into `folder`, each in one step. Returns their paths."""
    for name, export in EXPORTS.items():
        _write(folder / name, export(store))
    return tuple(folder / name for name in EXPORTS)


def write_runs_csv(runs: Sequence[Run], path: Path) -> None:
    """Write these runs to `path` in one step, as timings.csv has them: the oldest first."""
    ordered = sorted(runs, key=lambda run: (run.started_at, run.run_id))
    names = tuple(column.name for column in RUN_COLUMNS)
    _write(path, _csv(names, (row_of(RUN_COLUMNS, measured(run)) for run in ordered)))


def _write(path: Path, parts: Iterable[str]) -> None:
    with replaced(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.writelines(parts)


def _csv(names: tuple[str, ...], rows: Iterator[Row]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_text(cell) for cell in row])
        if buffer.tell() > _CHUNK_CHARACTERS:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
    return repr(cell)
