"""What one page is asked to measure, what it shows meanwhile, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlencode

State = Literal["loading", "ready", "invalid", "running", "done"]
Preset = Literal["quick", "standard", "thorough"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
Order = Literal["interleaved", "sequential"]
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True)
class Job:
    """What one browser is asked to measure. None, and no models or no backends named, means what the page itself would choose.

    server: the address of the server, without a path. preset: numbers that go together; those named here win over it.
    iterations, min_time_s, precision: how many inferences to time at least, over how long, and until the 95 % interval of the median is
    narrower than so many per cent of it. time_budget_s: the longest that one run's inferences may take.
    warmup: how many inferences are thrown away first. end_to_end: how often a photograph is taken from its pixels to what is in it.
    repeat: how many runs each model gets on each backend. order, seed: how the runs take turns.
    timeout_s: the longest silence within a run. placement: the runtime tells where it places nodes from the first session on, which
    costs time: such runs are for proof.
    fleet_id: stands in every run, so that one session's runs can be told from all others. emulated: what the browser pretends to be,
    for every row. device_id: the same for every page of one device, whose profile may be fresh each time. report: the page tells the
    server how far it is, for who cannot look into it. extra: more of the page's parameters, as the tests' fake runtime needs them.
    """

    server: str
    device_name: str
    models: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    preset: Preset | None = None
    iterations: int | None = None
    min_time_s: float | None = None
    precision: float | None = None
    time_budget_s: float | None = None
    warmup: int | None = None
    end_to_end: int | None = None
    repeat: int | None = None
    order: Order | None = None
    seed: int | None = None
    timeout_s: float | None = None
    placement: bool = False
    fleet_id: str | None = None
    emulated: str | None = None
    device_id: str | None = None
    report: bool = False
    extra: tuple[tuple[str, str], ...] = ()

    def url(self) -> str:
        """The page's address, with which it starts by itself."""
        choices: dict[str, str | float | None] = {
            "models": ",".join(self.models) or None,
            "backends": ",".join(self.backends) or None,
            "preset": self.preset,
            "iterations": self.iterations,
            "min_time": self.min_time_s,
            "precision": self.precision,
            "time_budget": self.time_budget_s,
            "warmup": self.warmup,
            "end_to_end": self.end_to_end,
            "repeat": self.repeat,
            "order": self.order,
            "seed": self.seed,
            "timeout": self.timeout_s,
            "placement": 1 if self.placement else None,
            "fleet": self.fleet_id,
            "emulated": self.emulated,
            "device_id": self.device_id,
            "report": 1 if self.report else None,
            **dict(self.extra),
        }
        query = {name: _text(value) for name, value in choices.items() if value is not None}
        return f"{self.server}/?{urlencode({'autorun': '1', **query, 'device': self.device_name})}"


def _text(value: str | float) -> str:
    """As the page reads it: without exponents, which it does not take."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Row:
    """One run, as the page's table shows it; median_ms and notes are the texts of those cells, notes says why a run failed."""

    run_id: str
    model: str
    backend: str
    threads: str
    outcome: Literal["running", "ok", "failed"]
    median_ms: str
    notes: str
    warnings: int = 0


@dataclass(frozen=True)
class Position:
    """Where a page is in the run that it is at: sample k of n, the last one's milliseconds, and the seconds left of all its runs.

    What the page does not know yet is None.
    """

    model: str | None = None
    backend: str | None = None
    sample: int | None = None
    samples: int | None = None
    last_ms: float | None = None
    remaining_s: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """The page at one moment. problem is what it says is wrong, or nothing; failed and unsent count runs, once it is done."""

    state: State
    progress: str
    problem: str
    rows: tuple[Row, ...]
    failed: int
    unsent: int
    at: Position = Position()

    def finished(self) -> tuple[Row, ...]:
        """The runs that are over, well or not."""
        return tuple(row for row in self.rows if row.outcome != "running")


@dataclass(frozen=True)
class Outcome:
    """What came of a job: how many runs gave a timing, how many failed, how many the server has not got."""

    timed: int
    failed: int
    unsent: int

    @property
    def succeeded(self) -> bool:
        """Whether every run gave a timing and the server has them all."""
        return self.timed > 0 and self.failed == 0 and self.unsent == 0
