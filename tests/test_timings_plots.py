"""The chart: what is on it, in what order, and that it is the same every time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from builder.errors import ZooError
from tests.support.runs import DEVICE, make_failed_run, make_run
from timings.cells import measured
from timings.plots import write_chart
from timings.records import Run

SVG = "{http://www.w3.org/2000/svg}"


def chart(folder: Path, *runs: Run) -> ElementTree.Element:
    png, svg = write_chart([measured(run) for run in runs], folder)
    with Image.open(png) as image:
        assert image.format == "PNG"
        assert image.width > 1000
    return ElementTree.parse(svg).getroot()


def texts(svg: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in svg.iter(f"{SVG}text")]


def dots(svg: ElementTree.Element) -> int:
    return sum(
        1
        for group in svg.iter(f"{SVG}g")
        if group.get("id", "").startswith("PathCollection")
        for _ in group.iter(f"{SVG}use")
    )


def test_every_sample_is_a_dot_and_the_median_is_labelled(tmp_path: Path) -> None:
    svg = chart(tmp_path, make_run(samples_ms=(10.0, 20.0, 40.0, 30.0)), make_run(backend="webgpu", threads=1))
    assert dots(svg) == 4 + 5
    assert {"25.00 ms", "12.00 ms", "echo wasm, 8 threads", "echo webgpu"} <= set(texts(svg))
    assert "Kim's laptop: Chromium 156.0.0.0 on Linux, 8 cores" in texts(svg)


def test_a_failed_run_is_listed_and_not_plotted(tmp_path: Path) -> None:
    svg = chart(tmp_path, make_run(), make_failed_run(backend="webgpu", message="out of\nmemory"))
    assert dots(svg) == 5
    assert "failed at session: out of memory" in texts(svg)


def test_a_run_cut_short_says_so(tmp_path: Path) -> None:
    svg = chart(tmp_path, make_run(samples_ms=(9812.0,), iterations_requested=30, stopped_by="time_budget"))
    assert "9812 ms  (1 of 30)" in texts(svg)


def test_only_the_newest_run_of_a_combination_is_shown(tmp_path: Path) -> None:
    old = make_run(started_at="2026-01-01T00:00:00Z", samples_ms=(1.0,))
    new = make_run(started_at="2026-01-02T00:00:00Z", samples_ms=(2.0,))
    shown = texts(chart(tmp_path, new, old))
    assert "2.000 ms" in shown
    assert "1.000 ms" not in shown


def test_devices_have_panels_of_their_own_and_fast_models_come_first(tmp_path: Path) -> None:
    other = DEVICE.model_copy(update={"device_id": DEVICE.device_id[:-1] + "6", "device_name": "A phone"})
    svg = chart(
        tmp_path,
        make_run(model="slow", samples_ms=(500.0,)),
        make_run(model="fast", samples_ms=(5.0,)),
        make_failed_run(model="never"),
        make_run(model="slow", samples_ms=(50.0,), device=other),
    )
    wanted = re.compile(r"(slow|fast|never) wasm.*|(A phone|Kim's laptop): .*")
    assert [text.split(" wasm")[0].split(":")[0] for text in texts(svg) if wanted.fullmatch(text)] == [
        "slow",
        "A phone",
        "fast",
        "slow",
        "never",
        "Kim's laptop",
    ]


@pytest.mark.parametrize("name", ["$\\frac", "<b>&amp;", "電話 📱", "bell\x07 escape\x1b[2J", "a" * 200])
def test_any_device_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    svg = chart(tmp_path, make_run(device=DEVICE.model_copy(update={"device_name": name})))
    assert any(text.startswith(name[:2]) for text in texts(svg))


def test_long_names_leave_room_for_the_samples(tmp_path: Path) -> None:
    svg = chart(tmp_path, make_run(model="m" * 64, variant="v" * 64))
    assert dots(svg) == 5
    assert max(len(text) for text in texts(svg)) <= 90


def test_durations_below_the_timers_step_can_be_drawn(tmp_path: Path) -> None:
    svg = chart(tmp_path, make_run(samples_ms=(0.0, 0.0, 0.1)))
    assert dots(svg) == 3
    assert "0 ms" in texts(svg)


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    runs = [make_run(), make_failed_run(backend="webgpu")]
    for folder in ("one", "two"):
        chart(tmp_path / folder, *runs)
    for name in ("timings.png", "timings.svg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_nothing_to_plot_is_said(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match="there is nothing to plot"):
        write_chart([], tmp_path)


def test_the_newest_of_very_many_are_drawn(tmp_path: Path) -> None:
    rows = [
        measured(make_run(threads=i, started_at=f"2026-01-01T{i // 60:02}:{i % 60:02}:00Z", samples_ms=(float(i),)))
        for i in range(1, 202)
    ]
    write_chart(rows, tmp_path)
    svg = (tmp_path / "timings.svg").read_text()
    assert "201 threads" in svg
    assert " 2 threads" in svg
    assert "1 thread<" not in svg
