"""What was measured, as a table, as CSV files or as a chart: python -m timings --help."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from builder.errors import ZooError
from timings.columns import Measured, measured
from timings.database import DEFAULT_PLACE
from timings.export import write_all
from timings.plots import write_chart
from timings.store import Store
from timings.table import timings_table

_BAD_INPUT, _FAILED = 2, 1
_WIDTH_OF_A_FILE = 180


def main(given: list[str] | None = None) -> int:
    """Do what the command line says. Returns the exit status: 0, 2 if the database cannot be opened, 1 for what fails later."""
    arguments = _arguments(given)
    try:
        store = Store(arguments.database, create=False)
    except ZooError as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    with store:
        try:
            _act(arguments, store)
        except ZooError as error:
            print(error, file=sys.stderr)
            return _FAILED
    return 0


def _act(arguments: argparse.Namespace, store: Store) -> None:
    if arguments.command == "csv":
        written = write_all(store, arguments.out)
    elif arguments.command == "plot":
        written = write_chart(_chosen(store, arguments.device, arguments.model), arguments.out)
    else:
        written = ()
        console = Console()
        if not console.is_terminal:
            console = Console(width=_WIDTH_OF_A_FILE)
        rows = list(_chosen(store, arguments.device, arguments.model))
        console.print(timings_table(rows) if rows else "no runs to show: measure something first (make serve)")
    for path in written:
        print(path)


def _chosen(store: Store, device: str | None, model: str | None) -> Iterator[Measured]:
    for run in store.runs():
        if device in {None, run.device.device_name} and model in {None, run.model}:
            yield measured(run)


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m timings", description="Show what server.py has stored.")
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("table", help="print one line per run")
    csv = commands.add_parser("csv", help="write timings.csv, samples.csv and devices.csv")
    plot = commands.add_parser("plot", help="write the chart as timings.png and timings.svg")
    for command in (table, csv, plot):
        command.add_argument(
            "--database", default=DEFAULT_PLACE, help=f"a SQLite file, or a database's URL (default: {DEFAULT_PLACE})"
        )
    for command in (csv, plot):
        command.add_argument(
            "-o", "--out", type=Path, default=Path("results"), metavar="DIR", help="the folder (default: results)"
        )
    for command in (table, plot):
        command.add_argument("--device", metavar="NAME", help="only the device of that name")
        command.add_argument("--model", metavar="ID", help="only that model")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
