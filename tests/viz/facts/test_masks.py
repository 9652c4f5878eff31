"""What the library computes of masks is a small box that says so, and opens; what the user's code computes is not."""

from __future__ import annotations

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
