"""What is computed from weights alone stands above the op that reads it: in Python and in the page."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.geometry.layout import arrange
from viz.geometry.placement import place
from viz.geometry.weight_branches import weight_branches


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
