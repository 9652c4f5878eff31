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
from viz.geometry.exits import exits
from viz.geometry.graph import Edge, Graph
from viz.geometry.placement import place
from viz.geometry.text_sizes import text_width


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


def test_those_that_two_boxes_share_end_in_the_order_in_which_they_begin():
    graph = splitting().draw().graph
    head = next(id_ for id_, node in graph.nodes.items() if node.title == "multiply")
    first, second = [way.corners for edge, way in zip(graph.edges, place(graph).ways) if edge.head == head]
    assert first[0][0] < second[0][0]
    assert first[-1][0] + 7 <= second[-1][0]


def test_their_labels_stand_where_they_leave():
    drawing = splitting().draw()
    for arrow in picture(drawing.svg, drawing.graph).arrows:
        if arrow.label.startswith(("q", "k", "v")):
            x, y = arrow.points[0]
            assert abs(arrow.at.left - x) < 10
            assert 0 <= arrow.at.top - y < 24
    assert sum(faults(picture(drawing.svg, drawing.graph)).values()) == 0


def test_outputs_without_a_name_are_numbered():
    with viz.trace() as t:
        parts = ops.split(np.ones((2, 4), "float32"), 2, axis=-1)
        _ = parts[0] * parts[1]
    graph = t.draw().graph
    assert [edge.label for edge in arrows_from(graph, "split")] == ["[0]  2×2 f32", "[1]  2×2 f32"]


def test_an_output_that_alone_is_read_is_no_other_than_the_only_one_of_an_op():
    with viz.trace() as t:
        mean, _ = ops.moments(np.ones((2, 4), "float32"), axes=-1)
        first, _ = ops.split(np.ones((2, 4), "float32"), 2, axis=-1)
        _ = ops.exp(first), ops.exp(mean)
    assert {edge.output for edge in t.draw().graph.edges} == {None}


def test_very_many_outputs_leave_a_box_as_one():
    with viz.trace() as t:
        parts = ops.split(np.ones((2, 16), "float32"), 16, axis=-1)
        _ = ops.concatenate([ops.exp(part) for part in parts[:2]] + parts[2:])
    assert {edge.output for edge in arrows_from(t.draw(collapse_repeats=False).graph, "split")} == {None}


