"""A fleet's outcome as Markdown, short enough for the page that GitHub shows of a job ($GITHUB_STEP_SUMMARY takes 1 MiB)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from fleet.outcomes import MissingRun, reasons_to_fail
from timings.baseline import VERDICTS, Verdict, in_words
from timings.records import Run
from timings.report_markdown import failed_lines, plain, table, timed_table
from timings.report_rows import FailedRow, TimedRow, report_of

_MOST: Final = 200
# A run's message may have 4,000 characters, and a summary is read at a glance.
_MOST_CHARACTERS: Final = 600
_GRAVEST_FIRST: Final = ("missing", "slower", "failed", *VERDICTS)


def summary_markdown(
    runs: Sequence[Run],
    missing: Sequence[MissingRun] = (),
    verdicts: Sequence[Verdict] = (),
    *,
    title: str = "Fleet",
    notes: Sequence[str] = (),
) -> str:
    """The summary: whether the build fails and why, what the baseline says, what failed or never came, and the timings."""
    report = report_of(runs, title=title, notes=notes)
    reasons = reasons_to_fail(runs, missing, verdicts)
    outcome = f"**Failed**: {plain('; '.join(reasons))}." if reasons else "**Passed.**"
    sections = (
        [f"## {plain(report.title)}"],
        [outcome],
        [plain(report.headline)],
        [f"- {plain(note)}" for note in report.notes],
        _section("Against the baseline", _verdicts(verdicts)),
        _section("Runs that never came", _some(map(_absent, missing), len(missing))),
        _section("Failed runs", _some(failed_lines(_shortened(report.failed)), len(report.failed))),
        _section("Timings, in ms per inference", _timings(report.timed)),
    )
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"### {title}", "", *lines] if lines else []


def _verdicts(verdicts: Sequence[Verdict]) -> list[str]:
    if not verdicts:
        return []
    ordered = sorted(verdicts, key=lambda v: (not v.fails, _GRAVEST_FIRST.index(v.word), v.case))
    heading = ("Device", "What", "Verdict", "Then and now")
    rows = ((plain(v.case.device), plain(v.case.label), _word(v), plain(_short(in_words(v)))) for v in ordered[:_MOST])
    return [*table(heading, rows), *_more(len(ordered))]


def _word(verdict: Verdict) -> str:
    return f"**{verdict.word}**" if verdict.fails else verdict.word


def _absent(absent: MissingRun) -> str:
    what = plain(f"{absent.model} {absent.backend}".strip() or "everything")
    return f"- **{what}** on {plain(absent.device)}: {plain(_short(absent.reason))}"


def _timings(rows: Sequence[TimedRow]) -> list[str]:
    return [*timed_table(rows[:_MOST]), *_more(len(rows))] if rows else []


def _shortened(rows: Iterable[FailedRow]) -> Iterator[FailedRow]:
    return (replace(row, message=_short(row.message)) for row in rows)


def _some(lines: Iterable[str], total: int) -> list[str]:
    return [*islice(lines, _MOST), *_more(total)]


def _more(total: int) -> list[str]:
    return ["", f"And {total - _MOST} more, which the report has."] if total > _MOST else []


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
