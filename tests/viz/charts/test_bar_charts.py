"""Bars as long as their numbers: on an even scale, or on one of powers of ten."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from viz.picture.charts.bars import Bar, bars


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
