"""No arrow is a slanted line through a picture, not even one for which there is no room."""

from __future__ import annotations

import itertools

import pytest

from viz.geometry.edge_routes import route
from viz.geometry.graph import Edge, Graph, Node
from viz.geometry.layout import arrange


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
