"""What `python -m timings compare` prints."""

from __future__ import annotations

from timings.cells import measured
from timings.comparison import LEVEL, Comparison
from timings.display import backend_label, device_label, printable, significant
from timings.records import Run


def report(first: Run, second: Run, comparison: Comparison) -> list[str]:
    """The two runs, their ratio with its interval, the verdict, and what weakens it: a line each."""
    interval = comparison.interval
    manner = "rounds that took turns" if comparison.paired else "rounds each, which did not take turns"
    return [
        f"first:  {_line(first)}",
        f"second: {_line(second)}",
        f"second / first: {interval.ratio:.4f} ({100 * LEVEL:g} % interval {interval.low:.4f} to {interval.high:.4f}), {comparison.rounds} {manner}",
        _verdict(comparison),
        *(printable(note) for note in comparison.notes),
    ]


def _line(run: Run) -> str:
    summary = measured(run).summary
    low, high = _shown(summary.median_low_ms), _shown(summary.median_high_ms)
    median = f"{_shown(summary.median_ms)} ms ({low} to {high})"
    what = printable(f"{run.model} {run.variant}, {backend_label(run)}")
    return f"{what}: median {median} of {summary.n} samples; {device_label(run)}"


def _shown(value_ms: float | None) -> str:
    return "?" if value_ms is None else significant(value_ms)


def _verdict(comparison: Comparison) -> str:
    ratio, beyond = comparison.interval.ratio, f"{100 * comparison.beyond:.2g} %"
    if comparison.busy:
        return (
            "No difference is declared: other programs used the processor meanwhile. Close them, and time both again."
        )
    if not comparison.declared:
        return f"No difference is declared: the interval does not lie wholly beyond {beyond}."
    change = f"{100 * (ratio - 1):.1f} % longer" if ratio > 1 else f"{100 * (1 - ratio):.1f} % less time"
    return f"They differ: the second took {change}, and the whole interval lies beyond {beyond}."
