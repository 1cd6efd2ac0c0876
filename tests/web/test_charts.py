"""The plot puts every sample where its axis says."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from tests.support.javascript import JavaScript

CHART = """({sampleChart}, {durations, expected, width, rounds}) => {
  const samples = durations.map((duration_ms, index) => ({start_ms: 0, duration_ms, round: rounds?.[index] ?? 1}));
  const chart = sampleChart(samples, {expected, width, height: 250});
  const numbers = (node, ...names) => names.map(name => Number(node.getAttribute(name)));
  const ticks = [...chart.querySelectorAll('.chart-tick')];
  return {
    label: chart.getAttribute('aria-label'),
    dots: chart.querySelector('.chart-dots')?.getAttribute('d') ?? '',
    median: numbers(chart.querySelector('.chart-median') ?? chart, 'y1')[0],
    p95: numbers(chart.querySelector('.chart-p95') ?? chart, 'y1')[0],
    values: ticks.filter(t => t.getAttribute('text-anchor') === 'end').map(t => [Number(t.textContent), ...numbers(t, 'y')]),
    orders: ticks.filter(t => t.getAttribute('text-anchor') === 'middle').map(t => [Number(t.textContent), ...numbers(t, 'x')]),
    rounds: [...chart.querySelectorAll('.chart-round')].map(line => numbers(line, 'x1')[0]),
    band: [...chart.querySelectorAll('.chart-interval')].map(band => numbers(band, 'x', 'width', 'y', 'height')),
    texts: [...chart.querySelectorAll('text')].map(t => [t.textContent, ...numbers(t, 'x', 'y')]),
    width: chart.viewBox.baseVal.width,
  };
}"""


def points(chart: dict[str, Any]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", chart["dots"])]


def scale(ticks: list[list[float]]) -> Any:
    """From a value on an axis to pixels, by the axis' own first and last tick."""
    (low, at_low), (high, at_high) = ticks[0], ticks[-1]
    return lambda value: at_low + (value - low) / (high - low) * (at_high - at_low)


@pytest.mark.parametrize("width", [296, 1100])
def test_points_and_lines_stand_where_the_axes_say(javascript: JavaScript, width: int) -> None:
    durations = [230.0, 214.0, 207.4, 206.9, 207.0, 221.0, 206.5, 208.0, 207.5, 207.2]
    chart = javascript("charts.js", CHART, {"durations": durations, "expected": 30, "width": width})

    x, y = scale(chart["orders"]), scale(chart["values"])
    assert len(points(chart)) == len(durations)
    for (index, duration), point in zip(enumerate(durations, 1), points(chart), strict=True):
        assert point == pytest.approx((x(index), y(duration)), abs=0.02)
    assert chart["median"] == pytest.approx(y(207.45), abs=0.02)
    assert chart["p95"] == pytest.approx(y(225.95), abs=0.02)
    assert chart["orders"][-1][0] == 30
    assert ["ms per inference", 0, 12] in chart["texts"]


@pytest.mark.parametrize("width", [296, 1100])
@pytest.mark.parametrize("expected", [1, 2, 5, 12, 30, 1000, 10_000])
def test_ticks_have_room_and_texts_stay_inside(javascript: JavaScript, width: int, expected: int) -> None:
    durations = [9000.0 + index for index in range(min(expected, 30))]
    chart = javascript("charts.js", CHART, {"durations": durations, "expected": expected, "width": width})
    orders = [at for _, at in chart["orders"]]
    assert orders
    assert all(later - earlier > 20 for earlier, later in itertools.pairwise(orders))
    heights = [at for _, at in chart["values"]]
    assert len(heights) >= 3
    assert all(earlier - later > 20 for earlier, later in itertools.pairwise(heights))
    assert len({value for value, _ in chart["values"]}) == len(heights)
    assert all(0 <= at <= width for _, at, _ in chart["texts"])


def test_the_band_covers_the_medians_interval_and_thin_lines_part_the_rounds(javascript: JavaScript) -> None:
    durations = [20.0, 21.0, 22.0, 23.0, 24.0, 25.0]
    asked = {"durations": durations, "expected": 6, "width": 600, "rounds": [1, 1, 2, 2, 2, 5]}
    chart = javascript("charts.js", CHART, asked)
    x, y = scale(chart["orders"]), scale(chart["values"])
    assert chart["rounds"] == pytest.approx([x(2.5), x(5.5)], abs=0.02)
    # Six samples: their extremes are the median's 95 % interval.
    ((left, width, top, height),) = chart["band"]
    assert (left, left + width) == pytest.approx((x(0.5), x(6.5)), abs=0.02)
    assert (top + height, top) == pytest.approx((y(20), y(25)), abs=0.02)
    assert "in 3 rounds: from 20.0 to 25.0 ms, median 22.5 ms (95 % interval 20.0 to 25.0 ms)" in chart["label"]


def test_an_interval_that_is_not_known_is_not_drawn(javascript: JavaScript) -> None:
    chart = javascript("charts.js", CHART, {"durations": [20.0] * 5, "expected": 5, "width": 600})
    assert (chart["band"], chart["rounds"]) == ([], [])


def test_labels_of_a_steady_run_do_not_overlap(javascript: JavaScript) -> None:
    chart = javascript("charts.js", CHART, {"durations": [20.0] * 10, "expected": 10, "width": 600})
    heights = sorted(y for _, x, y in chart["texts"] if x > 530)
    assert len(heights) == 4
    assert all(later - earlier >= 14 for earlier, later in itertools.pairwise(heights))


def test_it_can_be_read_aloud(javascript: JavaScript) -> None:
    chart = javascript("charts.js", CHART, {"durations": [10.0, 12.0, 11.0], "expected": 3, "width": 600})
    assert chart["label"] == (
        "3 samples in the order taken: from 10.0 to 12.0 ms, median 11.0 ms, 95th percentile 11.9 ms"
    )
    empty = javascript("charts.js", CHART, {"durations": [], "expected": 30, "width": 600})
    assert (empty["label"], empty["dots"], empty["values"]) == ("No samples yet, of 30", "", [])


def test_a_clock_that_never_moved_is_drawn_too(javascript: JavaScript) -> None:
    chart = javascript("charts.js", CHART, {"durations": [0.0, 0.0], "expected": 2, "width": 600})
    assert len(points(chart)) == 2
