"""What a report says of some runs, as plain texts: report.html and report.md show the same. Nothing here is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from timings.baseline import case_of
from timings.baseline_file import Case
from timings.cells import Measured, backend_ran, measured, tolerance_used
from timings.display import cut_short, printable, significant
from timings.records import Device, Run
from timings.report_strips import Axis, Strip, axis_of, strip_of


@dataclass(frozen=True)
class TimedRow:
    """A run with its figures. n says so where fewer were taken than asked for; interval is the median's, of 95 %."""

    case: Case
    browser: str
    weights: str
    ran_on: str
    n: str
    mean_ms: str
    sd_ms: str
    median_ms: str
    interval_ms: str
    proof: str
    warnings: tuple[str, ...]
    strip: Strip


@dataclass(frozen=True)
class FailedRow:
    """A run that came to no timing, and why."""

    case: Case
    browser: str
    stage: str
    message: str


@dataclass(frozen=True)
class WarningRow:
    """A doubt, and the runs that share it."""

    code: str
    message: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class DeviceFacts:
    """A device's name, and what is known of it: terms and values."""

    name: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Report:
    """All that a report says. headline: how many runs of what, when; axis: None if nothing was timed."""

    title: str
    headline: str
    notes: tuple[str, ...]
    timed: tuple[TimedRow, ...]
    failed: tuple[FailedRow, ...]
    warnings: tuple[WarningRow, ...]
    devices: tuple[DeviceFacts, ...]
    axis: Axis | None


def report_of(runs: Sequence[Run], *, title: str, notes: Sequence[str]) -> Report:
    """The report on these runs, ordered by model, backend and device, so that devices stand beside each other."""
    ordered = sorted(runs, key=_order)
    timed = [measured(run) for run in ordered if run.error is None]
    axis = axis_of([sample.duration_ms for row in timed for sample in row.run.samples])
    return Report(
        title=printable(title),
        headline=_headline(ordered),
        notes=tuple(printable(note) for note in notes),
        timed=tuple(_timed(row, axis) for row in timed) if axis else (),
        failed=tuple(_failed(run) for run in ordered if run.error is not None),
        warnings=tuple(_warnings(ordered)),
        devices=tuple(facts_of(device) for device in _devices(ordered)),
        axis=axis,
    )


def proof(row: Measured) -> str:
    """That the outputs were verified, and how near they came to the limit."""
    used = tolerance_used(row)
    share = "share of the tolerance not known" if used is None else f"{100 * used:.2g} % of the tolerance used"
    return f"verified, {share}"


def _order(run: Run) -> tuple[Case, ...] | tuple[object, ...]:
    case = case_of(run)
    return case.model, case.variant, case.backend, case.device, run.started_at, run.run_id


def _headline(runs: Sequence[Run]) -> str:
    if not runs:
        return "No run arrived, so there is nothing to show."
    failed = sum(run.error is not None for run in runs)
    moments = sorted(run.started_at for run in runs)
    first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in (moments[0], moments[-1]))
    runtimes = sorted({f"{run.runtime} {run.runtime_version}" for run in runs})
    pages = sorted({run.page_version for run in runs})
    when = f"{first} UTC" if first == last else f"{first} to {last} UTC"
    devices = len({run.device.device_name for run in runs})
    counts = (
        f"{_counted(len(runs), 'run')} on {_counted(devices, 'device')}: {len(runs) - failed} timed, {failed} failed."
    )
    return printable(f"{counts} {when}; {', '.join(runtimes)}; page {', '.join(pages)}.")


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _shown_case(run: Run) -> Case:
    case = case_of(run)
    return Case(printable(case.device), case.model, case.variant, case.backend)


def _browser(device: Device) -> str:
    emulated = f", emulating {device.emulated}" if device.emulated else ""
    return printable(f"{device.browser} {device.browser_version}{emulated}")


def _timed(row: Measured, axis: Axis) -> TimedRow:
    run, summary = row.run, row.summary
    low, high = summary.median_low_ms, summary.median_high_ms
    ran = backend_ran(row)
    elsewhere = [] if ran in (None, run.backend) else [f"ran on {ran}"]
    fewer = (
        []
        if run.backend != "wasm" or run.threads == run.threads_requested
        else [f"{_counted(run.threads, 'thread')} ran"]
    )
    return TimedRow(
        case=_shown_case(run),
        browser=_browser(run.device),
        weights=run.weights,
        ran_on=", ".join([*elsewhere, *(fewer if run.threads_requested else [])]),
        n=cut_short(run) or str(summary.n),
        mean_ms=_ms(summary.mean_ms),
        sd_ms=_ms(summary.sd_ms),
        median_ms=_ms(summary.median_ms),
        interval_ms="" if low is None or high is None else f"{significant(low)} to {significant(high)}",
        proof=proof(row),
        warnings=tuple(warning.code for warning in run.warnings),
        strip=strip_of(row, axis),
    )


def _ms(value: float | None) -> str:
    return "" if value is None else significant(value)


def _failed(run: Run) -> FailedRow:
    assert run.error is not None
    return FailedRow(_shown_case(run), _browser(run.device), run.error.stage, printable(run.error.message))


def _warnings(runs: Iterable[Run]) -> Iterable[WarningRow]:
    where: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        case = _shown_case(run)
        for warning in run.warnings:
            places = where.setdefault((warning.code, printable(warning.message)), [])
            places.append(f"{case.label} on {case.device}")
    for (code, message), places in sorted(where.items()):
        yield WarningRow(code, message, tuple(dict.fromkeys(places)))


def _devices(runs: Iterable[Run]) -> list[Device]:
    """Each device and browser once, as its newest run describes it."""
    newest: dict[tuple[object, ...], Device] = {}
    for run in sorted(runs, key=lambda run: run.started_at):
        device = run.device
        newest[(device.device_name, device.device_id, device.browser, device.browser_version, device.emulated)] = device
    return [newest[key] for key in sorted(newest, key=str)]


def facts_of(device: Device) -> DeviceFacts:
    """What is known of a device, on one line each; what it did not tell is left out, or said not to be told."""
    threads = "with threads" if device.wasm_threads else "without threads"
    gpu = " ".join(filter(None, (device.gpu_vendor, device.gpu_architecture, device.gpu_description)))
    texts = (
        ("Emulated", device.emulated and f"yes: {device.emulated}"),
        ("Browser", f"{device.browser} {device.browser_version}"),
        ("Engine", " ".join(filter(None, (device.engine, device.engine_version)))),
        ("Platform", " ".join(filter(None, (device.platform, device.platform_version, device.architecture)))),
        ("Model", device.device_model),
        ("Cores", "" if device.cores is None else str(device.cores)),
        ("Memory", "" if device.memory_gb is None else f"{device.memory_gb:g} GB, as the browser tells"),
        ("GPU", gpu and (f"{gpu}, in software" if device.gpu_software else gpu)),
        ("Cross-origin isolated", "yes" if device.cross_origin_isolated else "no: one thread, and a coarser clock"),
        ("WebAssembly", f"{'SIMD' if device.wasm_simd else 'no SIMD'}, {threads}"),
        ("Step of the clock", f"{device.timer_step_ms:.3g} ms"),
    )
    return DeviceFacts(
        printable(device.device_name),
        tuple((term, printable(text or "not told")) for term, text in texts if text is not None),
    )
