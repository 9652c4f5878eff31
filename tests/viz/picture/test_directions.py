"""Pictures that lead up, to the right or to the left are our own, and as orderly as those that lead down."""

from __future__ import annotations

import pytest

from tests.viz.picture.architectures import ALL
from tests.viz.picture.test_geometry import check
from viz.geometry.placement import place


@pytest.mark.parametrize("rankdir", ["LR", "RL", "BT"])
@pytest.mark.parametrize(
    "name", ["siamese", *(pytest.param(name, marks=pytest.mark.slow) for name in ("gan", "many_ends"))]
)
def test_nothing_lies_on_anything_else(name, rankdir):
    recording, _ = ALL[name]()
    check(recording.draw(rankdir=rankdir))
    check(recording.draw(rankdir=rankdir, view="layers", theme="dark"))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ALL)[::2])
def test_nothing_lies_on_anything_else_from_left_to_right(name):
    recording, _ = ALL[name]()
    # Sideways there is not always a way around a foreign frame for each of DenseNet's many long arrows.
    most = 2 if name == "densenet" else 0
    # Of two outputs of a low box, `before softmax` has no room beside it, and one of DenseNet's many has none either.
    unlabelled = 1 if name in ("convnet", "densenet") else 0
    for view in ("both", "forward", "backward", "layers"):
        check(recording.draw(rankdir="LR", view=view), most, unlabelled if view == "layers" or most else 0)


@pytest.mark.parametrize(
    ("rankdir", "axis", "sign"), [("TB", "y", 1), ("BT", "y", -1), ("LR", "x", 1), ("RL", "x", -1)]
)
def test_data_flows_that_way_and_gradients_back(rankdir, axis, sign):
    recording, _ = ALL["mlp"]()
    drawing = recording.draw(rankdir=rankdir)
    boxes, edges = place(drawing.graph, rankdir).layout.nodes, drawing.graph.edges
    nodes = drawing.graph.nodes
    for edge in edges:
        if nodes[edge.tail].row != nodes[edge.head].row and edge.kind in ("data", "gradient"):
            onwards = getattr(boxes[edge.head], axis) - getattr(boxes[edge.tail], axis)
            assert sign * onwards * (1 if edge.kind == "data" else -1) > 0
