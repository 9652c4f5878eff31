"""Where layers and branches of weights stand in a picture, and how their arrows get there."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.geometry.alignment import aligned
from viz.geometry.edge_routes import route
from viz.geometry.graph import Edge, Graph, Node
from viz.geometry.layer_order import Link, in_order
from viz.geometry.layout import arrange
from viz.geometry.placement import place
from viz.geometry.weight_branches import weight_branches


def test_neighbours_are_swapped_where_their_arrows_cross():
    links = [Link(0, 3), Link(1, 2)]
    assert in_order([0, 0, 1, 1], links) in ([[0, 1], [3, 2]], [[1, 0], [2, 3]])


def test_what_does_not_cross_keeps_its_order():
    assert in_order([0, 0, 1, 1], [Link(0, 2), Link(1, 3)]) == [[0, 1], [2, 3]]


def test_units_stand_below_what_they_read():
    places = aligned([[0, 1], [2]], [40.0, 60.0, 20.0], [Link(1, 2)], 10.0)
    assert places == {0: 0.0, 1: 50.0, 2: 70.0}  # its middle at 80


def test_units_that_want_the_same_place_share_it_and_keep_apart():
    places = aligned([[0], [1, 2]], [100.0, 40.0, 40.0], [Link(0, 1), Link(0, 2)], 10.0)
    assert places[2] - places[1] == 50.0
    assert places[0] + 50 in (places[1] + 20, places[1] + 45)  # above the first of them, or between both


def test_straight_ways_may_make_everything_a_little_wider():
    below = {2 + i: Link(1, 2 + i) for i in range(2)}
    for width, wider in ((40.0, True), (2000.0, False)):
        places = aligned([[0, 1], [*below]], [width] * 4, [*below.values()], 10.0)
        assert (max(places.values()) + width > 2 * width + 10) == wider


def test_the_longest_branch_goes_straight_on_with_what_comes_behind_it():
    layers = [[0], [1, 2], [3], [4]]  # 0 leads to 4 by way of 1, and of 2 and 3
    links = [Link(0, 1), Link(0, 2), Link(1, 4), Link(2, 3), Link(3, 4)]
    places = aligned(layers, [60.0] * 5, links, 10.0)
    assert places[0] == places[2] == places[3] == places[4]


def test_what_reads_nothing_stands_above_its_first_reader():
    places = aligned([[0], [1, 2]], [20.0, 50.0, 50.0], [Link(0, 2)], 10.0)
    assert places[0] + 10 == places[2] + 25


GAP = 20.0


@pytest.mark.parametrize("out", [0.2, 0.9])
def test_the_branch_that_goes_on_stands_below_what_it_comes_from(out):
    links = [(0, 1, 0.5, 0.5), (1, 2, 0.5, 0.2), (1, 2, 0.5, 0.9), (2, 3, out, 0.5)]
    lefts = aligned([[0], [1], [2], [3]], [100.0, 100.0, 300.0, 100.0], links, GAP)
    middle = lefts[2] + out * 300
    assert {lefts[unit] + 50 for unit in (0, 1, 3)} == {middle}


def test_what_comes_from_several_units_stands_by_all_of_them():
    links = [(0, 2, 0.5, 0.2), (1, 2, 0.5, 0.9), (2, 3, 0.2, 0.5)]
    lefts = aligned([[0, 1], [2], [3]], [100.0, 100.0, 300.0, 100.0], links, GAP)
    assert lefts[1] - lefts[0] >= 100 + GAP


def test_an_input_stands_above_what_reads_it_first_though_a_later_reader_leads_on_as_long():
    links = [(0, 1, 0.5, 0.5), (0, 4, 0.5, 0.5), (1, 2, 0.5, 0.5), (2, 3, 0.5, 0.5), (3, 4, 0.5, 0.9)]
    lefts = aligned([[0], [1], [2], [3], [4]], [100.0, 100.0, 100.0, 100.0, 400.0], links, GAP)
    assert lefts[0] == lefts[1] == lefts[2]


@pytest.fixture
def twice():
    """A gradient, what computes the gradient of it, and what is computed of that: two arrows against all others."""
    lanes = {"f": "forward", "g": "backward", "again": "forward", "sum": "forward"}
    graph = Graph(
        nodes={id_: Node(id_, "op", id_, row="f" if id_ == "g" else id_, lane=lane) for id_, lane in lanes.items()}
    )
    graph.edges = [Edge("f", "again", "data"), Edge("again", "g", "gradient"), Edge("g", "sum", "gradient")]
    return graph


def slanted(ways):
    pairs = [pair for way in ways for pair in itertools.pairwise(way.corners)]
    return [pair for pair in pairs if pair[0][0] != pair[1][0] and pair[0][1] != pair[1][1]]


def test_one_that_begins_where_another_ends_has_a_place_of_its_own(twice):
    found = route(twice, arrange(twice))
    assert found.lost == []
    assert found.ways[1].corners[-1] != found.ways[2].corners[0]
    assert slanted(found.ways) == []


class Joined(layers.Layer):
    """Puts what is computed from two weights beside its input."""

    def build(self, shape):
        self.a = self.add_weight(shape=(2, 3), name="a")
        self.b = self.add_weight(shape=(2, 2), name="b")

    def call(self, x):
        return ops.concatenate([x, ops.tanh(self.a), ops.exp(self.b)], axis=1)


@pytest.fixture(scope="module")
def recording():
    model = ef.Sequential([layers.Dense(4), Joined(), layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.ones((2, 5), "float32"), np.ones((2, 2), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    return t


def rows(graph):
    found = {}
    for node in graph.nodes.values():
        found.setdefault(node.row, []).append(node)
    return found


def titled(graph, title):
    (node,) = [node for node in graph.nodes.values() if node.title == title]
    return node


@pytest.mark.parametrize("view", ["both", "forward"])
def test_branches_are_found(recording, view):
    graph = recording.draw(view=view).graph
    concatenate, tanh, exp = (titled(graph, title).row for title in ("concatenate", "tanh", "exp"))
    assert weight_branches(graph) == {concatenate: [tanh, exp]}


def test_they_stand_above_their_reader_between_what_runs_down_and_up(recording):
    graph = recording.draw().graph
    boxes = arrange(graph).nodes
    down, up = boxes[titled(graph, "concatenate").id], boxes[titled(graph, "∇ concatenate").id]
    upper, lower = ([boxes[node.id] for node in rows(graph)[titled(graph, title).row]] for title in ("tanh", "exp"))
    assert len(upper) == len(lower) == 4
    for box in [*upper, *lower]:
        assert down.middle[0] < box.x
        assert box.x + box.w < up.middle[0]
    assert max(box.y + box.h for box in upper) < min(box.y for box in lower)
    assert max(box.y + box.h for box in lower) < down.y


@pytest.mark.parametrize("view", ["both", "forward"])
def test_what_runs_through_the_network_passes_them_straight(recording, view):
    graph = recording.draw(view=view).graph
    reader = titled(graph, "concatenate").id
    others = {titled(graph, title).id for title in ("tanh", "exp")}
    ways = [way for edge, way in zip(graph.edges, place(graph).ways) if edge.head == reader and edge.kind == "data"]
    tails = [edge.tail for edge in graph.edges if edge.head == reader and edge.kind == "data"]
    (main,) = [way for way, tail in zip(ways, tails) if tail not in others]
    assert len(main.corners) == 2
    assert len({way.corners[-1] for way in ways}) == 3


def test_what_only_weights_lead_to_is_no_branch():
    """The main way of a computation may begin with weights."""
    w = ef.Variable(np.ones((2, 2), "float32"))
    with viz.trace() as t:
        ops.sum(ops.exp(ops.tanh(w)))
    assert weight_branches(t.draw().graph) == {}
