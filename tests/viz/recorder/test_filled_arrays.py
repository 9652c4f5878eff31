"""What `ops.ones` and the like make is given by nobody: a constant, no input."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, losses, ops
from viz.facts.schema import Record
from viz.recorder import record_builder


def roles(t, name):
    """Of what the ops of a name read."""
    return [t.tensors[i].role for op in t.ops if op.name == name for i in op.inputs]


def drawn(t):
    """The titles of the boxes that no op stands for."""
    return sorted(node.title for node in t.draw().graph.nodes.values() if node.kind == "input")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda x: ops.ones((4, 2)), "ones"),
        (lambda x: ops.zeros_like(x), "zeros"),
        (lambda x: ops.full((4, 2), 3.5), "full(3.5)"),
        (lambda x: ops.arange(2.0), "arange(2)"),
        (lambda x: ops.arange(1, 3), "arange(1, 3)"),
        (lambda x: ops.arange(4, 0, -2), "arange(4, 0, -2)"),
        (lambda x: ops.eye(4, 2), "eye"),
        (lambda x: ops.tri(4, 2), "tri"),
    ],
)
def test_an_array_that_an_op_fills_is_a_constant_beside_what_was_given(make, name):
    given = ef.Tensor(np.ones((4, 2), "float32"))
    with viz.trace() as t:
        ops.add(given, make(given))
    assert roles(t, "add") == ["input", "constant"]
    assert drawn(t) == sorted(["given", name])


def test_the_classes_of_one_hot_are_a_constant():
    actions = ef.Tensor(np.array([1, 0, 1]))
    with viz.trace() as t:
        ops.multiply(ops.one_hot(actions, 2), 3.0)
    assert drawn(t) == ["actions"]  # the box of the call says it all
    assert [box.title for box in t.draw(depth=9).graph.nodes.values() if box.kind == "input"] == [
        "actions",
        "arange(2)",
    ]


def test_what_a_layer_a_model_or_a_loss_is_given_is_an_input_whoever_filled_it():
    model = ef.Sequential([layers.Dense(1)])
    loss = losses.MeanSquaredError()
    with viz.trace() as t:
        loss(ops.ones((4, 1)), model(ops.ones((4, 2))))
    assert drawn(t) == ["input", "target"]


def test_what_a_layer_fills_for_itself_has_no_box():
    class Shifted(layers.Layer):
        def call(self, x):
            return x + ops.arange(2.0)

    with viz.trace() as t:
        Shifted()(np.ones((4, 2), "float32"))
    assert drawn(t) == ["input"]
    assert roles(t, "add") == ["input", "constant"]


def test_what_the_code_calls_such_an_array_is_its_name():
    with viz.trace() as t:
        positions = ops.arange(2.0)
        ops.add(np.ones((4, 2), "float32"), positions)
    assert "positions" in drawn(t)


def test_an_op_inside_of_a_layer_that_reads_nothing_else_begins_at_a_box():
    class Counting(layers.Layer):
        def call(self, x):
            return x * ops.exp(ops.arange(3.0))

    layer, x = Counting(), np.ones((2, 3), "float32")
    layer(x)
    with viz.trace() as t:
        layer(x)
    graph = t.draw().graph
    boxes = {node.id for node in graph.nodes.values() if node.title == "arange(3)"}
    assert boxes
    heads = [node.id for node in graph.nodes.values() if node.kind == "op"]
    assert {*heads} <= {edge.head for edge in graph.edges}


def test_what_a_model_fills_for_one_of_its_layers_is_called_after_the_op():
    class Placed(ef.Model):
        def __init__(self):
            super().__init__()
            self.places = layers.Embedding(3, 2)

        def call(self, x):
            return x + self.places(ops.arange(3))

    model, x = Placed(), np.ones((4, 3, 2), "float32")
    model(x)
    with viz.trace() as t:
        model(x)
    assert drawn(t) == ["arange(3)", "x"]


@pytest.mark.parametrize(("triangle", "name"), [(ops.tril, "tril"), (lambda x: ops.triu(x, 1), "triu(1)")])
def test_the_triangle_that_is_kept_of_a_matrix_is_called_after_the_op(triangle, name):
    with viz.trace() as t:
        triangle(np.ones((3, 3), "float32"))
    assert name in drawn(t)


class Counted(list):
    """A list that knows how often somebody went through it."""

    times = 0

    def __iter__(self):
        self.times += 1
        return super().__iter__()


def test_a_long_recording_is_looked_through_as_often_as_a_short_one(monkeypatch):
    """A loop that fills targets anew in each step, as a GAN's does, took minutes to be written."""
    model, loss = ef.Sequential([layers.Dense(1)]), losses.MeanSquaredError()
    monkeypatch.setattr(record_builder, "Record", lambda **facts: Record(scopes=Counted(), **facts))

    def times(count):
        with viz.trace() as t:
            for _ in range(count):
                loss(ops.ones((4, 1)), model(ops.ones((4, 2))))
        return t.scopes.times

    times(1)  # builds the model
    assert 0 < times(20) == times(5)
