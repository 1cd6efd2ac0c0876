"""What a run's row says that is not a field of the run: sums, medians and verdicts, each as one cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from builder.records import Verification
from timings.records import EndToEnd, Run
from timings.statistics import Summary, summarise

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Measured:
    """A run and the summary of its samples."""

    run: Run
    summary: Summary


def measured(run: Run) -> Measured:
    """The run with its samples summarised."""
    return Measured(run, summarise([sample.duration_ms for sample in run.samples]))


def started_at(row: Measured) -> str:
    """ISO 8601 in UTC to the millisecond: sorts as text, in every database."""
    return row.run.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _checks(row: Measured) -> list[Verification]:
    return [check for check in (row.run.verification, row.run.final_check) if check is not None]


def verified(row: Measured) -> str | None:
    checks = _checks(row)
    return ("passed" if all(check.passed for check in checks) else "failed") if checks else None


def tolerance_used(row: Measured) -> float | None:
    used = [output.tolerance_used for check in _checks(row) for output in check.outputs]
    known = [share for share in used if share is not None]
    return max(known) if known and len(known) == len(used) else None


def _nodes_by_backend(run: Run) -> dict[str, int] | None:
    """How many nodes each backend ran, the one asked for first. WebAssembly sessions have no other to fall back to.

    None where that is not known, or where nothing ran.
    """
    if run.first_ms is None:
        return None
    if run.placement is None:
        return {"wasm": 0} if run.backend == "wasm" else None
    counts: dict[str, int] = {backend: sum(nodes.values()) for backend, nodes in run.placement.items()}
    return dict(sorted(counts.items(), key=lambda item: (item[0] != run.backend, item[0])))


def nodes_fallen_back(row: Measured) -> int | None:
    """How many nodes ran elsewhere than on the backend asked for."""
    nodes = _nodes_by_backend(row.run)
    return None if nodes is None else sum(n for backend, n in nodes.items() if backend != row.run.backend)


def backend_ran(row: Measured) -> str | None:
    """What ran, not what was asked for: "webgpu", "webgpu+wasm", or "wasm" where no node ran on the GPU."""
    nodes = _nodes_by_backend(row.run)
    ran = [backend for backend, n in (nodes or {}).items() if n > 0 or backend == row.run.backend == "wasm"]
    return "+".join(ran) or None


def median_of_ways(take: Callable[[EndToEnd], float]) -> Callable[[Measured], Cell]:
    """The median over the ways from a photograph to what is in it."""
    return lambda row: summarise([take(way) for way in row.run.end_to_end]).median_ms


def whole_way(way: EndToEnd) -> float:
    return way.preprocess_ms + way.inference_ms + way.postprocess_ms
