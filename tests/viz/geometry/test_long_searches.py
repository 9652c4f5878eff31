"""Where the cheapest way would be looked for among very many, a good one is taken."""

from __future__ import annotations

import statistics

import pytest

from tests.viz.picture.architectures import ALL
from tests.viz.picture.test_geometry import check
from viz.geometry import channels, placement
from viz.geometry.places import Layout, Rect


@pytest.fixture
def recording():
    return ALL["gan"]()[0]


def looked_at(recording, monkeypatch, through_frames=0):
    """How many states each search looks at while a picture is laid out anew; hurried ways may cross foreign frames."""
    found, search = [], channels.Channels.search

    def counted(self, query):
        before = self.looked
        way = search(self, query)
        found.append(self.looked - before)
        return way

    with monkeypatch.context() as patched:
        patched.setattr(placement, "_known", {})
        patched.setattr(channels.Channels, "search", counted)
        check(recording.draw(), through_frames)
    return found


def test_a_good_way_is_found_with_less_looking(recording, monkeypatch):
    thorough = looked_at(recording, monkeypatch)
    monkeypatch.setattr(channels, "_PATIENCE", 100)
    hurried = looked_at(recording, monkeypatch, through_frames=3)
    assert statistics.mean(hurried) < statistics.mean(thorough) / 2


def test_a_search_for_a_way_into_a_closed_place_ends_early(monkeypatch):
    monkeypatch.setattr(channels, "_PATIENCE", 100)
    many = Layout({f"{i} {j}": Rect(200.0 * i, 100.0 * j, 60, 30) for i in range(12) for j in range(12)})
    walls = [Rect(-500, 0, 60, 10), Rect(-500, 60, 60, 10), Rect(-510, 0, 10, 70), Rect(-440, 0, 10, 70)]
    many.nodes |= {f"wall {i}": wall for i, wall in enumerate(walls)}
    start, inside = (30.0, -8.0), (-470.0, 35.0)
    lines = channels.Channels(many, [("0 0", "shut in", "data")], {start: {"0 0"}, inside: {"shut in"}})
    query = channels.PathQuery(0, {lines.at(start): 1}, {lines.at(inside): 1}, {}, channels.NEVER)
    assert not lines.search(query)
    assert lines.looked == 100


def test_very_many_arrows_have_fewer_lines_to_run_along_which_are_farther_apart():
    boxes = Layout({f"{i} {j}": Rect(200.0 * i, 100.0 * j, 60, 30) for i in range(4) for j in range(4)})
    few, many = (channels.Channels(boxes, [("0 0", "1 1", "data")] * count, {}) for count in (1, 500))
    assert many.nx < few.nx / 2
    assert many.ny < few.ny / 2
