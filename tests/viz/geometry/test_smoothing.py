"""Ways lead from side to side no more than they must."""

from __future__ import annotations

import itertools

import pytest

from viz.geometry.channels import NEVER, Channels, Quest
from viz.geometry.places import Layout, Rect
from viz.geometry.smoothing import smoothed

BOXES = {"above": Rect(100, 0, 60, 30), "aside": Rect(0, 100, 60, 30), "below": Rect(100, 200, 60, 30)}
BEGIN, END = (130.0, 192.0), (130.0, 38.0)


@pytest.fixture
def channels():
    layout = Layout(BOXES, {}, {}, 160, 230)
    return Channels(layout, [("below", "above", "gradient"), ("aside", "above", "data")], {BEGIN: set(), END: set()})


def way(channels, corners):
    """All points on the lines from corner to corner, which are moved to the lines that there are."""
    xs, ys = (
        [min(lines, key=lambda line: abs(line - c[k])) for c in corners]
        for k, lines in ((0, channels.xs), (1, channels.ys))
    )
    points = [channels.at(point) for point in zip(xs, ys)]
    found = points[:1]
    for a, b in itertools.pairwise(points):
        step = (1 if a // channels.nx == b // channels.nx else channels.nx) * (1 if b > a else -1)
        found += range(a + step, b + step, step)
    return found


def quest(channels):
    at = channels.at
    return Quest(0, {at(BEGIN): 1}, {at(END): 1}, {}, NEVER, onwards=-1)


def bends(channels, found):
    steps = [abs(a - b) == 1 for a, b in itertools.pairwise(found)]
    return sum(a != b for a, b in itertools.pairwise(steps))


STAIRS = [BEGIN, (130, 170), (92, 170), (92, 140), (176, 140), (176, 76), (130, 76), END]


def test_steps_that_nothing_asks_for_are_left_out(channels):
    stairs = way(channels, STAIRS)
    assert bends(channels, stairs) == 6
    found = smoothed(channels, quest(channels), stairs, 1, 1)
    assert (found[0], found[-1]) == (stairs[0], stairs[-1])
    assert bends(channels, found) == 0


def test_a_step_around_another_way_stays(channels):
    straight = way(channels, [BEGIN, END])
    channels.take(1, straight[2:-2], 1, 1)
    around = way(channels, [BEGIN, (130, 184), (176, 184), (176, 46), (130, 46), END])
    assert bends(channels, smoothed(channels, quest(channels), around, 1, 1)) >= 2
