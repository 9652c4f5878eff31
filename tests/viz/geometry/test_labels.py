"""Where the labels of arrows stand."""

from __future__ import annotations

import pytest

from viz.geometry.edge_routes import Route
from viz.geometry.graph import Edge, Graph, Node
from viz.geometry.labels import SIZE, place_labels
from viz.geometry.places import Layout, Rect

LINE = 28.0  # where a line crosses the arrow


def labelled(end: float) -> tuple[Route, list[int]]:
    """An arrow downwards to a box at `end`, crossed by another arrow's line."""
    graph = Graph(nodes={name: Node(name, "op", name, row=name) for name in "abcd"})
    graph.edges = [Edge("a", "b", "data", "8×3 f32"), Edge("c", "d", "data")]
    layout = Layout({"a": Rect(0, 0, 60, 20), "b": Rect(0, end, 60, 20)})
    ways = [Route([(30, 20), (30, end)]), Route([(-80, LINE), (200, LINE)])]
    return ways[0], place_labels(graph, layout, ways)


@pytest.mark.parametrize(("end", "clear"), [(100.0, True), (50.0, False)])
def test_labels_keep_off_lines_above_and_below_where_there_is_room(end, clear):
    way, lost = labelled(end)
    assert lost == []
    gap = way.label[1] - 0.8 * SIZE - LINE
    assert gap > 0
    assert (gap >= 3) is clear


def test_where_arrows_with_other_labels_begin_as_one_line_each_label_is_at_its_own_branch():
    graph = Graph(nodes={name: Node(name, "op", name, row=name) for name in "abcd"})
    graph.edges = [
        Edge("a", "b", "data", "8×3 f32"),
        Edge("a", "c", "data", "8×5 f32"),
        Edge("a", "d", "data", "8×5 f32"),
    ]
    layout = Layout({"a": Rect(0, 0, 60, 20), "b": Rect(0, 200, 60, 20), "c": Rect(200, 200, 60, 20)})
    fork = 60
    ways = [
        Route([(30, 20), (30, 200)]),
        Route([(30, 20), (30, fork), (230, fork), (230, 200)]),
        Route([(30, 20), (30, fork), (130, fork), (130, 200)]),
    ]
    assert place_labels(graph, layout, ways) == []
    assert ways[0].label[1] > fork
    assert ways[1].label[0] > 30 + 4
    assert ways[2].label is None  # the same as its neighbour's
    alone = Route([(30, 20), (30, 200)])
    graph.edges = graph.edges[:1]
    place_labels(graph, layout, [alone])
    assert alone.label[1] < fork  # near the tail


def test_a_label_keeps_off_lines_of_other_arrows_to_which_it_would_seem_to_belong():
    graph = Graph(nodes={each: Node(each, "op", each, row=each) for each in "abcd"})
    graph.edges = [Edge("a", "b", "data", label="4×4 f32"), Edge("c", "d", "data")]
    boxes = {
        "a": Rect(0, 0, 60, 30),
        "b": Rect(0, 200, 60, 30),
        "c": Rect(-200, 50, 60, 30),
        "d": Rect(300, 50, 60, 30),
    }
    layout = Layout(boxes)
    across = Route([(-140, 46), (300, 46)])  # the place next to the tail is just above it
    way = Route([(30, 30), (30, 200)])
    assert place_labels(graph, layout, [way, across]) == []
    above, below = way.label[1] - 0.8 * SIZE, way.label[1] + 0.26 * SIZE
    assert above - 46 >= 8 or 46 - below >= 8
    beside = Route([(48, -20), (48, 240)])  # as near to what stands right of the line as that is
    assert place_labels(graph, layout, [way, beside]) == []
    assert way.label[0] < 30
