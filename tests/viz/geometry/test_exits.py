"""Different outputs of one op or layer are different arrows, which leave it apart and are called by their names."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.architectures import fitted, numbers
from tests.viz.picture.geometry import faults, picture
from viz.geometry.placement import place


def splitting():
    a = ef.Tensor(np.ones((2, 6), "float32"))
    with viz.trace() as t:
        q, k, v = ops.split(a, 3, axis=-1)
        s = q * k
        _ = s + v
    return t


def arrows_from(graph, title):
    return [edge for edge in graph.edges if graph.nodes[edge.tail].title == title and edge.kind == "data"]


def test_each_output_has_an_arrow_with_its_name_to_each_argument():
    graph = splitting().draw().graph
    told = [(edge.label, graph.nodes[edge.head].title) for edge in arrows_from(graph, "split")]
    assert told == [("q  2×2 f32", "multiply"), ("k  2×2 f32", "multiply"), ("v  2×2 f32", "add")]


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
def test_outputs_leave_a_box_and_reach_another_at_places_of_their_own(rankdir):
    graph = splitting().draw().graph
    found = place(graph, rankdir)
    ways = [way for edge, way in zip(graph.edges, found.ways) if edge.output is not None]
    across = 1 if rankdir in ("LR", "RL") else 0
    begins = sorted(way.corners[0][across] for way in ways)
    ends = [way.corners[-1] for way in ways]
    assert min(b - a for a, b in itertools.pairwise(begins)) >= 24
    assert len({*ends}) == 3
    assert all(way.label is not None for way in ways)


class Encoder(layers.Layer):
    def __init__(self):
        super().__init__(name="encoder")
        self.mean, self.spread = layers.Dense(2), layers.Dense(2)

    def call(self, x):
        return self.mean(x), self.spread(x)


def test_so_are_those_of_a_layer_that_is_closed():
    encoder, x = Encoder(), np.ones((2, 4), "float32")
    with viz.trace() as t:
        mu, log_var = encoder(x)
        _ = mu + ops.exp(log_var)
    graph = t.draw(depth=0).graph
    found = {(edge.label, graph.nodes[edge.head].title) for edge in arrows_from(graph, "encoder")}
    assert found == {("mu  2×2 f32", "add"), ("log_var  2×2 f32", "exp")}


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_an_arrow_from_inside_of_a_closed_layer_says_so_also_where_it_is_the_only_one(dtype):
    ending = layers.Dense(3, activation="softmax", dtype=dtype)
    body = [layers.BatchNormalization(dtype=dtype), layers.Dense(5, dtype=dtype)]
    model = ef.Sequential([layers.Input((4,)), *body, ending], name="net")
    recording, _ = fitted(model, numbers(4, 4), np.arange(4) % 3, "sparse_categorical_crossentropy")
    graph = recording.draw(view="layers").graph
    labels = {graph.nodes[e.tail].title: e.label for e in graph.edges if e.kind == "data" and e.label}
    told = {title: label for title, label in labels.items() if "before" in label}
    assert list(told) == [ending.name]
    assert told[ending.name].startswith("before softmax  4×3 f")
    (way,) = [way for e, way in zip(graph.edges, place(graph).ways) if e.label == told[ending.name]]
    assert way.label is not None


def two_towers():
    """A step in which a layer is called twice, so that gradients of weights lead to the update of the first call."""
    tower = ef.Sequential([layers.Dense(4, activation="relu"), layers.Dense(3)], name="tower")
    a, b = layers.Input((5,)), layers.Input((5,))
    model = ef.Model([a, b], layers.Concatenate()([tower(a), layers.Dense(2)(b), tower(b)]))
    model.compile("sgd", "mse")
    data = [np.ones((2, 5), "float32")] * 2, np.ones((2, 8), "float32")
    model.train_on_batch(*data)
    with viz.trace() as t:
        model.train_on_batch(*data)
    return t


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_gradients_of_inputs_and_of_weights_leave_an_op_at_places_of_their_own(rankdir):
    drawing = two_towers().draw(rankdir=rankdir)
    graph = drawing.graph
    ways = place(graph, rankdir).ways
    found = {}
    for edge, way in zip(graph.edges, ways):
        if edge.kind == "gradient" and edge.output is not None:
            found.setdefault(edge.tail, {})[edge.label] = way.corners[0]
    of_weights = [labels for labels in found.values() if "∇ kernel, bias" in labels]
    assert len(of_weights) == 1  # the last layer of the second call; its first one has but those of weights
    for labels in found.values():
        assert len({*labels.values()}) == len(labels)
    assert {*found[next(id_ for id_, n in graph.nodes.items() if n.title == "∇ concatenate")]} == {"2×3 f32", "2×2 f32"}
    assert sum(faults(picture(drawing.svg, graph))[name] for name in ("labels missing", "lines on lines")) == 0


class Moments(layers.Layer):
    def call(self, x):
        powers = [ops.exp(x * k) for k in (1.0, 2.0, 3.0)]
        return ops.sum(powers[0]) + ops.mean(powers[1]) + ops.max(powers[2])


def test_equal_ops_whose_results_lead_to_different_ops_are_no_one_box():
    moments, x = Moments(), ef.Variable(np.ones((2, 3), "float32"))
    with viz.trace() as t:
        moments(x)
    assert [node.title for node in t.draw().graph.nodes.values()].count("exp") == 3
