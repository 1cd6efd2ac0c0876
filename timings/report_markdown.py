"""report.md, and how a text that anybody may have written gets into Markdown without becoming any."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from timings.display import printable
from timings.report_rows import DeviceFacts, FailedRow, Report, TimedRow, WarningRow

_ACTIVE = re.compile(r"[\\`*\[\]~$]|(?<!\w)_|_(?!\w)")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "&#64;"})
# GitHub makes links of bare addresses, and these two are what it knows them by.
_ADDRESSES = re.compile(r"(?i)(?<=\bwww)\.|:(?=//)")
_AT_THE_START = re.compile(r"^(?:(\d+)([.)])(?=\s|$)|([#+=-]))")
HEADING = (
    "Model",
    "Backend",
    "Device",
    "Browser",
    "n",
    "Mean ms",
    "SD ms",
    "Median ms",
    "95 % interval",
    "Outputs",
    "Warnings",
)


def plain(text: str) -> str:
    """The text on one line, shown as it is wherever it stands: no markup, no HTML, no cell's end, no link."""
    shown = _ACTIVE.sub(r"\\\g<0>", printable(text).translate(_ENTITIES))
    shown = _ADDRESSES.sub(lambda found: f"&#{ord(found.group())};", shown)
    return _AT_THE_START.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", shown)


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines; the cells are Markdown already."""
    return [_line(heading), _line(["---"] * len(heading)), *(_line(row) for row in rows)]


def timed_table(rows: Iterable[TimedRow]) -> list[str]:
    """The lines of the table of timings."""
    return table(HEADING, (_timed(row) for row in rows))


def failed_lines(rows: Iterable[FailedRow]) -> list[str]:
    """A line per run that failed, with its message."""
    return [
        f"- **{plain(row.case.label)}** on {plain(row.case.device)} ({plain(row.browser)}), at {row.stage}: {plain(row.message)}"
        for row in rows
    ]


def markdown(report: Report) -> str:
    """The whole report."""
    parts: list[list[str]] = [[f"# {plain(report.title)}"], [plain(report.headline)]]
    if report.notes:
        parts.append([f"- {plain(note)}" for note in report.notes])
    if report.timed:
        parts += [["## Timings"], ["Milliseconds per inference."], timed_table(report.timed)]
    if report.failed:
        parts += [["## Failed runs"], failed_lines(report.failed)]
    if report.warnings:
        parts += [["## Warnings"], [_warning(row) for row in report.warnings]]
    if report.devices:
        parts.append(["## Devices"])
        for device in report.devices:
            parts += [[f"### {plain(device.name)}"], _facts(device)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _timed(row: TimedRow) -> list[str]:
    case = row.case
    model = case.model if case.variant == "fp32" else f"{case.model} {case.variant}"
    backend = f"{case.backend} ({row.ran_on})" if row.ran_on else case.backend
    texts = [f"{model}, {row.weights} weights", backend, case.device, row.browser, row.n, row.mean_ms, row.sd_ms]
    return [plain(text) for text in (*texts, row.median_ms, row.interval_ms, row.proof, " ".join(row.warnings))]


def _warning(row: WarningRow) -> str:
    return f"- `{row.code}`: {plain(row.message)} ({plain('; '.join(row.where))})"


def _facts(device: DeviceFacts) -> list[str]:
    return [f"- {term}: {plain(value)}" for term, value in device.facts]
