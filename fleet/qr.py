"""A URL as a QR code on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import segno

# Light modules around the code, without which a camera does not find it; the standard asks for four.
QUIET_MODULES = 4
# (upper module is dark, lower module is dark) -> what shows it where ink is dark and paper is light.
_INK_IS_DARK = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
# Of the 256 colours these two are fixed; the first sixteen are the terminal's own to choose, and not every terminal has more.
_BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m"
_AS_BEFORE = "\x1b[0m"


def qr_lines(url: str, console_encoding: str, *, colours: bool | None = None) -> str:
    """The URL's QR code, two rows of modules in each line, and the URL below it; the URL alone where blocks cannot be shown.

    colours: whether the terminal understands colours; None asks standard output. With them the code is black on white whatever the
    terminal's own colours are. Without, it is drawn for light letters on a dark ground, as most terminals have.
    """
    if not _can_show_blocks(console_encoding):
        return url
    in_colour = _terminal_has_colours() if colours is None else colours
    rows = [[bool(module) for module in row] for row in segno.make(url, micro=False).matrix_iter(border=QUIET_MODULES)]
    lines = [_line(upper, lower, in_colour) for upper, lower in _pairs(rows)]
    return "\n".join((*lines, url))


def _pairs(rows: Sequence[list[bool]]) -> list[tuple[list[bool], list[bool]]]:
    """Two rows for each line of text. Their number is odd, so half a line is left over: light, as part of the quiet zone."""
    even = [*rows, *([[False] * len(rows[0])] if len(rows) % 2 else [])]
    return list(zip(even[::2], even[1::2], strict=True))


def _line(upper: Sequence[bool], lower: Sequence[bool], in_colour: bool) -> str:
    cells = zip(upper, lower, strict=True)
    if in_colour:
        return _BLACK_ON_WHITE + "".join(_INK_IS_DARK[cell] for cell in cells) + _AS_BEFORE
    return "".join(_INK_IS_DARK[(not above, not below)] for above, below in cells)


def _terminal_has_colours() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _can_show_blocks(encoding: str) -> bool:
    try:
        "▀▄█".encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
