"""What was measured before, read back from a timings.csv that this project wrote, in this version or an older one."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from builder.errors import ZooError
from timings.cells import Cell
from timings.columns import RUN_COLUMNS
from timings.export import FORMULA_STARTS

# Every version has written these, and without them nothing can be compared.
_REQUIRED: Final = (
    *("run_id", "device_name", "model", "variant", "weights", "model_sha256", "backend", "threads"),
    *("n", "median_ms", "error_stage", "error_message"),
)
# What may explain a difference. A column that the file lacks is an absent value.
FACTS: Final = (
    *("browser", "browser_version", "platform", "cores", "emulated"),
    *("threads", "runtime", "runtime_version", "cross_origin_isolated"),
)
_ALSO: Final = ("device_type", "threads_requested", "median_low_ms", "median_high_ms", "timer_step_ms", "warnings")
_TYPES: Final = {column.name: column.type for column in RUN_COLUMNS}
_READ: Final = tuple(name for name in dict.fromkeys((*_REQUIRED, *_ALSO, *FACTS)) if name in _TYPES)
_IN_WORDS: Final = {
    int: "a whole number",
    float: "a finite number of at least 0",
    bool: "true or false",
}


@dataclass(frozen=True, order=True)
class Case:
    """What is timed again and again: a model's variant on a backend of a device.

    backend: as the page's address names it, with the threads asked for: wasm-2, webgpu, webnn-cpu.
    """

    device: str
    model: str
    variant: str
    backend: str

    @property
    def label(self) -> str:
        """The case without its device: "resnet50 wasm-2", "resnet50 int8 wasm-2"."""
        return " ".join([self.model, *([] if self.variant == "fp32" else [self.variant]), self.backend])


@dataclass(frozen=True)
class Entry:
    """One run, as far as a comparison needs it. None is 'not known', or of a run that failed.

    failure: stage and message. file: the model's SHA-256 and the kind of its weights. facts: what may explain a difference, by column.
    """

    case: Case
    failure: str | None
    file: tuple[str, str]
    n: int
    median_ms: float | None
    low_ms: float | None
    high_ms: float | None
    timer_step_ms: float
    warnings: tuple[str, ...]
    facts: Mapping[str, Cell]


@dataclass(frozen=True)
class Baseline:
    """The runs of one file, in its order."""

    path: Path
    entries: tuple[Entry, ...]

    def of_devices(self, names: Iterable[str]) -> Baseline:
        """What it has of these devices: for a fleet of which only some are driven."""
        wanted = frozenset(names)
        return Baseline(self.path, tuple(entry for entry in self.entries if entry.case.device in wanted))


def read_baseline(path: Path) -> Baseline:
    """Read a timings.csv. Raises ZooError, naming line and column, for what cannot be read, and for a file that is none of ours."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return Baseline(path, tuple(_entries(path, file)))
    except OSError as error:
        raise _refused(f"the baseline {path} cannot be read", error.strerror or str(error)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refused(f"the baseline {path} is no CSV file in UTF-8", str(error)) from error


def entry_of(cells: Mapping[str, Cell]) -> Entry:
    """An entry from a row's cells by column. A column that is not there is an absent value."""
    stage, message = cells.get("error_stage"), cells.get("error_message")
    return Entry(
        case=Case(_text(cells, "device_name"), _text(cells, "model"), _text(cells, "variant"), _backend(cells)),
        failure=None if stage is None and message is None else f"{stage or 'somewhere'}: {message or 'no message'}",
        file=(_text(cells, "model_sha256"), _text(cells, "weights")),
        n=int(cells.get("n") or 0),
        median_ms=_number(cells, "median_ms"),
        low_ms=_number(cells, "median_low_ms"),
        high_ms=_number(cells, "median_high_ms"),
        timer_step_ms=_number(cells, "timer_step_ms") or 0.0,
        warnings=tuple(_text(cells, "warnings").split()),
        facts={**{name: cells.get(name) for name in FACTS}, "emulated": cells.get("emulated") or "no"},
    )


def _backend(cells: Mapping[str, Cell]) -> str:
    """A GPU's threads say nothing. Older versions did not keep how many were asked for: those that ran stand in for it."""
    backend, device_type = _text(cells, "backend"), cells.get("device_type")
    if backend == "wasm":
        return f"wasm-{cells.get('threads_requested') or cells.get('threads')}"
    return f"{backend}-{device_type}" if device_type else backend


def _text(cells: Mapping[str, Cell], name: str) -> str:
    return str(cells.get(name) or "")


def _number(cells: Mapping[str, Cell], name: str) -> float | None:
    value = cells.get(name)
    return None if value is None else float(value)


def _entries(path: Path, file: TextIO) -> Iterator[Entry]:
    reader = csv.reader(file, strict=True)
    heading = next(reader, [])
    _check_heading(path, heading)
    places = {name: heading.index(name) for name in _READ if name in heading}
    read = reader.line_num
    for row in reader:
        # A text with line breaks makes a row of several lines.
        where, read = f"{path}, line {read + 1}", reader.line_num
        if not row:
            continue
        if len(row) != len(heading):
            raise _refused(f"{where} is not whole", f"{len(row)} cells", f"{len(heading)}, as in the heading")
        cells = {name: _cell(where, name, row[place]) for name, place in places.items()}
        _check(where, cells)
        yield entry_of(cells)


def _check_heading(path: Path, heading: Sequence[str]) -> None:
    missing = [name for name in _REQUIRED if name not in heading]
    twice = sorted({name for name in _READ if heading.count(name) > 1})
    if missing or twice:
        wrong = [*(f"no {name}" for name in missing), *(f"{name} twice" for name in twice)]
        raise _refused(f"{path} is no timings.csv of this project", f"a heading with {', '.join(wrong)}")


def _cell(where: str, name: str, text: str) -> Cell:
    kind = _TYPES[name]
    if not text:
        return None
    if kind is str:
        # What the export put before a text that a spreadsheet would take for a formula.
        return text[1:] if text[0] == "'" and text[1:].startswith(FORMULA_STARTS) else text
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind is int and text.isascii() and text.isdigit():
        return int(text)
    if kind is float and "_" not in text:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if 0 <= number < math.inf:
            return number
    raise _unreadable(where, name, text, _IN_WORDS[kind])


def _check(where: str, cells: Mapping[str, Cell]) -> None:
    """Refuse a row without the cells that every row has, and one that is neither a timing nor a failure."""
    for name in ("run_id", "device_name", "model", "variant", "weights", "model_sha256", "backend", "threads", "n"):
        if cells[name] is None:
            raise _unreadable(where, name, "", "a value, as every version writes one")
    median, low, high = (_number(cells, name) for name in ("median_ms", "median_low_ms", "median_high_ms"))
    if cells["error_message"] is None and cells["error_stage"] is None and (median is None or not cells["n"]):
        raise _unreadable(where, "median_ms", "", "a median of n samples, or an error")
    for name, ordered in (("median_low_ms", (low, median)), ("median_high_ms", (median, high))):
        first, second = ordered
        if first is not None and second is not None and first > second:
            raise _unreadable(where, name, str(cells[name]), f"an interval that holds the median, {median}")


def _unreadable(where: str, name: str, text: str, expected: str) -> ZooError:
    return _refused(f"{where}, column {name} cannot be read", ascii(text[:80]) if text else "nothing", expected)


def _refused(
    what: str, got: str, expected: str = "a timings.csv that this project wrote, in this version or an older one"
) -> ZooError:
    return ZooError(
        what,
        got=got,
        expected=expected,
        next_step="name another file with --baseline; python -m timings csv writes one",
    )
