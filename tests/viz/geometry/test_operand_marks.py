"""A box says which operand an arrow carries wherever that matters, and what is drawn agrees with what was computed."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.geometry import picture

SVG = "{http://www.w3.org/2000/svg}"


def told(recording, **options):
    """For each box with marks: by what its arrows come from, the mark that is written where each ends."""
    graph = recording.draw(**options).graph
    found = {}
    for edge in graph.edges:
        if edge.operand:
            found.setdefault(graph.nodes[edge.head].title, {})[graph.nodes[edge.tail].title] = edge.operand
    return found


def computed(make, **options):
    a, b, c = (ef.Tensor(np.full((2, 2), value, "float32")) for value in (1.0, 2.0, 3.0))
    with viz.trace() as t:
        make(ops.exp(a), ops.tanh(b), ops.sin(c))
    return told(t, **options)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("subtract", lambda a, b, _: b - a),
        ("divide", lambda a, b, _: b / a),
        ("power", lambda a, b, _: b**a),
        ("matmul", lambda a, b, _: b @ a),
        ("greater", lambda a, b, _: b > a),
        ("concatenate", lambda a, b, _: ops.concatenate([b, a])),
        ("stack", lambda a, b, _: ops.stack([b, a])),
    ],
)
def test_ops_whose_operands_cannot_be_exchanged(name, make):
    assert computed(make) == {name: {"tanh": "1", "exp": "2"}}


@pytest.mark.parametrize("make", [lambda a, b, _: b + a, lambda a, b, _: b * a, lambda a, b, _: ops.maximum(b, a)])
def test_others_say_nothing(make):
    assert computed(make) == {}


def test_an_operand_that_is_given_twice():
    assert computed(lambda a, b, _: ops.concatenate([a, b, a])) == {"concatenate": {"exp": "1, 3", "tanh": "2"}}
    assert computed(lambda a, *_: ops.concatenate([a, a])) == {}  # one arrow, which is all there is


def test_many_operands_from_one_box_are_told_as_a_range():
    with viz.trace() as t:
        parts = ops.split(ops.exp(ef.Tensor(np.ones((7, 2), "float32"))), 7)
        ops.concatenate([ops.tanh(parts[0]), *parts[1:]])
    assert told(t) == {"concatenate": {"tanh": "1", "split": "2–7"}}


def test_three_operands_and_a_variable():
    assert computed(lambda a, b, c: ops.where(c > 0.5, b, a))["where"] == {"greater": "1", "tanh": "2", "exp": "3"}
    w = ef.Variable(np.ones((2, 2), "float32"), name="w")
    assert computed(lambda a, *_: w @ a) == {"matmul": {"w": "1", "exp": "2"}}


def test_a_cast_that_has_no_box_is_passed_on():
    with viz.trace() as t:
        ops.exp(ef.Tensor(np.ones(2, "float32"))) - ops.sin(ef.Tensor(np.ones(2, "float16")))
    assert told(t) == {"subtract": {"exp": "1", "sin": "2"}}


def test_a_closed_layer_says_it_too():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    net = ef.Model([a, b], layers.Subtract()([layers.Dense(2, name="p")(b), layers.Dense(2, name="q")(a)]))
    with viz.trace() as t:
        net([np.ones((1, 2), "float32")] * 2)
    (marks,) = told(t, view="layers").values()
    assert marks == {"p": "1", "q": "2"}


PLACES = np.array([1, 0], "int32")


@pytest.mark.parametrize(
    ("make", "mark"),
    [
        (lambda x, i: x[i], "index"),
        (lambda x, i: x[:, i], "index"),
        (lambda x, i: x[i > 0], "index"),
        (lambda x, i: x[i, i], "index 1, 2"),
        (lambda x, i: ops.get_item(x, i), "index"),
        (lambda x, i: ops.take(x, i, axis=0), "index"),
        (lambda x, i: ops.take_along_axis(x, i[:, None], axis=1), "index"),
        (lambda x, i: ops.segment_sum(x, i, num_segments=2), "index"),
        (lambda x, i: ops.segment_max(x, i, num_segments=2), "index"),
        (lambda x, i: ops.scatter(i[:, None], x, (4, 2)), "index"),
        (lambda x, i: ops.scatter_update(x, i[:, None], x), "index"),
    ],
)
@pytest.mark.parametrize("depth", [None, 9])
def test_a_tensor_that_is_an_index_has_an_arrow_that_says_so(make, mark, depth):
    """It is computed, and so what made it is to be seen, also where a function is composed of ops, open and closed."""
    with viz.trace() as t:
        make(ops.exp(ef.Tensor(np.ones((2, 2), "float32"))), ops.abs(ef.Tensor(PLACES)))
    graph = t.draw(depth=depth).graph
    marked = [(edge, graph.nodes[edge.head]) for edge in graph.edges if edge.operand == mark]
    ((index, head),) = marked
    assert "exp" in {graph.nodes[edge.tail].title for edge in graph.edges if edge.head == head.id and edge is not index}
    before, titles = index.tail, []
    while before is not None:  # as far up as the numbers come from
        titles.append(graph.nodes[before].title)
        before = next((edge.tail for edge in graph.edges if edge.head == before), None)
    assert "absolute" in titles


def test_indices_of_several_axes_are_numbered():
    with viz.trace() as t:
        rows, columns = ops.abs(ef.Tensor(PLACES)), ops.square(ef.Tensor(PLACES))
        ops.exp(ef.Tensor(np.ones((2, 2), "float32")))[rows, columns]
    assert told(t) == {"take_index": {"absolute": "index 1", "square": "index 2"}}


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_marks_stand_in_their_box_where_the_arrow_ends(rankdir):
    with viz.trace() as t:
        ops.exp(ef.Tensor(np.ones((2, 2), "float32"))) @ ops.tanh(ef.Tensor(np.ones((2, 2), "float32")))
    drawing = t.draw(rankdir=rankdir)
    seen = picture(drawing.svg, drawing.graph)
    box = next(rect for id_, rect in seen.boxes.items() if drawing.graph.nodes[id_].title == "matmul")
    ends = {e.operand: arrow.points[-1] for e, arrow in zip(drawing.graph.edges, seen.arrows) if e.operand}
    marks = [g.find(f"{SVG}text") for g in ET.fromstring(drawing.svg).iter(f"{SVG}g") if g.get("class") == "operand"]
    assert sorted(mark.text for mark in marks) == ["1", "2"]
    for mark in marks:
        x, y = float(mark.get("x")), float(mark.get("y"))
        assert box.left < x < box.right
        assert box.top < y < box.bottom
        assert abs(x - ends[mark.text][0]) + abs(y - ends[mark.text][1]) < 16
    assert all(f'label="{place}"' in drawing.source for place in "12")


def test_outputs_of_recurrent_ops_have_the_names_that_everybody_gives_them():
    x = ef.Tensor(np.ones((2, 5, 3), "float32"))
    both = layers.Bidirectional(layers.GRU(4, return_sequences=True))
    both(x)
    with viz.trace() as t:
        both(x)
    labels = {e.label for e in t.draw(view="forward").graph.edges if e.output is not None}
    assert labels == {"forward  2×5×4 f32", "backward  2×5×4 f32"}
    cell = layers.LSTM(4, return_state=True)
    cell(x)
    with viz.trace() as t:
        _, h, c = cell(x)
        ops.exp(h), ops.tanh(c)
    labels = [e.label for e in t.draw(view="forward", depth=9).graph.edges if e.output is not None]
    assert labels == ["h  2×4 f32", "c  2×4 f32"]


def test_a_closed_layer_tells_what_is_read_of_what_is_inside_from_what_it_gives():
    """A loss that reads logits takes them from before the softmax; the metric reads what the layer gives."""
    net = ef.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax", name="last")])
    net.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.ones((5, 4), "float32"), np.arange(5) % 3
    with viz.trace() as t:
        net.train_on_batch(x, y)
    graph = t.draw(view="layers").graph
    leaving = {graph.nodes[e.head].title: e.label for e in graph.edges if graph.nodes[e.tail].title == "last"}
    assert leaving == {"accuracy": "5×3 f32", "sparse_softmax_crossentropy": "before softmax  5×3 f32"}
    with viz.trace() as t:
        net(x)
    assert [e.output for e in t.draw(view="layers").graph.edges] == [None]
