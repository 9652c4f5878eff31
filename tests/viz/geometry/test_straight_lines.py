"""Straight lines between boxes tell which order of boxes is worth looking for ways in."""

from __future__ import annotations

import pytest

from tests.viz.picture.geometry import crossings, picture
from tests.viz.picture.loops import LOOPS
from viz.geometry.graph import Edge, Graph, Node
from viz.geometry.layout import arrange
from viz.geometry.places import Layout, Rect
from viz.geometry.straight_lines import straight_crossings


def square(*ends):
    """Arrows between two boxes above, a and b, and two below, c and d."""
    graph = Graph(nodes={id_: Node(id_, "op", id_, row=id_) for id_ in "abcd"})
    graph.edges = [Edge(tail, head, "data") for tail, head in ends]
    places = {"a": (0, 0), "b": (100, 0), "c": (0, 100), "d": (100, 100)}
    return graph, Layout({id_: Rect(x, y, 50, 20) for id_, (x, y) in places.items()})


@pytest.mark.parametrize(
    ("ends", "count"), [(("ad", "bc"), 1), (("ac", "bd"), 0), (("ad", "ac"), 0), (("da", "cb"), 1)]
)
def test_lines_are_counted_that_share_no_box(ends, count):
    assert straight_crossings(*square(*ends)) == count


def test_arrows_of_one_row_are_not_counted():
    graph, layout = square("ad", "bc")
    graph.nodes["d"].row = "a"
    assert straight_crossings(graph, layout) == 0


@pytest.mark.slow
def test_the_order_with_fewer_is_drawn():
    recording, _ = LOOPS["actor_critic"]()
    for op in recording.ops:
        op.start = op.end = None  # boxes are as wide as their texts, and times are other ones in each run
    drawing = recording.draw()
    assert straight_crossings(drawing.graph, arrange(drawing.graph)) > 15
    assert crossings(picture(drawing.svg, drawing.graph).arrows) < 14
