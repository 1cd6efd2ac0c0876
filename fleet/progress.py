"""Shows how far a browser is: one live line on a terminal, a line now and then elsewhere, and a line for every run that is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.text import Text

from fleet.records import Row, Snapshot

_LINE_EVERY_S = 10


class Progress:
    """A context manager; call it with each snapshot of the page. `clock` counts seconds."""

    def __init__(self, console: Console, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._title = title
        self._clock = clock
        self._status: Status | None = console.status(Text(title)) if console.is_terminal else None
        self._told: set[str] = set()
        self._last_line = -float(_LINE_EVERY_S)

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, snapshot: Snapshot) -> None:
        """Tell what is new in `snapshot`."""
        for row in snapshot.finished():
            if row.run_id not in self._told:
                self._told.add(row.run_id)
                self._say(_sentence(row))
        if not snapshot.progress:
            return
        if self._status:
            self._status.update(Text(f"{self._title}: {snapshot.progress}"))
        elif self._clock() - self._last_line >= _LINE_EVERY_S:
            self._last_line = self._clock()
            self._say(snapshot.progress)

    def _say(self, text: str) -> None:
        # What a page says is text, never rich's markup.
        self._console.print(Text(f"{self._title}: {text}"), soft_wrap=True)


def _sentence(row: Row) -> str:
    threads = f" x{row.threads}" if row.threads else ""
    result = f"median {row.median_ms} ms" if row.outcome == "ok" else f"no timing. {row.notes}"
    return f"{row.model} on {row.backend}{threads}: {result}"
