"""How numbers and names look where people read them: in the printed table and in the chart."""

from __future__ import annotations

import math

from timings.records import Run


def significant(value: float) -> str:
    """A duration with four significant digits, at most three decimals, and never in exponents: 9812, 207.3, 22.31, 0.451."""
    if value <= 0:
        return "0"
    decimals = min(3, max(0, 3 - math.floor(math.log10(value))))
    return f"{value:.{decimals}f}"


def printable(text: str) -> str:
    """The text on one line. A device's name comes from anybody, and control characters could rewrite a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def backend_label(run: Run) -> str:
    """The backend and its threads, in words; a GPU's threads say nothing."""
    if run.backend == "webnn":
        return f"webnn, {run.device_type}" if run.device_type else "webnn"
    if run.backend != "wasm":
        return run.backend
    return "wasm, 1 thread" if run.threads == 1 else f"wasm, {run.threads} threads"


def device_label(run: Run) -> str:
    """The device and its browser, in words."""
    device = run.device
    cores = f", {device.cores} cores" if device.cores is not None else ""
    return printable(f"{device.device_name}: {device.browser} {device.browser_version} on {device.platform}{cores}")


def cut_short(run: Run) -> str | None:
    """How far it came of what was asked for, where the time budget or a person ended the run."""
    if run.stopped_by not in ("time_budget", "user"):
        return None
    n = len(run.samples)
    by = " until it was stopped" if run.stopped_by == "user" else ""
    if n < run.iterations_requested:
        return f"{n} of {run.iterations_requested}{by}"
    wanted = [
        *([f"{run.min_time_s:g} s"] if run.min_time_s else []),
        *([f"{run.precision:.2%}"] if run.precision else []),
    ]
    return f"{n}{', short of ' + ' and '.join(wanted) if wanted else ''}{by}"


def notes(run: Run) -> str:
    """What a reader of the row must know: why there is no timing, or what is doubtful about it."""
    if run.error is not None:
        return printable(f"failed at {run.error.stage}: {run.error.message}")
    cut = cut_short(run)
    return printable("; ".join([*([f"cut short: {cut}"] if cut else []), *(w.message for w in run.warnings)]))