def test_a_cast_that_is_shown_with_the_op_changes_nothing():
    model = ef.Sequential([layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")])
    with viz.trace() as t:
        model(np.ones((2, 3, 5), "float32"))
    graph = t.draw().graph
    (pair,) = {node.title for node in graph.nodes.values() if node.title.startswith("lstm")}
    found = arrows_from(graph, pair)
    assert len(found) == 2
    assert len({edge.output for edge in found}) == 2


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


def test_an_arrow_from_an_open_layer_to_the_loss_says_that_it_leads_around_the_activation():
    body = [layers.Dense(5, activation="relu"), layers.Dense(3, activation="softmax")]
    model = ef.Sequential([layers.Input((4,)), *body], name="net")
    recording, _ = fitted(model, numbers(4, 4), np.arange(4) % 3, "sparse_categorical_crossentropy")
    graph = recording.draw().graph
    told = [(graph.nodes[e.tail].title, graph.nodes[e.head].title) for e in graph.edges if "before" in e.label]
    assert told == [("dense", "sparse_softmax_crossentropy")]
    assert place(graph).ways


@pytest.mark.parametrize(
    "labels", [["2×3 f32", "before softmax  2×3 f32"], ["before softmax  2×3 f32", "2×3 f32", "1"]]
)
def test_outputs_are_as_far_apart_as_the_label_between_them_needs(labels):
    graph = Graph(edges=[Edge("box", str(i), "data", label, output=i) for i, label in enumerate(labels)])
    found = [exits(graph)["box", i] for i in range(len(labels))]
    gaps = [b - a for a, b in itertools.pairwise(found)]
    widths = [text_width(label, 9.5) + 12 for label in labels]
    assert all(0 <= gap - max(24, width) < 2 for gap, width in zip(gaps, widths))
    if len(labels) == 2:
        assert found[1] == 0  # straight down


def test_one_that_is_read_twice_has_one_name_and_one_way_out():
    with viz.trace() as t:
        first, second = ops.split(np.ones((2, 4), "float32"), 2, axis=-1)
        _ = ops.exp(first) + ops.tanh(first) * second
    graph = t.draw().graph
    ways = [(e, way) for e, way in zip(graph.edges, place(graph).ways) if e.output == 0]
    assert len({way.corners[0] for _, way in ways}) == 1
    assert sum(way.label is not None for _, way in ways) == 1


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


def test_the_way_back_through_a_network_stays_straight():
    graph = two_towers().draw().graph
    tails = {edge.tail for edge in graph.edges if edge.label == "∇ kernel, bias" and edge.output is not None}
    ways = zip(graph.edges, place(graph).ways)
    (main,) = [way for e, way in ways if e.tail in tails and e.label == "2×4 f32"]
    assert len(main.corners) == 2


def joined(loss_of, axis=0):
    """The picture of a step in which what two weights gave is concatenated."""
    x, weights = ef.Tensor(np.ones((2, 3), "float32")), [ef.Variable(np.ones((3, 2), "float32")) for _ in range(2)]
    with viz.trace() as t, ef.GradientTape() as tape:
        tape.gradient(loss_of(ops.concatenate([ops.exp(x @ w) for w in weights], axis=axis)), weights)
    return t.draw().graph


def test_gradients_of_what_was_concatenated_leave_apart_even_where_they_look_alike():
    graph = joined(ops.sum)
    (tail,) = [id_ for id_, node in graph.nodes.items() if node.title == "∇ concatenate"]
    found = [(edge.label, way.corners[0]) for edge, way in zip(graph.edges, place(graph).ways) if edge.tail == tail]
    assert [label for label, _ in found] == ["2×2 f32"] * 2
    assert len({place for _, place in found}) == 2


def test_gradients_of_what_was_concatenated_leave_apart_where_they_are_parts_of_a_mean_s_broadcast():
    graph = joined(lambda x: ops.sum(ops.square(ops.mean(x))), axis=-1)
    leaving = [edge.output for edge in graph.edges if graph.nodes[edge.tail].title == "∇ concatenate"]
    assert sorted(leaving) == [0, 1]


def test_different_gradients_that_look_alike_leave_an_op_apart():
    w = ef.Variable(np.ones((2, 2), "float32"))
    with viz.trace() as t, ef.GradientTape() as tape:
        tape.gradient(ops.sum(ops.exp(w) - ops.tanh(w)), w)
    graph = t.draw().graph
    leaving = [edge.output for edge in graph.edges if graph.nodes[edge.tail].title == "∇ subtract"]
    assert sorted(leaving) == [0, 1]


def test_one_gradient_for_several_operands_leaves_an_op_as_one():
    w = ef.Variable(np.ones((2, 2), "float32"))
    with viz.trace() as t, ef.GradientTape() as tape:
        tape.gradient(ops.sum(ops.exp(w) + ops.tanh(w)), w)
    assert {edge.output for edge in t.draw().graph.edges} == {None}


class Attention(layers.Layer):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (layers.Dense(4) for _ in range(3))

    def call(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return ops.matmul(ops.softmax(ops.matmul(q, ops.transpose(k, (0, 2, 1)))), v)


def test_layers_whose_results_lead_to_different_operands_leave_boxes_of_their_own():
    attention, x = Attention(), np.ones((2, 3, 4), "float32")
    with viz.trace() as t:
        attention(x)
    graph = t.draw(view="forward").graph
    assert [edge for edge in graph.edges if edge.output is not None] == []
    assert {"q", "k", "v"} <= {frame.title for frame in graph.clusters.values()}


class Moments(layers.Layer):
    def call(self, x):
        powers = [ops.exp(x * k) for k in (1.0, 2.0, 3.0)]
        return ops.sum(powers[0]) + ops.mean(powers[1]) + ops.max(powers[2])


def test_equal_ops_whose_results_lead_to_different_ops_are_no_one_box():
    moments, x = Moments(), ef.Variable(np.ones((2, 3), "float32"))
    with viz.trace() as t:
        moments(x)
    assert [node.title for node in t.draw().graph.nodes.values()].count("exp") == 3
