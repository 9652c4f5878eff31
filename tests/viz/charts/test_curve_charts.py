"""Charts of trainings: every point in its place, nothing covered, on any ground."""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest

from tests.viz.picture.shown import pictures
from viz.picture.charts.curves import Border, Curve, Panel, curve_charts
from viz.picture.history import history_charts

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*curves, **settings):
    return ET.fromstring(curve_charts([Panel("loss < 1", curves)], **settings))


def marks(root):
    return [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter(f"{SVG}circle")]


def texts(root):
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_points_lie_where_their_numbers_say():
    places = marks(drawn(Curve("train", [(1, 0.0), (2, 1.0), (4, 3.0)], "train")))
    (x1, y1), (x2, y2), (x3, y3) = places
    assert (x3 - x2) / (x2 - x1) == pytest.approx(2, abs=0.02)
    assert (y2 - y3) / (y1 - y2) == pytest.approx(2, abs=0.02)


def test_the_legend_stands_above_the_scales_and_tells_the_last_numbers():
    root = drawn(
        Curve("train", [(1, 2.0), (2, 0.25)], "train"), Curve("validation", [(1, 2.0), (2, 0.5)], "validation")
    )
    legend = next(text for text in root.iter(f"{SVG}text") if "●" in "".join(text.itertext()))
    assert "".join(legend.itertext()) == "●train0.25●validation0.5"
    assert float(legend.get("y")) < min(y for _, y in marks(root)) - 5


def test_numbers_that_fall_by_powers_are_drawn_on_a_logarithmic_scale():
    root = drawn(Curve("train", [(i, 10.0**-i) for i in range(5)]))
    heights = [y for _, y in marks(root)]
    assert [b - a for a, b in itertools.pairwise(heights)] == pytest.approx([heights[1] - heights[0]] * 4, abs=0.2)
    assert "loss < 1 (logarithmic)" in texts(root)


def test_a_value_that_never_changes_is_the_only_one_beside_its_scale():
    root = drawn(Curve("rate", [(1, 0.001), (2, 0.001), (3, 0.001)]))
    assert [text for text in texts(root) if text.startswith("0.")] == ["0.001"]


@pytest.mark.parametrize(("breaks", "faint"), [([], 0), ([14.0], 1), ([14.0, 26.0], 2), ([14.0, 39.0], 1)])
def test_runs_are_numbered_and_those_before_the_last_are_fainter(breaks, faint):
    points = [(step, 1 / step) for step in range(1, 40)]
    borders = [Border(x, "another model begins") for x in breaks]
    root = ET.fromstring(curve_charts([Panel("loss", [Curve("train", points)], "step", borders)]))
    lines = list(root.iter(f"{SVG}polyline"))
    assert [line.get("opacity") for line in lines] == ["0.45"] * faint + [None] * (len(lines) - faint)
    runs = [text for text in texts(root) if text.startswith("run ")]
    assert runs == [f"run {i + 1}" for i in range(len(lines))] * bool(breaks)  # one without any step has no room


def test_what_is_not_finite_is_marked_and_parts_the_curve():
    root = drawn(Curve("train", [(1, 1.0), (2, 2.0), (3, math.nan), (4, 1.0), (5, math.inf), (6, 2.0), (7, 1.0)]))
    assert len(marks(root)) == 5
    assert len(list(root.iter(f"{SVG}polyline"))) == 2
    assert sum("nan" in "".join(p.itertext()) or "inf" in "".join(p.itertext()) for p in root.iter(f"{SVG}path")) == 2


def test_where_something_else_begins_no_curve_goes_through():
    points = [(1, 1.0), (2, 2.0), (3, 9.0), (4, 8.0)]
    root = ET.fromstring(
        curve_charts([Panel("loss", [Curve("train", points)], "step", [Border(2.0, "another model begins")])])
    )
    assert [len(line.get("points").split()) for line in root.iter(f"{SVG}polyline")] == [2, 2]
    line = next(p for p in root.iter(f"{SVG}path") if "another model" in "".join(p.itertext()))
    assert line.get("d").startswith(f"M{marks(root)[1][0]:.1f} ")


def test_of_many_points_the_extremes_stay():
    values = [(i, 1.0) for i in range(20_000)]
    values[7_777] = (7_777, 5.0)
    root = drawn(Curve("train", values))
    line = next(root.iter(f"{SVG}polyline")).get("points").split()
    assert len(line) <= 601
    heights = [float(place.split(",")[1]) for place in line]
    assert heights.count(min(heights)) == 1


def test_words_and_ground_have_the_colours_of_the_theme():
    assert 'fill="#1b2733"' in curve_charts([Panel("loss", [])])
    assert "background:#12181f" in curve_charts([Panel("loss", [])], theme="dark")
    with pytest.raises(ValueError, match="theme='red'"):
        curve_charts([], theme="red")


def test_hostile_names_stay_text():
    root = drawn(Curve('</svg><script>"', [(1, 1.0)]))
    assert not list(root.iter(f"{SVG}script"))


def test_a_history_has_a_chart_for_each_metric_the_loss_first():
    history = {"accuracy": [0.5, 0.6], "loss": [2.0, 1.0], "val_loss": [2.5], "per_class": [[1, 2], [3, 4]]}
    html = history_charts(history, [0, 1])
    titles = [re.findall(r'font-weight="600">(\w+)</text>', svg) for svg in pictures(html)]
    assert titles == [["loss"], ["accuracy"]]
    assert html.count('title="validation 2.5 at 2"') == 1  # it came with the last epoch
    assert history_charts({}, []) == ""
