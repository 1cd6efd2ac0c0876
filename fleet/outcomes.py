"""What came of a fleet, beyond the runs that arrived: those that never came, and what of it all fails a build.

Imports nothing that needs numpy: it is loaded while devices measure, when this process has to stay small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timings.baseline import Verdict
    from timings.records import Run


@dataclass(frozen=True)
class MissingRun:
    """A planned run that never came. backend: as it was asked for, such as "wasm". model and backend may be "": the device as a whole."""

    device: str
    model: str
    backend: str
    reason: str


def reasons_to_fail(
    runs: Sequence[Run], missing: Sequence[MissingRun], verdicts: Sequence[Verdict] = ()
) -> tuple[str, ...]:
    """Why the build fails, a line for each kind of reason; none if it passes. No run at all is a reason: silence is no success."""
    failed = sum(run.error is not None for run in runs)
    reasons = [
        *([f"{_runs(failed)} failed"] if failed else []),
        *([f"{_runs(len(missing))} never came"] if missing else []),
    ]
    # Those that failed are counted already.
    counts = Counter(verdict.word for verdict in verdicts if verdict.fails and verdict.word != "failed")
    reasons += [f"{count} {word} than the baseline" for word, count in counts.items() if word == "slower"]
    reasons += [f"{count} of the baseline missing" for word, count in counts.items() if word == "missing"]
    if not runs and not missing:
        reasons.append("no run came")
    return tuple(reasons)


def _runs(n: int) -> str:
    return f"{n} run" if n == 1 else f"{n} runs"
