"""What was measured, as a table, as CSV files, as a chart, or two runs compared: python -m timings --help."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from builder.errors import ZooError
from timings.cells import Measured, measured
from timings.comparison import compare
from timings.comparison_report import report
from timings.database import DEFAULT_PLACE
from timings.display import printable
from timings.export import write_all
from timings.plots import write_chart
from timings.records import Run
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
        _print_lines(write_all(store, arguments.out))
    elif arguments.command == "plot":
        _print_lines(write_chart(_chosen(store, arguments.device, arguments.model), arguments.out))
    elif arguments.command == "compare":
        first, second = (_stored(store, run_id) for run_id in (arguments.first, arguments.second))
        _print_lines(report(first, second, compare(first, second)))
    else:
        console = Console()
        if not console.is_terminal:
            console = Console(width=_WIDTH_OF_A_FILE)
        rows = list(_chosen(store, arguments.device, arguments.model))
        console.print(timings_table(rows) if rows else "no runs to show: measure something first (make serve)")


def _print_lines(lines: Iterable[object]) -> None:
    for line in lines:
        print(line)


def _stored(store: Store, run_id: str) -> Run:
    posted = store.get(run_id)
    if posted is None:
        raise ZooError(
            f"there is no run {printable(run_id)}",
            got="an id that the database does not hold",
            expected="the run_id of a stored run",
            next_step="find it in timings.csv (python -m timings csv), and name its database with --database",
        )
    return Run.model_validate_json(posted)


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
    comparison = commands.add_parser("compare", help="tell whether two runs differ, round by round if they took turns")
    comparison.add_argument("first", metavar="RUN_ID", help="the run that the other is compared with")
    comparison.add_argument("second", metavar="RUN_ID", help="the run that is faster or slower than that")
    for command in (table, csv, plot, comparison):
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
