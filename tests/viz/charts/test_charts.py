"""Charts of lines and bars."""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest

from viz.picture.charts.bars import Bar, bars
from viz.picture.charts.lines import Chart, Line, line_charts

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*lines: Line, **settings: object) -> ET.Element:
    return ET.fromstring(line_charts("a < b", [Chart("growth", "n", "s", lines)], **settings).encode())


def circles(root: ET.Element) -> list[tuple[float, float]]:
    return [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in root.iter(f"{SVG}circle")]


def test_powers_lie_on_straight_lines():
    places = circles(drawn(Line("square", [(10.0**i, 10.0 ** (2 * i)) for i in range(5)])))
    assert len(places) == 5
    steps = [(b[0] - a[0], a[1] - b[1]) for a, b in itertools.pairwise(places)]
    assert all(x == pytest.approx(steps[0][0], abs=0.2) and y == pytest.approx(steps[0][1], abs=0.2) for x, y in steps)
    assert steps[0][0] > 0
    assert steps[0][1] > 0


def test_what_has_no_logarithm_is_left_out():
    root = drawn(Line("line", [(1, 0.0), (2, -1.0), (3, math.nan), (0, 1.0), (4, 2.0), (5, math.inf)]))
    assert len(circles(root)) == 1
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert titles == ["a < b", "line: 4, 2"]


def test_charts_stand_side_by_side():
    chart = Chart("one", "n", "s", [Line("line", [(1, 1), (10, 2)])])
    text = line_charts("three", [chart] * 3, columns=2, theme="dark")
    assert len(re.findall("<polyline", text)) == 3
    places = re.findall(r"translate\((\d+) (\d+)\)", text)
    assert len(set(places)) == 3


def test_a_chart_without_points_is_drawn():
    assert circles(drawn(Line("nothing", []))) == []


def test_what_is_expected_is_dashed_and_ends_at_the_last_point():
    points = [(10.0**i, 10.0**i) for i in range(5)]
    root = drawn(Line("linear", points, slope=1.0), Line("as it comes", points))
    (path,) = (p for p in root.iter(f"{SVG}path") if p.get("stroke-dasharray"))
    x1, y1, x2, y2 = map(float, re.findall(r"[\d.]+", path.get("d", "")))
    places = circles(root)[:5]
    assert (x2, y2) == pytest.approx(places[-1], abs=0.2)
    assert (x1, y1) == pytest.approx(places[1], abs=0.2)


def test_what_is_expected_does_not_leave_the_scales():
    root = drawn(Line("steep", [(1.0, 1.0), (10.0, 2.0), (100.0, 3.0), (1000.0, 4.0)], slope=2.0))
    (path,) = (p for p in root.iter(f"{SVG}path") if p.get("stroke-dasharray"))
    x1, y1, x2, y2 = map(float, re.findall(r"[\d.]+", path.get("d", "")))
    assert 58 <= x1 < x2 <= 378
    assert 46 <= y2 < y1 <= 244


def test_an_unknown_theme_is_refused():
    with pytest.raises(ValueError, match="theme='red': expected one of 'light', 'dark'"):
        line_charts("a", [], theme="red")


def lengths(drawn: str) -> list[float]:
    return [float(width) for width in re.findall(r'<rect x="[\d.]+" y="\d+" width="([\d.]+)" height="15"', drawn)]


def marks(drawn: str) -> list[str]:
    return re.findall(r'text-anchor="middle">([^<]+)<', drawn)


def test_on_an_even_scale_bars_are_as_long_as_their_numbers():
    drawn = bars("units", [Bar("units", 16), Bar("dead", 4), Bar("none", 0)], linear=True)
    whole, quarter, nothing = lengths(drawn)
    assert (quarter / whole, nothing) == (0.25, 0)
    assert marks(drawn) == ["0", "5", "10", "15"]


def test_on_a_scale_of_powers_of_ten_a_thousand_times_as_much_is_three_steps_longer():
    drawn = bars("norms", [Bar("a", 1e-2), Bar("b", 10.0)])
    assert marks(drawn) == ["0.001", "0.01", "0.1", "1", "10"]
    one, other = lengths(drawn)
    assert other / one == pytest.approx(4)
    assert marks(bars("norms", [Bar("a", 1e-5), Bar("b", 1e5)]))[-1] == "1e5"


@pytest.mark.parametrize("linear", [False, True, None])
@pytest.mark.parametrize("values", [[], [0.0], [float("nan"), float("inf")], [2e-9], [-1.0, 3.0]])
def test_any_numbers_can_be_drawn(values, linear):
    drawn = bars("any", [Bar("a", value) for value in values], linear=linear)
    ET.fromstring(drawn)
    assert drawn.count('class="bar"') == len(values)


@pytest.mark.parametrize(("numbers", "marked"), [((2.0, 8.0), "0"), ((2.0, 800.0), "1"), ((0.0, 0.0), "0")])
def test_the_scale_can_follow_from_the_numbers(numbers, marked):
    assert marks(bars("any", [Bar("a", value) for value in numbers], linear=None))[0] == marked
