"""The fleet on the terminal: a live table of all devices where that can be shown, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from timings.display import significant
from timings.fleet_records import DeviceLine, FleetTable

_LINE_EVERY_S = 10
_WIDTH_OF_A_FILE = 180
_COLUMNS = ("Device", "Browser", "State", "Model", "Sample", "Last", "Runs", "Warnings", "Ends", "Note")


class Screen:
    """A context manager; `show` draws a table, `say` prints a line that stays. `clock` counts seconds."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._last_line = -float(_LINE_EVERY_S)

    def __enter__(self) -> Screen:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """What a page or a device says is text, never rich's markup."""
        self._console.print(Text.from_ansi(text), soft_wrap=True)

    def print(self, table: Table) -> None:
        """A table that stays; a file takes its whole width."""
        console = self._console if self._console.is_terminal else Console(width=_WIDTH_OF_A_FILE)
        console.print(table)

    def show(self, table: FleetTable) -> None:
        """How far all devices are."""
        if self._live:
            self._live.update(live_table(table), refresh=True)
        elif self._clock() - self._last_line >= _LINE_EVERY_S:
            doing = [sentence for line in table.devices if (sentence := _sentence(line))]
            self._last_line = self._clock() if doing else self._last_line
            for sentence in doing:
                self.say(sentence)


def live_table(table: FleetTable, now: datetime | None = None) -> Table:
    """The table of all devices, as it is now."""
    shown = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        shown.add_column(column, justify="right" if column in ("Sample", "Last", "Runs", "Warnings") else "left")
    moment = now or datetime.now()
    for line in table.devices:
        shown.add_row(*(Text(cell) for cell in _cells(line, moment)))
    return shown


def _cells(line: DeviceLine, now: datetime) -> tuple[str, ...]:
    ends = "" if line.remaining_s is None else f"{now + timedelta(seconds=line.remaining_s):%H:%M:%S}"
    failed = f", {line.runs_failed} failed" if line.runs_failed else ""
    return (
        line.device,
        line.browser or "",
        line.state,
        _what(line),
        "" if line.sample is None else f"{line.sample} of {line.samples or '?'}",
        "" if line.last_ms is None else f"{significant(line.last_ms)} ms",
        f"{line.runs_over} of {line.runs}{failed}",
        str(line.warnings) if line.warnings else "",
        ends,
        line.note or "",
    )


def _what(line: DeviceLine) -> str:
    return f"{line.model} on {line.backend}" if line.model and line.backend else line.model or ""


def _sentence(line: DeviceLine) -> str:
    if line.state not in ("starting", "running"):
        return ""
    sample = "" if line.sample is None else f", sample {line.sample} of {line.samples or '?'}"
    return f"{line.device}: {_what(line) or line.state}{sample}; {line.runs_over} of {line.runs} runs over"
