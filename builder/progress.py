"""What the builder says while it works: a live display on a terminal, plain lines elsewhere, only failures with --quiet."""

from __future__ import annotations

import sys
import time
import traceback
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from builder.errors import ZooError

STAGES = ("weights", "load", "export", "simplify", "verify", "support", "write")
_LINE_EVERY_S = 10.0  # of a download, in a plain log


class Reporter(Protocol):
    """Told what happens to which model."""

    def stage(self, model: str, stage: str) -> None: ...
    def bytes(self, model: str, done: int, total: int | None) -> None: ...
    def finished(self, model: str, text: str) -> None: ...
    def failed(self, model: str, error: ZooError) -> None: ...
    def note(self, text: str) -> None: ...
    def ended(self, summary: str, failed: bool) -> None: ...


class Display:
    """A Reporter for people."""

    def __init__(self, quiet: bool = False) -> None:
        self._errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        self._out = Console(quiet=quiet, soft_wrap=True, highlight=False, markup=False)
        self._live = (
            Progress(
                SpinnerColumn(),
                TextColumn("{task.fields[model]:27}"),
                BarColumn(bar_width=24),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=self._out,
                transient=True,
            )
            if self._out.is_terminal and not quiet
            else None
        )
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def stage(self, model: str, stage: str) -> None:
        """A model has entered a stage."""
        if stage in (STAGES[0], STAGES[1]) or model not in self._started:
            self._started[model] = time.monotonic()  # waiting for its turn does not count
        if self._live:
            place = STAGES.index(stage) if stage in STAGES else None
            self._live.update(self._task(model), description=stage, completed=place, total=len(STAGES))
        else:
            self._out.print(f"{model}: {stage}")

    def bytes(self, model: str, done: int, total: int | None) -> None:
        """A download has come this far; a plain log gets a line now and then, not one a piece."""
        text = f"weights: {done / 1e6:.1f}" + (f" of {total / 1e6:.1f} MB" if total else " MB")
        if self._live:
            self._live.update(self._task(model), description=text, completed=done, total=total)
        elif time.monotonic() - self._told.setdefault(model, -_LINE_EVERY_S) >= _LINE_EVERY_S or done == total:
            self._told[model] = time.monotonic()
            self._out.print(f"{model}: {text}")

    def finished(self, model: str, text: str) -> None:
        """A model is ready."""
        self._leave(model)
        self._out.print(f"{model}: {text}{self._took(model)}")

    def failed(self, model: str, error: ZooError) -> None:
        """A model is not built."""
        self._leave(model)
        self._errors.print(f"error: {error}", style="red" if self._errors.is_terminal else None)
        if sys.flags.dev_mode:
            self._errors.print("".join(traceback.format_exception(error)))

    def note(self, text: str) -> None:
        """Something worth knowing that is not a failure."""
        self._out.print(text)

    def ended(self, summary: str, failed: bool) -> None:
        """All is done, or nothing more can be: the last line. It is an error's where something failed, so --quiet leaves it."""
        (self._errors if failed else self._out).print(summary)

    def _task(self, model: str) -> TaskID:
        assert self._live
        if model not in self._tasks:
            self._tasks[model] = self._live.add_task("", total=len(STAGES), model=model)
        return self._tasks[model]

    def _leave(self, model: str) -> None:
        if self._live and model in self._tasks:
            self._live.remove_task(self._tasks.pop(model))

    def _took(self, model: str) -> str:
        started = self._started.pop(model, None)
        return "" if started is None else f" ({time.monotonic() - started:.1f} s)"
