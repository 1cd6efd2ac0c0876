"""The report that a fleet ends with: report.html, which needs nothing but itself, and report.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from builder.files import write_bytes
from timings.display import significant
from timings.records import Run
from timings.report_markdown import markdown
from timings.report_rows import Report, report_of
from timings.report_strips import HEIGHT, WIDTH

_TEMPLATE = Path(__file__).with_name("report_template.html")


def write_report(runs: Sequence[Run], folder: Path, *, title: str, notes: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write report.html and report.md on these runs into `folder`, each in one step. Returns their paths.

    notes: what a reader must know besides, a line each. Raises ZooError if the folder cannot be written. The same runs give the same bytes.
    """
    report = report_of(runs, title=title, notes=notes)
    texts = {"report.html": html(report), "report.md": markdown(report)}
    for name, text in texts.items():
        write_bytes(folder / name, text.encode("utf-8", "replace"))
    return tuple(folder / name for name in texts)


def html(report: Report) -> str:
    """The page: no script, nothing from elsewhere, and every text escaped."""
    # autoescape is what keeps a device's name a name.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    axis = report.axis
    low, high = ("", "") if axis is None else (significant(axis.low_ms), significant(axis.high_ms))
    return environment.get_template(_TEMPLATE.name).render(
        report=report, low=low, high=high, width=WIDTH, height=HEIGHT
    )
