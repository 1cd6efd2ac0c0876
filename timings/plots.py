"""The chart: every sample of the newest run of each model and backend, device by device, on one logarithmic axis.

matplotlib is imported here only, and only when a chart is drawn: it takes half a second.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import ZooError
from builder.files import write_bytes
from timings.cells import Measured
from timings.display import backend_label, cut_short, device_label, notes, printable, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FILES = ("timings.png", "timings.svg")
_MOST_ROWS = 200
_MANY_DECADES = 1e3  # from here on there is room for the powers of ten only
_FLOOR_MS = 1e-3  # a logarithmic axis has no place for a duration of 0
# Okabe and Ito's colours, which stay apart for people who see fewer (jfly.uni-koeln.de/color).
_COLOURS = {"wasm": "#0072B2", "webgpu": "#D55E00", "webgl": "#009E73", "webnn": "#CC79A7"}
_ONE_THREAD = "#56B4E9"
_INK, _QUIET, _FAILED = "#222222", "#767676", "#9B2226"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "timings",  # element ids, else random
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # a dollar sign in a device's name is a dollar sign
    "font.size": 9.0,
    "axes.edgecolor": _QUIET,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _QUIET,
    "ytick.color": _INK,
}


def write_chart(rows: Iterable[Measured], folder: Path) -> tuple[Path, ...]:
    """Draw the runs as timings.png and timings.svg in `folder`; the same runs give the same bytes. Returns the paths.

    The newest 200 combinations of device, model and backend are drawn: a chart of more could not be read.
    """
    panels = _panels(rows)
    if not panels:
        raise ZooError(
            "there is nothing to plot",
            got="no runs",
            expected="one at least",
            next_step="measure something first: make serve; or choose otherwise with --device and --model",
        )
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes, which is no reason to fail or to fill the terminal.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = _draw(panels)
        for name in _FILES:
            buffer = io.BytesIO()
            kind = Path(name).suffix[1:]
            figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})
            write_bytes(folder / name, buffer.getvalue())
    return tuple(folder / name for name in _FILES)


def _panels(rows: Iterable[Measured]) -> list[list[Measured]]:
    """The newest run of each combination: one list per device and browser, models by their fastest run, failures last."""
    newest: dict[tuple[object, ...], Measured] = {}
    for row in sorted(rows, key=lambda row: (row.run.started_at, row.run.run_id)):
        run = row.run
        newest[(_where(row), run.model, run.variant, run.backend, run.device_type, run.threads)] = row
    latest = sorted(newest.values(), key=lambda row: (row.run.started_at, row.run.run_id))[-_MOST_ROWS:]
    panels: dict[tuple[str, str, str], list[Measured]] = {}
    for row in latest:
        panels.setdefault(_where(row), []).append(row)
    return [_fastest_first(panel) for _, panel in sorted(panels.items())]


def _where(row: Measured) -> tuple[str, str, str]:
    return row.run.device.device_name, row.run.device.browser, row.run.device.device_id


def _fastest_first(panel: Sequence[Measured]) -> list[Measured]:
    def median(row: Measured) -> float:
        return float("inf") if row.summary.median_ms is None else row.summary.median_ms

    best = {row.run.model: min(median(r) for r in panel if r.run.model == row.run.model) for row in panel}
    return sorted(panel, key=lambda row: (best[row.run.model], row.run.model, median(row), backend_label(row.run)))


def _draw(panels: Sequence[Sequence[Measured]]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    heights = [len(panel) + 1.6 for panel in panels]
    figure = Figure(figsize=(9, 0.9 + 0.34 * sum(heights)), dpi=160, layout="constrained")
    title = "Milliseconds per inference: every sample is a dot, the bar is their median"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})
    low, high = _limits(panels)
    for axes, panel in zip(grid[:, 0], panels, strict=True):
        _draw_panel(axes, panel)
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(LogLocator(subs=(1,) if high / low > _MANY_DECADES else (1, 2, 5)))
    grid[-1, 0].set_xlabel("ms per inference, logarithmic")
    return figure


def _limits(panels: Sequence[Sequence[Measured]]) -> tuple[float, float]:
    """From below the fastest sample to so far above the slowest that its label fits; at least a decade."""
    durations = [max(s.duration_ms, _FLOOR_MS) for panel in panels for row in panel for s in row.run.samples]
    low, high = (min(durations), max(durations)) if durations else (1.0, 100.0)
    low /= 1.3
    return low, max(high * (high / low) ** 0.28, 10 * low)


def _draw_panel(axes: Axes, panel: Sequence[Measured]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="both", labelbottom=True, labelrotation=0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#E5E5E5", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.set_title(_shortened(device_label(panel[0].run)), loc="left", fontsize=9.5)
    axes.set_yticks(range(len(panel)), [_row_label(row) for row in panel])
    axes.set_ylim(len(panel) - 0.4, -0.6)
    for place, row in enumerate(panel):
        if row.run.error is None:
            _draw_samples(axes, place, row)
        else:
            axes.text(
                0.01,
                place,
                _shortened(notes(row.run)),
                transform=axes.get_yaxis_transform(),
                color=_FAILED,
                va="center",
            )


def _draw_samples(axes: Axes, place: int, row: Measured) -> None:
    """Dots from top to bottom in the order taken, so that a drift shows; the median's bar, and its value beside the dots."""
    run, median = row.run, row.summary.median_ms
    assert median is not None, "a run without an error has samples"
    durations = [max(sample.duration_ms, _FLOOR_MS) for sample in run.samples]
    step = 0.5 / max(1, len(durations) - 1)
    heights = [place - 0.25 + i * step if len(durations) > 1 else place for i in range(len(durations))]
    colour = _ONE_THREAD if run.backend == "wasm" and run.threads == 1 else _COLOURS[run.backend]
    axes.scatter(durations, heights, s=13, color=colour, alpha=0.6, linewidths=0)
    bar = max(median, _FLOOR_MS)
    axes.plot([bar, bar], [place - 0.36, place + 0.36], color=_INK, linewidth=1.8, solid_capstyle="butt")
    cut = cut_short(run)
    label = f"{significant(median)} ms" + (f"  ({cut})" if cut else "")
    axes.annotate(label, (max(durations), place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8.5)


def _row_label(row: Measured) -> str:
    run = row.run
    variant = "" if run.variant == "fp32" else f" {run.variant}"
    return _shortened(printable(f"{run.model}{variant} {backend_label(run)}"), 60)


def _shortened(text: str, most: int = 90) -> str:
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
