"""The QR code on a terminal has the modules of the URL's own."""

from __future__ import annotations

import re

import pytest
import segno

from fleet.qr import QUIET_MODULES, qr_lines

URL = "http://192.168.1.20:8000/?autorun=1&fleet=5f0c2b7e-3a53-4a4e-9d38-0a7f6a1f2b11&device=my%20phone&report=1"
_BLOCKS = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m"


def inked(text: str) -> list[list[bool]]:
    """Which half of which character the terminal fills in the colour of its letters."""
    rows = []
    for line in text.splitlines()[:-1]:
        cells = [_BLOCKS[character] for character in _ESCAPE.sub("", line)]
        rows += [[upper for upper, _ in cells], [lower for _, lower in cells]]
    return rows


def without_quiet_zone(dark: list[list[bool]]) -> list[list[bool]]:
    """The code itself; around it, everything is light, at least as far as the standard asks."""
    rows = [number for number, row in enumerate(dark) if any(row)]
    columns = [number for number in range(len(dark[0])) if any(row[number] for row in dark)]
    assert rows[0] == columns[0] == QUIET_MODULES
    assert len(dark[0]) - 1 - columns[-1] == QUIET_MODULES
    assert len(dark) - 1 - rows[-1] >= QUIET_MODULES
    return [row[columns[0] : columns[-1] + 1] for row in dark[rows[0] : rows[-1] + 1]]


def modules(url: str) -> list[list[bool]]:
    return [[bool(module) for module in row] for row in segno.make(url, micro=False).matrix]


@pytest.mark.parametrize("url", [URL, "http://a", "https://zoo.example/" + "x" * 600])
def test_in_colour_ink_is_dark(url: str) -> None:
    text = qr_lines(url, "utf-8", colours=True)
    assert without_quiet_zone(inked(text)) == modules(url)
    assert text.splitlines()[-1] == url
    for line in text.splitlines()[:-1]:
        assert line.startswith(_BLACK_ON_WHITE)
        assert line.endswith("\x1b[0m")


def test_without_colours_ink_is_light_as_on_a_dark_terminal() -> None:
    text = qr_lines(URL, "utf-8", colours=False)
    assert "\x1b" not in text
    assert without_quiet_zone([[not ink for ink in row] for row in inked(text)]) == modules(URL)


@pytest.mark.parametrize(
    ("terminal", "kind", "coloured"), [(True, "xterm", True), (True, "dumb", False), (False, "xterm", False)]
)
def test_colours_go_only_to_a_terminal_that_has_them(
    terminal: bool, kind: str, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("TERM", kind)
    assert ("\x1b" in qr_lines(URL, "utf-8")) == coloured


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "no such encoding", ""])
def test_where_blocks_cannot_be_shown_there_is_the_url_alone(encoding: str) -> None:
    assert qr_lines(URL, encoding) == URL


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "cp437"])
def test_what_is_printed_can_be_encoded(encoding: str) -> None:
    assert len(qr_lines(URL, encoding, colours=True).encode(encoding).splitlines()) > 20


def test_the_address_of_a_fleet_fits_a_terminal() -> None:
    lines = qr_lines(URL, "utf-8", colours=False).splitlines()[:-1]
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 30
