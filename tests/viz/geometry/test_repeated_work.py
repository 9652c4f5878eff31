"""Nothing is looked for twice that comes out the same, and nothing for long that can't be better."""

from __future__ import annotations

import itertools

import pytest

from tests.viz.picture.architectures import ALL
from viz.geometry import channels, edge_routes, placement
from viz.geometry.hopes import Hopes
from viz.geometry.places import Layout, Rect


@pytest.fixture
def graph(monkeypatch):
    monkeypatch.setattr(placement, "_known", {})
    return ALL["shared_layers"]()[0].draw().graph


def test_no_way_is_looked_for_again_among_the_same_others(graph, monkeypatch):
    asked, search = [], channels.Channels.search

    def noted(self, quest):
        others = sorted([(at, *sorted(ways)) for at, ways in self.passed.items() if ways])
        asked.append((id(self), str(quest), self.took_long, str(others)))
        kept.append(self)
        return search(self, quest)

    kept = []  # so that no other gets the same id
    monkeypatch.setattr(channels.Channels, "search", noted)
    placement.place(graph)
    assert len(asked) > len(graph.edges)
    assert len({*asked}) == len(asked)


def test_boxes_are_arranged_once_in_each_order(graph, monkeypatch):
    orders, arranged = [], placement._arranged

    def noted(graph, order, across, room=None):
        orders.append(order) if room is None else None
        return arranged(graph, order, across, room)

    monkeypatch.setattr(placement, "_arranged", noted)
    placement.place(graph)
    assert orders
    assert len({*orders}) == len(orders)


def test_ways_that_would_be_longer_in_all_are_not_looked_for_to_the_end(graph, monkeypatch):
    router = edge_routes._Router(graph, placement.arrange(graph), False, ())
    looked = []
    monkeypatch.setattr(router, "_look", lambda i: looked.append(i) or True)
    monkeypatch.setattr(router, "_crossed", lambda ways: 0)
    monkeypatch.setattr(router, "_cost", lambda i: 1000.0)
    least = [router.channels.least(*router._goals(i)) for i in (0, 1, 2)]
    assert not router._look_for_all([0, 1, 2], 0, 999.0 + sum(least[1:]))
    assert looked == [0]
    assert router._look_for_all([0, 1, 2], 0, 3001.0)


def test_what_is_left_to_go_against_the_direction_of_an_arrow_costs_more():
    hopes = Hopes([0.0], [0.0, 10.0, 30.0], {1: 1}, up=9.0)
    assert hopes[2 * 0 + 1] == 10
    assert hopes[2 * 2 + 1] == 180


def test_ways_past_the_end_of_an_arrow_are_looked_at_less(monkeypatch):
    boxes = {"a": Rect(0, 0, 60, 30), "wall": Rect(-100, 60, 260, 30), "b": Rect(0, 130, 60, 30)}
    boxes |= {f"{i} {j}": Rect(200.0 * i, 200.0 + 60 * j, 60, 30) for i, j in itertools.product(range(-3, 4), range(9))}
    start, end = (30.0, 38.0), (30.0, 122.0)
    looked = []
    for onwards in (1, 0):
        lines = channels.Channels(Layout(boxes), [("a", "b", "data")], {start: {"a"}, end: {"b"}})
        quest = channels.Quest(0, {lines.at(start): 1}, {lines.at(end): 1}, {}, channels.NEVER)
        assert lines.search(quest._replace(onwards=onwards))
        looked.append(lines.looked)
    assert looked[0] < looked[1]
