"""The fleet on the terminal."""

from __future__ import annotations

import io
from datetime import datetime

from rich.console import Console

from fleet.live import Screen, live_table
from timings.fleet_records import DeviceLine, FleetTable

LINE = DeviceLine(
    device="desk [red]",
    host="this machine",
    kind="local",
    browser="chromium 156",
    state="running",
    model="resnet50",
    backend="wasm-2",
    sample=7,
    samples=30,
    last_ms=207.25,
    runs_over=1,
    runs=4,
    runs_failed=1,
    warnings=2,
    remaining_s=90.0,
    note=None,
)
WAITING = LINE.model_copy(
    update={"device": "phone", "state": "waiting", "model": None, "backend": None, "sample": None, "last_ms": None}
)


def table(*lines: DeviceLine) -> FleetTable:
    return FleetTable(
        fleet_id="11111111-2222-4333-8444-555555555555",
        started_at=datetime.fromisoformat("2026-11-22T01:00:00+00:00"),
        server_url="http://127.0.0.1:8000",
        over=False,
        devices=lines,
    )


def screen(*, terminal: bool) -> tuple[Screen, io.StringIO, list[float]]:
    written, clock = io.StringIO(), [0.0]
    console = Console(file=written, force_terminal=terminal, width=160, color_system=None)
    return Screen(console, clock=lambda: clock[0]), written, clock


def test_a_terminal_shows_where_every_device_is() -> None:
    written = io.StringIO()
    now = datetime(2026, 11, 22, 12, 0, 0)
    Console(file=written, width=160).print(live_table(table(LINE, WAITING), now))
    first, second = written.getvalue().splitlines()[1:3]
    for words in (
        "desk [red]",
        "chromium 156",
        "running",
        "resnet50 on wasm-2",
        "7 of 30",
        "207.2 ms",
        "1 of 4, 1 failed",
        "12:01:30",
    ):
        assert words in first, words
    assert "waiting" in second
    assert "7 of 30" not in second


def test_a_live_table_is_drawn_again_and_lines_stay_above_it() -> None:
    shown, written, _ = screen(terminal=True)
    with shown:
        shown.show(table(LINE))
        shown.say("desk [red]: over")
        shown.show(table(LINE.model_copy(update={"sample": 8})))
    assert "8 of 30" in written.getvalue()
    assert "desk [red]: over" in written.getvalue()


def test_elsewhere_a_line_for_each_busy_device_comes_now_and_then() -> None:
    shown, written, clock = screen(terminal=False)
    with shown:
        for second in range(25):
            clock[0] = float(second)
            shown.show(table(LINE, WAITING))
    assert written.getvalue().splitlines() == ["desk [red]: resnet50 on wasm-2, sample 7 of 30; 1 of 4 runs over"] * 3
