"""Reads the operator documents that the npm package publishes for WebGL and WebNN."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_WEBGL_ROW = re.compile(r"^\| \[(\w+)\]\(\S+\) \|(.*)\|$")
_WEBNN_ROW = re.compile(r"^\| *(\w+) *\|([^|]*\([^|]*)\|([^|]*)\|(.*)\|$")
_WEBNN_VERSIONS = re.compile(r"([\w.]+)\(([^)]*)\)")
_WEBNN_RANKS = re.compile(r"Only supports ((?:\d-D(?: or )?)+) input")
_QUOTED = re.compile(r"'(\w+)'")
_RANGE = re.compile(r"^(\d+)(?:-(\d+)|(\+))?$")

Ranges = list[list[int | None]]


def webgl_operators(document: Path) -> dict[str, Ranges]:
    """Opset ranges, first and last (None: and above), by operator; operators without any are left out."""
    rows = (_WEBGL_ROW.match(line) for line in document.read_text(encoding="utf-8").splitlines())
    found = {row[1]: _LINK.sub(r"\1", row[2]).strip() for row in rows if row}
    return {operator: _ranges(text) for operator, text in found.items() if text}


@dataclass(frozen=True)
class WebnnOperator:
    """One row of the WebNN document.

    ranks: of the first input; any where empty. constant_inputs: names of inputs that must be constants. remark: the row's own words,
    of which ranks and constant_inputs are what can be read mechanically.
    """

    opsets: Ranges
    ranks: tuple[int, ...]
    constant_inputs: tuple[str, ...]
    remark: str


def webnn_operators(document: Path) -> dict[str, WebnnOperator]:
    """The rows by operator, "com.microsoft:Op" outside ai.onnx."""
    found = {}
    for line in document.read_text(encoding="utf-8").splitlines():
        row = _WEBNN_ROW.match(line)
        if row is None:
            continue
        remark = row[4].strip()
        ranks = _WEBNN_RANKS.search(remark)
        for domain, versions in _WEBNN_VERSIONS.findall(row[2]):
            found[row[1] if domain == "ai.onnx" else f"{domain}:{row[1]}"] = WebnnOperator(
                _ranges(versions),
                tuple(int(digit) for digit in re.findall(r"\d", ranks[1])) if ranks else (),
                tuple(
                    name
                    for part in re.split(r"[.;]|, 0 dim|with values", remark)
                    if "constant" in part
                    for name in _QUOTED.findall(part)
                ),
                remark,
            )
    return found


def _ranges(text: str) -> Ranges:
    ranges: Ranges = []
    for part in text.split(","):
        match = _RANGE.match(part.strip())
        if match is None:
            raise ValueError(f"no opset range: {part!r} in {text!r}")
        first = int(match[1])
        last = None if match[3] else int(match[2] or first)
        ranges.append([first, last])
    return ranges
