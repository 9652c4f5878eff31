"""Where the cheapest way would be looked for among very many, a good one is taken."""

from __future__ import annotations

import pytest

from tests.viz.picture.architectures import ALL
from tests.viz.picture.test_geometry import check
from viz.geometry import channels, placement


@pytest.fixture
def drawing():
    recording, _ = ALL["gan"]()
    return recording.draw()


def looked_at(drawing, monkeypatch):
    """How many states each search looks at while a picture is laid out anew."""
    found, search = [], channels.Channels.search

    def counted(self, quest):
        before = self.looked
        way = search(self, quest)
        found.append(self.looked - before)
        return way

    with monkeypatch.context() as patched:
        patched.setattr(placement, "_known", {})
        patched.setattr(channels.Channels, "search", counted)
        check(drawing)
    return found


def test_a_good_way_is_found_with_less_looking_and_without_a_flaw(drawing, monkeypatch):
    thorough = looked_at(drawing, monkeypatch)
    monkeypatch.setattr(channels, "_PATIENCE", 100)
    assert sum(looked_at(drawing, monkeypatch)) < sum(thorough) / 2


def test_a_picture_that_took_long_is_looked_through_once(drawing, monkeypatch):
    all_searches = looked_at(drawing, monkeypatch)
    monkeypatch.setattr(channels, "_LONG", 1000)
    assert len(looked_at(drawing, monkeypatch)) < len(all_searches) / 2
