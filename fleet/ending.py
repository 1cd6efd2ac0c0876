"""What a session ends with: the table, the CSV, the report, for an automatic build also JUnit XML and a summary, and the exit status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from builder.errors import ZooError
from builder.files import write_bytes
from fleet.config import RunFleet
from fleet.outcomes import MissingRun, reasons_to_fail
from fleet.schedule import Result
from timings.records import Run

if TYPE_CHECKING:
    from timings.baseline import Verdict
    from timings.baseline_file import Baseline

_TITLE = "Browser Zoo: a fleet's timings"


@dataclass(frozen=True)
class Ending:
    """What became of a session. runs: all that the server has of it, also of parts before a --resume. folder: None for no files."""

    results: Sequence[Result]
    runs: Sequence[Run]
    folder: Path | None
    request: RunFleet
    verdicts: Sequence[Verdict] = ()

    @property
    def missing(self) -> tuple[MissingRun, ...]:
        """The runs that never came."""
        return tuple(run for result in self.results for run in result.missing)

    @property
    def failure(self) -> ZooError | None:
        """Why this is no success; None if it is one."""
        unsent = sum(result.unsent for result in self.results)
        reasons = [
            *reasons_to_fail(self.runs, self.missing, self.verdicts),
            *([f"{unsent} not sent"] if unsent else []),
        ]
        if not reasons:
            return None
        more = (
            f"--resume {self.folder} goes on with what never came"
            if self.folder
            else "what never came must be run again"
        )
        return ZooError(
            "not every run came to a timing that the server has, and that passes",
            got="; ".join(reasons),
            expected="at least one timed, none failed, none lost, none slower than the baseline allows",
            next_step=f"the error column of timings.csv says why a run failed; {more}",
        )


def verdicts_on(
    baseline: Baseline | None, results: Sequence[Result], runs: Sequence[Run], limit: float
) -> Sequence[Verdict]:
    """How the runs compare with those of before, on the devices that were driven."""
    if baseline is None:
        return ()
    from timings.baseline import against

    return against(baseline.of_devices(result.device for result in results), runs, limit)


def in_words(result: Result) -> str:
    """One device's counts."""
    lost = f", {len(result.missing)} lost" if result.missing else ""
    return f"{result.timed} timed, {result.failed} failed, {result.unsent} not sent{lost}"


def conclude(ending: Ending) -> Iterator[str | Table]:
    """Write the files, and give what the terminal shows, in its order. Raises ZooError if a file cannot be written."""
    # Loaded now: while devices measured, this process had to stay small and quiet.
    from timings.cells import measured
    from timings.table import timings_table

    if ending.folder and ending.runs:
        yield timings_table([measured(run) for run in ending.runs])
    if ending.folder:
        yield from (str(path) for path in _files(ending, ending.folder))
    yield from _comparison(ending.verdicts)
    yield from _lost(ending)
    for result in ending.results:
        yield f"{result.device}: {in_words(result)}"


def _lost(ending: Ending) -> list[str]:
    return [f"{one.device}: {one.model} on {one.backend} never came: {one.reason}" for one in ending.missing]


def _comparison(verdicts: Sequence[Verdict]) -> list[str]:
    if not verdicts:
        return []
    from timings.baseline import in_words as verdict_in_words

    return [f"{verdict.case.label}: {verdict_in_words(verdict)}" for verdict in verdicts]


def _files(ending: Ending, folder: Path) -> Iterator[Path]:
    from timings.export import write_runs_csv
    from timings.report import write_report

    write_runs_csv(ending.runs, folder / "timings.csv")
    yield folder / "timings.csv"
    yield from write_report(ending.runs, folder, title=_TITLE, notes=_lost(ending))
    if ending.request.ci:
        yield from _files_for_builds(ending, folder)


def _files_for_builds(ending: Ending, folder: Path) -> Iterator[Path]:
    from fleet.junit import junit_xml
    from fleet.summary import summary_markdown

    what = (ending.runs, ending.missing, ending.verdicts)
    for name, text in (("junit.xml", junit_xml(*what)), ("summary.md", summary_markdown(*what, title=_TITLE))):
        write_bytes(folder / name, text.encode("utf-8", "replace"))
        yield folder / name
