"""Where the cheapest way would be looked for among very many, a good one is taken."""

from __future__ import annotations

import pytest

from tests.viz.picture.architectures import ALL
from tests.viz.picture.test_geometry import check
from viz.geometry import channels, edge_routes, placement


@pytest.fixture
def drawing():
    recording, _ = ALL["gan"]()
    return recording.draw()


def looked_at(monkeypatch):
    """How many states each search looks at, from now on."""
    found, search = [], channels.Channels.search

    def counted(self, quest):
        before = self.looked
        way = search(self, quest)
        found.append(self.looked - before)
        return way

    monkeypatch.setattr(channels.Channels, "search", counted)
    return found


def test_a_good_way_is_found_with_less_looking_and_without_a_flaw(drawing, monkeypatch):
    monkeypatch.setattr(placement, "_known", {})
    thorough = looked_at(monkeypatch)
    placement.place(drawing.graph)
    monkeypatch.setattr(placement, "_known", {})
    monkeypatch.setattr(channels, "_PATIENCE", 100)
    quick = looked_at(monkeypatch)
    check(drawing)
    assert sum(quick) < sum(thorough) / 2


def test_a_picture_that_took_long_is_looked_through_once(drawing, monkeypatch):
    monkeypatch.setattr(placement, "_known", {})
    all_searches = looked_at(monkeypatch)
    placement.place(drawing.graph)
    monkeypatch.setattr(placement, "_known", {})
    monkeypatch.setattr(channels, "LONG", 1000)
    monkeypatch.setattr(edge_routes, "LONG", 1000)
    few = looked_at(monkeypatch)
    check(drawing)
    assert len(few) < len(all_searches) / 2
