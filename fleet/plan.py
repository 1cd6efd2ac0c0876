"""What runs where, in which visits of the page, and how long that should take. Small models first: a fault then shows early."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from builder.errors import ZooError
from builder.records import Manifest, ModelEntry
from fleet.records import Job
from timings.records import Run

# The page's own limits for what is light (web/plan.js), and its estimate (web/estimate.js).
_LIGHT_MACS, _LIGHT_BYTES = 10e9, 60e6
_RATES = {"wasm": 8e9, "webgpu": 150e9, "webgl": 30e9, "webnn": 60e9}
_THREADS, _THREADS_POWER = 4, 0.8
_LEAST_S, _START_S, _SESSION_RATE, _WARM_UP, _WARM_UP_SHARE = 0.002, 1.5, 60e6, 13, 0.2
# Opening the page, and looking how busy the device is, before and after.
_VISIT_S = 4.0
_STANDARD = {"iterations": 30, "min_time_s": 1.0, "time_budget_s": 120.0}

Key = tuple[str, str]


@dataclass(frozen=True)
class Visit:
    """One opening of the page: every model on every backend, `repeat` times."""

    models: tuple[str, ...]
    backends: tuple[str, ...]
    repeat: int
    foreseen_s: float

    @property
    def runs(self) -> int:
        """How many runs it brings."""
        return len(self.models) * len(self.backends) * self.repeat


@dataclass(frozen=True)
class DevicePlan:
    """One device's part, and how many of its runs were over before."""

    device: str
    kind: str
    host: str
    visits: tuple[Visit, ...]
    over: int = 0

    @property
    def runs(self) -> int:
        """How many runs are to be made."""
        return sum(visit.runs for visit in self.visits)

    @property
    def foreseen_s(self) -> float:
        """How long they should take."""
        return sum(visit.foreseen_s for visit in self.visits)


def foreseen_s(plans: Iterable[DevicePlan]) -> float:
    """How long all should take: hosts at the same time, the devices of one host one after another."""
    hosts: Counter[str] = Counter()
    for plan in plans:
        hosts[plan.host] += plan.foreseen_s  # type: ignore[assignment]
    return max(hosts.values(), default=0.0)


def plan_json(plans: Sequence[DevicePlan]) -> str:
    """plan.json: what will run where, and how long it should take, in seconds."""
    devices = [{**asdict(plan), "runs": plan.runs, "foreseen_s": plan.foreseen_s} for plan in plans]
    return json.dumps({"devices": devices, "foreseen_s": foreseen_s(plans)}, indent=1, ensure_ascii=False) + "\n"


def chosen_models(asked: Sequence[str], manifest: Manifest) -> tuple[ModelEntry, ...]:
    """The models that were asked for, the smallest first: "all", names, or, if none is named, those that the page thinks light.

    Raises ZooError for one that the server does not have.
    """
    by_id = {model.id: model for model in manifest.models}
    unknown = [name for name in asked if name not in by_id and name != "all"]
    if unknown:
        raise ZooError(
            "the server has no such model",
            got=", ".join(unknown),
            expected=f"one of {', '.join(by_id)}, or all",
            next_step="correct the models, or build what is missing: python -m builder build NAME",
        )
    wanted = [by_id[name] for name in asked if name != "all"]
    if "all" in asked:
        wanted = list(by_id.values())
    elif not asked:
        wanted = [model for model in by_id.values() if _is_light(model)] or list(by_id.values())
    return tuple(sorted(wanted, key=lambda model: (_macs(model), _bytes(model), model.id)))


def visits(models: Sequence[ModelEntry], job: Job, finished: Mapping[Key, int], *, together: bool) -> tuple[Visit, ...]:
    """The visits that bring what `job` asks for and is not finished yet: a visit for each model, or as few as possible if `together`.

    A visit for each model loses least where a browser dies; a model's own backends and repetitions take turns in it.
    """
    rest = {model.id: _rest(model.id, job, finished) for model in models}
    if not together:
        return tuple(_visit([model], times, job) for model in models for times in _shapes(rest[model.id]))
    shapes = list(dict.fromkeys(shape for model in models for shape in _shapes(rest[model.id])))
    return tuple(
        _visit([model for model in models if shape in _shapes(rest[model.id])], shape, job) for shape in shapes
    )


def finished_runs(runs: Iterable[Run], job: Job) -> Counter[Key]:
    """How often each of the job's runs is at the server already, well or not.

    "wasm" means as many threads as the device has, so it is what no wasm-N of the job claims.
    """
    found: Counter[Key] = Counter()
    for run in runs:
        exact = f"wasm-{run.threads_requested}" if run.backend == "wasm" else run.backend
        if run.backend == "webnn":
            exact = f"webnn-{run.device_type}"
        claimed = exact in job.backends and found[run.model, exact] < (job.repeat or 1)
        found[run.model, exact if claimed or run.backend != "wasm" else "wasm"] += 1
    return found


def _rest(model: str, job: Job, finished: Mapping[Key, int]) -> dict[str, int]:
    times = job.repeat or 1
    left = {backend: times - finished.get((model, backend), 0) for backend in job.backends}
    return {backend: count for backend, count in left.items() if count > 0}


_Shape = tuple[tuple[str, ...], int]


def _shapes(rest: Mapping[str, int]) -> list[_Shape]:
    """Backends that want equally many runs go together."""
    counts = sorted(set(rest.values()), reverse=True)
    return [(tuple(backend for backend, left in rest.items() if left == count), count) for count in counts]


def _visit(models: Sequence[ModelEntry], shape: _Shape, job: Job) -> Visit:
    backends, times = shape
    seconds = sum(_seconds(model, backend, job) for model in models for backend in backends) * times
    return Visit(tuple(model.id for model in models), backends, times, _VISIT_S + seconds)


def _seconds(model: ModelEntry, backend: str, job: Job) -> float:
    iterations = job.iterations or int(_STANDARD["iterations"])
    least = _STANDARD["min_time_s"] if job.min_time_s is None else job.min_time_s
    budget = job.time_budget_s or _STANDARD["time_budget_s"]
    inference = max(_LEAST_S, _macs(model) / _rate(backend))
    warm_up = min((_WARM_UP if job.warmup is None else job.warmup) * inference, _WARM_UP_SHARE * budget)
    return _START_S + _bytes(model) / _SESSION_RATE + min(budget, warm_up + max(iterations * inference, least))


def _rate(backend: str) -> float:
    name, _, threads = backend.partition("-")
    if name != "wasm":
        return _RATES[name]
    return _RATES["wasm"] * float(int(threads or _THREADS) ** _THREADS_POWER)


def _is_light(model: ModelEntry) -> bool:
    return _macs(model) <= _LIGHT_MACS and _bytes(model) <= _LIGHT_BYTES


def _macs(model: ModelEntry) -> int:
    return max(variant.macs for variant in model.variants)


def _bytes(model: ModelEntry) -> int:
    return max(variant.bytes for variant in model.variants)
