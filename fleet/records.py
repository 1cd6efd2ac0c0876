"""The nouns of the fleet: what a browser is asked to measure, what its page shows meanwhile, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

State = Literal["loading", "ready", "invalid", "running", "done"]


@dataclass(frozen=True)
class Job:
    """What one browser is asked to measure. No models or no backends named means what the page itself would choose.

    server: the address of the server, without a path. time_budget_s: the longest that one run's timed inferences may take.
    timeout_s: how long one inference may take, None as long as the page itself would wait.
    warmup: how many inferences are thrown away first, None as many as the page itself would. placement: the runtime tells where it
    places nodes, which costs time: such runs are for proof.
    """

    server: str
    device_name: str
    models: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    iterations: int = 30
    time_budget_s: float = 120
    timeout_s: float | None = None
    warmup: int | None = None
    placement: bool = False

    def url(self) -> str:
        """The page's address, with which it starts by itself."""
        lists = {"models": ",".join(self.models), "backends": ",".join(self.backends)}
        query = {
            "autorun": "1",
            **{name: text for name, text in lists.items() if text},
            "iterations": str(self.iterations),
            "time_budget": f"{self.time_budget_s:g}",
            **({} if self.timeout_s is None else {"timeout": f"{self.timeout_s:g}"}),
            **({} if self.warmup is None else {"warmup": str(self.warmup)}),
            **({"placement": "1"} if self.placement else {}),
            "device": self.device_name,
        }
        return f"{self.server}/?{urlencode(query)}"


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


@dataclass(frozen=True)
class Snapshot:
    """The page at one moment. problem is what it says is wrong, or nothing; failed and unsent count runs, once it is done."""

    state: State
    progress: str
    problem: str
    rows: tuple[Row, ...]
    failed: int
    unsent: int

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
