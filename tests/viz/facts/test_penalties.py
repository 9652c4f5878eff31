"""Penalties of weights are one box beside the loss, and don't stand as many long branches among what else there is."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.architectures import fitted, numbers

TITLE = "weight penalties"


def penalized(count):
    """A network of which some layers are penalized, each with a kernel of its own shape."""
    inner = [layers.Dense(4 + i, kernel_regularizer="l2") for i in range(count)]
    net = ef.Sequential([layers.Input((3,)), *inner, layers.Dense(1)], name="net")
    return fitted(net, numbers(4, 3), numbers(4, 1))[0]


def titled(graph, title):
    return [node for node in graph.nodes.values() if node.title == title]


@pytest.mark.parametrize("depth", [None, 0, 1])
def test_penalties_of_layers_are_one_box(depth):
    graph = penalized(3).draw(depth=depth).graph
    (box,), (gradient,) = titled(graph, TITLE), titled(graph, f"∇ {TITLE}")
    assert box.lines[0] == "square  sum  multiply"
    read = {e.tail for e in graph.edges if e.head == box.id and e.kind == "parameter"}
    updated = {e.head for e in graph.edges if e.tail == gradient.id and e.kind == "gradient"}
    assert len(read) == len(updated) == (1 if depth == 0 else 0)
    assert ("reads 3 weights" in box.lines) == (depth != 0)
    assert titled(graph, "square") == []


def test_what_adds_the_penalties_to_the_loss_is_one_box_and_no_loop():
    graph = penalized(3).draw().graph
    ((box,), (gradient,)) = titled(graph, "add penalties"), titled(graph, "∇ add penalties")
    assert [len(box.ops), len(gradient.ops)] == [3, 3]
    assert len({e.tail for e in graph.edges if e.head == box.id}) == 2
    said = [*(text for node in graph.nodes.values() for text in node.lines), *(e.label for e in graph.edges)]
    assert [text for text in said if "round" in text or "last result" in text] == []
    assert [text for text in box.lines if text == "add"] == []


@pytest.mark.parametrize("view", ["both", "layers"])
def test_penalties_of_many_layers_say_which_in_place_of_as_many_arrows(view):
    graph = penalized(6).draw(view=view).graph
    (box,) = titled(graph, TITLE)
    (reads, keepers) = [line for line in box.lines if "weights" in line or line.startswith("of ")]
    assert reads == "reads 6 weights"
    assert re.fullmatch(r"of dense(_\d+)? … dense_\d+", keepers)
    assert [e for e in graph.edges if e.head == box.id] == []
    for gradient in titled(graph, f"∇ {TITLE}"):
        assert "→ adam" in gradient.lines
        assert [e for e in graph.edges if e.tail == gradient.id and graph.nodes[e.head].kind == "update"] == []


def test_what_weights_are_made_into_for_the_network_is_no_penalty():
    """As the transposed kernels of an autoencoder, and all that a function without layers computes."""
    weights = [ef.Variable(np.ones(shape, "float32"), name=name) for name, shape in (("a", (3, 4)), ("b", (4, 5)))]
    x = ops.ones((2, 3))
    with viz.trace() as t, ef.GradientTape() as tape:
        h = ops.tanh(x @ weights[0]) @ weights[1]
        h = ops.tanh(h @ ops.transpose(weights[1])) @ ops.transpose(weights[0])
        tape.gradient(ops.mean(h - x), weights)
    assert titled(t.draw().graph, TITLE) == []
    with viz.trace() as t:
        ops.sum(ops.exp(weights[0])) + ops.sum(ops.exp(weights[1]))
    assert titled(t.draw().graph, TITLE) == []


def _regularized(regularizer="l1"):
    """Two layers whose outputs are penalized, and one that isn't."""
    made = [layers.Dense(4, activation="relu", activity_regularizer=regularizer) for _ in range(2)]
    return ef.Sequential([*made, layers.Dense(2)])


def _boxes(recording, **options):
    return [
        node.title for node in recording.draw(view="forward", **options).graph.nodes.values() if node.lane == "forward"
    ]


def test_penalties_of_outputs_are_a_box_each_and_what_adds_them_one():
    model = _regularized()
    model.compile("sgd", "mse")
    x, y = np.ones((3, 5), "float32"), np.ones((3, 2), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    found = _boxes(t)
    assert found.count("activity penalty") == 2
    assert found.count("add penalties") == 1
    assert {"absolute", "divide", "add"}.isdisjoint(found)
    assert "absolute" in _boxes(t, depth=9)


@pytest.mark.parametrize("count", [1, 2])
def test_the_zero_with_which_a_sum_of_losses_begins_is_no_box(count):
    regularized = [layers.Dense(4, activity_regularizer=lambda x: ops.sum(ops.square(x))) for _ in range(count)]
    model = ef.Sequential([*regularized, layers.Dense(2)])
    x, y = np.ones((3, 5), "float32"), np.ones((3, 2), "float32")
    model(x)
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            loss = ops.mean(ops.square(model(x) - y)) + sum(model.losses)
        tape.gradient(loss, model.trainable_variables)
    found = t.draw(view="forward").graph.nodes.values()
    assert [node.title for node in found].count("activity penalty") == count
    assert not any("0 + x" in node.lines for node in found)
    assert any(node.title == "add penalties" for node in found)
