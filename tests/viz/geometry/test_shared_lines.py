"""Arrows from different boxes to one join at its end, or not at all: in Python and in the page."""

from __future__ import annotations

import itertools
import shutil

import pytest

from tests.viz.page.test_both_sides import SCENES, run
from tests.viz.page.test_page_geometry import PLACES
from viz.geometry.edge_routes import route
from viz.geometry.graph import Edge, Graph, Node
from viz.geometry.places import Layout, Rect

# What a layer is given, its kernel and its bias, reshaped beside the line from that to the op that reads all three.
BOXES = {
    "given": Rect(366, 526, 100, 30),
    "kernel": Rect(450, 732, 130, 40),
    "bias": Rect(465, 830, 128, 40),
    "head": Rect(350, 924, 132, 40),
}
TAILS = ("given", "kernel", "bias")


def by_python():
    graph = Graph(nodes={id_: Node(id_, "op", id_, row=id_) for id_ in BOXES})
    graph.edges = [Edge(tail, "head", "data") for tail in TAILS]
    return [way.corners for way in route(graph, Layout(dict(BOXES))).ways]


def by_the_page():
    if shutil.which("node") is None:
        pytest.skip("the scripts are run by node")
    program = """
    const box = ([id, x, y, w, h]) => [id, {id, row: id, frame: null, lane: "forward", x, y, w, h}];
    const nodes = new Map(given.boxes.map(box)),
      edges = given.tails.map((tail) => ({tail, head: "head", kind: "data"}));
    const scene = {nodes, frames: new Map(), edges};
    const router = new Router(scene, [], MOST_LOOKS);
    router.run();
    router.draw();
    return edges.map((edge) => edge.corners);
    """
    boxes = [(id_, box.x, box.y, box.w, box.h) for id_, box in BOXES.items()]
    return run([*SCENES, *PLACES], program, {"boxes": boxes, "tails": TAILS})


def shared(a, b):
    """How long two upright pieces lie on each other."""
    (ax, ay), (bx, by) = a
    (cx, cy), (dx, dy) = b
    return min(max(ay, by), max(cy, dy)) - max(min(ay, by), min(cy, dy)) if ax == bx == cx == dx else 0


@pytest.mark.parametrize("ways", [by_python, by_the_page])
def test_no_arrow_joins_one_to_the_same_box_and_leaves_it_again(ways):
    found = ways()
    for a, b in itertools.combinations(found, 2):
        pairs = [*itertools.product(itertools.pairwise(a), itertools.pairwise(b))]
        assert [pair for pair in pairs[:-1] if shared(*pair) > 0] == []


@pytest.mark.parametrize("ways", [by_python, by_the_page])
def test_a_line_straight_down_to_a_box_makes_no_room_for_one_from_the_side(ways):
    given, _, _ = ways()
    assert [list(corner) for corner in given] == [[416, 556], [416, 924]]
