"""Where the cheapest way would be looked for among very many, a good one is taken."""

from __future__ import annotations

import pytest

from tests.viz.picture.architectures import ALL
from tests.viz.picture.test_geometry import check
from viz.geometry import channels, placement


@pytest.fixture
def recording():
    return ALL["gan"]()[0]


def looked_at(recording, monkeypatch):
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
        check(recording.draw())
    return found


def test_a_good_way_is_found_with_less_looking_and_without_a_flaw(recording, monkeypatch):
    thorough = looked_at(recording, monkeypatch)
    monkeypatch.setattr(channels, "_PATIENCE", 100)
    assert sum(looked_at(recording, monkeypatch)) < sum(thorough) / 5


def test_a_picture_that_took_long_is_looked_through_once(recording, monkeypatch):
    all_searches = looked_at(recording, monkeypatch)
    monkeypatch.setattr(channels, "_LONG", 1000)
    assert len(looked_at(recording, monkeypatch)) < len(all_searches) / 2


@pytest.mark.parametrize(
    ("part", "most", "attempts"), [(1, 0, 1), (0, 0, 2), (1, 1000, 4)], ids=["few", "many", "few arrows"]
)
def test_room_for_labels_is_looked_for_less_often_where_many_arrows_take_long(
    recording, monkeypatch, part, most, attempts
):
    found = []
    monkeypatch.setattr(placement, "_known", {})
    monkeypatch.setattr(channels, "_LONG", 0)
    monkeypatch.setattr(placement, "_FEW", part)
    monkeypatch.setattr(placement, "_MOST_EDGES", most)
    monkeypatch.setattr(placement, "place_labels", lambda *_: found.append(1) or [0])
    placement.place(recording.draw().graph)
    assert len(found) == attempts
