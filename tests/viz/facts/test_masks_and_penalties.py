"""Masks, and penalties of weights and outputs, are one box each."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.architectures import fitted, numbers

WORDS = np.array([[1, 2, 3, 0], [4, 0, 0, 0]])


def tagger(**options):
    """A class for each word, of which those that fill up don't count."""
    inner = [layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3, return_sequences=True), layers.Dense(2)]
    model = ef.Sequential([layers.Input((4,), dtype="int32"), *inner])
    return fitted(model, WORDS, WORDS % 2, ef.losses.SparseCategoricalCrossentropy(from_logits=True))[0].draw(**options)


def titles(drawing, lane="forward"):
    return [node.title for node in drawing.graph.nodes.values() if node.lane == lane and node.kind in ("op", "scope")]


def test_the_share_of_a_loss_that_counts_is_one_box():
    drawing = tagger()
    found = titles(drawing)
    assert found.count("mask") == 2  # the embedding's, and the loss's
    assert {"not_equal", "where", "equal"}.isdisjoint(found)
    (first, second) = [node for node in drawing.graph.nodes.values() if node.title == "mask"]
    assert first.lines[:2] == ["not_equal", "x != 0"]
    assert [edge.kind for edge in drawing.graph.edges if (edge.tail, edge.head) == (first.id, second.id)] == ["data"]
    assert len(second.ops) > 5


def test_it_opens():
    drawing = tagger(depth=99)
    assert {"where", "equal", "sum"} <= set(titles(drawing))
    assert "mask" in [frame.title for frame in drawing.graph.clusters.values()]


def test_a_mask_that_an_attention_gives_axes_is_one_box():
    x = given = layers.Input((4,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(x)
    x = layers.MultiHeadAttention(2, 2, name="attention")(x, x)
    model = ef.Model(given, layers.Dense(1)(layers.GlobalAveragePooling1D()(x)))
    drawing = fitted(model, WORDS, numbers(2, 1))[0].draw()
    assert "logical_and" not in titles(drawing)
    assert titles(drawing).count("mask") == 2


@pytest.mark.parametrize("count", [1, 2])
def test_masks_of_ones_own_code_stay_what_they_are(count):
    class Masked(ef.Model):
        def call(self, x):
            keep = x > 0
            for _ in range(count):
                keep = ops.logical_and(keep, ops.logical_not(keep))
            return ops.where(keep, x, 0.0)

    model = Masked()
    with viz.trace() as t:
        model(numbers(2, 3))
    found = titles(t.draw(depth=9))
    assert "mask" not in found
    assert found.count("logical_and") == count


CAUSAL = {"use_causal_mask": True}


@pytest.mark.parametrize(
    ("layer", "called"),
    [
        (layers.MultiHeadAttention(2, 2), CAUSAL),
        (layers.MultiHeadAttention(2, 2), {**CAUSAL, "return_attention_scores": True}),
        (layers.GroupQueryAttention(2, 2, 1), CAUSAL),
    ],
)
def test_a_causal_mask_is_one_box_that_reads_nothing(layer, called):
    words = ef.Tensor(numbers(2, 4, 4))
    with viz.trace() as t:
        layer(words, words, **called)
    drawing = t.draw()
    assert "causal mask" in titles(drawing)
    assert "greater_equal" not in titles(drawing)
    (mask,) = [node.id for node in drawing.graph.nodes.values() if node.title == "causal mask"]
    assert not [edge for edge in drawing.graph.edges if edge.head == mask]
    assert not [node.title for node in drawing.graph.nodes.values() if node.title.startswith("arange")]


def test_positions_that_a_layer_counts_are_no_mask():
    class Placed(layers.Layer):
        def call(self, x):
            return x + ops.reshape(ops.cast(ops.arange(4), "float32"), (4, 1))

    with viz.trace() as t:
        Placed()(numbers(2, 4, 4))
    assert not [title for title in titles(t.draw()) if title.endswith("mask")]


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


def test_penalties_of_two_layers_say_so_in_words_that_name_both():
    """Their arrows, and those back to the updates, led around the network."""
    net = [layers.Dense(4, kernel_regularizer="l2", bias_regularizer="l1", name=name) for name in ("in", "out")]
    graph = fitted(ef.Sequential([layers.Input((3,)), *net]), numbers(4, 3), numbers(4, 4))[0].draw().graph
    (box,) = titled(graph, TITLE)
    assert "of in, out" in box.lines
    assert "reads 4 weights" in box.lines
