"""Layers that are one thing to a reader are one box, however many ops they run; in large pictures, later calls too."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.geometry import faults, picture
from viz import page

IMAGES, WORDS = np.ones((2, 4, 4, 3), "float32"), np.ones((2, 5, 4), "float32")


class Twice(layers.Layer):
    """A layer of the user's own, of which each op stands in a line of theirs."""

    def call(self, x):
        return ops.exp(ops.reshape(ops.transpose(x), (-1,)))


def drawn(layer, given, **options):
    with viz.trace() as t:
        layer(given)
    return [(node.kind, node.title) for node in t.draw(**options).graph.nodes.values() if node.kind != "input"]


@pytest.mark.parametrize(
    "layer",
    [
        layers.UpSampling2D(),
        layers.UpSampling2D(interpolation="bilinear"),
        layers.Resizing(2, 2),
        layers.Normalization(),
        layers.RandomRotation(0.1),
        layers.Average(),
    ],
)
def test_layers_without_trained_weights_are_one_box_with_their_name(layer):
    given = [IMAGES] * 3 if isinstance(layer, layers.Average) else IMAGES
    if isinstance(layer, layers.Normalization):
        layer.adapt(IMAGES)
    assert [kind for kind, _ in drawn(layer, given)] == ["scope"]
    assert len(drawn(layer, given, depth=1)) >= 3  # asked for, all is shown


@pytest.mark.parametrize(
    ("layer", "given"),
    [
        (layers.Attention(), [WORDS, WORDS]),
        (layers.Lambda(lambda x: ops.exp(ops.reshape(ops.transpose(x), (-1,)))), WORDS),
        (Twice(), WORDS),
    ],
)
def test_what_attends_or_is_the_users_own_shows_its_ops(layer, given):
    assert len([kind for kind, _ in drawn(layer, given) if kind == "op"]) >= 3


def test_their_gradient_is_one_box_too_and_the_page_opens_them_only_when_asked():
    start = ef.Input((4, 4, 3))
    model = ef.Model(start, layers.Conv2D(2, 1)(layers.UpSampling2D(name="larger")(layers.Conv2D(2, 1)(start))))
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model.train_on_batch(IMAGES, np.ones((2, 8, 8, 2), "float32"))
    titles = [node.title for node in t.draw().graph.nodes.values()]
    assert [title for title in titles if "larger" in title] == ["larger", "∇ larger"]
    found = page.data(t)
    blocks = found["views"][0][1]["tree"]["blocks"]
    needs = {found["texts"][title]: need for title, need in zip(blocks["title"], blocks["need"], strict=True)}
    assert needs["larger"] is None
    assert [need for title, need in needs.items() if title.startswith("conv2d")] == [2, 2]


def frames_of(drawing):
    return {frame.title for frame in drawing.graph.clusters.values()}


def boxes_of(drawing):
    return {node.title for node in drawing.graph.nodes.values()}


def test_later_calls_are_boxes_and_the_caption_says_so():
    """Of a whole loop in which each layer has few ops: the first call is open, and those after it are boxes."""
    between = [ops.exp, ops.tanh, ops.abs, ops.square, ops.sin, ops.cos, ops.relu, ops.sigmoid, ops.log1p]
    narrow = [layers.Dense(4, name=name) for name in ("one", "two")]
    with viz.trace() as t:
        x = ops.ones((2, 4))
        for turn in range(4):
            x = narrow[1](ops.tanh(narrow[0](x)))
            for op in between[turn:] + between[:turn]:
                x = op(x)
    drawing = t.draw()
    assert {"one", "two"} <= frames_of(drawing)
    assert {"one (call 2)", "two (call 2)"} <= boxes_of(drawing)
    assert "later calls of a layer are closed" in drawing.graph.caption


# ---------------------------------------------------------------------- what layers fill for themselves


class Attending(ef.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (layers.MultiHeadAttention(2, 4) for _ in range(2))

    def call(self, x):
        x = self.first(x, x, use_causal_mask=True)
        return self.second(x, x, use_causal_mask=True)


def attending() -> viz.Recording:
    model, x = Attending(), np.ones((2, 5, 8), "float32")
    model(x)
    with viz.trace() as t:
        model(x)
    return t


def filled(graph):
    return [node for node in graph.nodes.values() if node.title == "arange(5)"]


def test_it_is_one_box_in_the_frame_of_its_layer_however_often_it_is_filled():
    drawing = attending().draw(collapse_repeats=False, depth=9)
    boxes = filled(drawing.graph)
    around = [[drawing.graph.clusters[id_].title for id_ in drawing.graph.around(box.cluster)] for box in boxes]
    assert [titles[:2] for titles in around] == [["causal mask", "first"], ["causal mask", "second"]]
    for box in boxes:
        assert len([edge for edge in drawing.graph.edges if edge.tail == box.id]) == 2
    found = faults(picture(drawing.svg, drawing.graph))
    assert {name: count for name, count in found.items() if count} == {}


class Parts(ef.Model):
    """Takes two parts of what a layer makes, and goes on with one."""

    def __init__(self, returns=False):
        super().__init__()
        self.first, self.last, self.returns = layers.Dense(6, name="first"), layers.Dense(1, name="last"), returns

    def call(self, x):
        x = self.first(x)
        unused, rest = x[:, 0], x[:, 1:]
        if float(x[0, 0]) > 1e9:
            return unused
        return (self.last(rest), unused) if self.returns else self.last(rest)


def test_what_only_takes_a_part_that_nobody_reads_has_no_box():
    """It says nothing, and is counted with what it takes it of; what Python reads, or the model returns, is shown."""
    x = np.ones((2, 4), "float32")
    with viz.trace() as t:
        Parts()(x)
    boxes = [node for node in t.draw().graph.nodes.values() if node.kind == "op"]
    assert [node.lines[0] for node in boxes if node.title == "take_index"] == ["x[:, 1:]", "x[0, 0]"]
    assert [len(node.ops) for node in boxes if node.title == "dense"] == [2, 1]
    assert ("op", "take_index") in drawn(layers.Lambda(lambda x: ops.exp(x)[0]), x)
    model = Parts(returns=True)
    with viz.trace() as t:
        model(x)
    assert len([node for node in t.draw().graph.nodes.values() if node.title == "take_index"]) == 3


@pytest.mark.parametrize(
    ("layer", "given", "told"),
    [
        (layers.Conv2D(2, 3, activation="relu"), IMAGES, "Conv2D 3×3 → relu"),
        (layers.Conv2D(2, 3, strides=(2, 1), padding="same"), IMAGES, "Conv2D 3×3 / 2×1"),
        (layers.MaxPooling2D(), IMAGES, "MaxPooling2D 2×2"),
        (layers.MaxPooling2D(3, strides=1), IMAGES, "MaxPooling2D 3×3 / 1×1"),
        (layers.Dense(2, activation="swish"), WORDS, "Dense → silu"),
        (layers.Dense(2, activation=ops.relu), WORDS, "Dense → relu"),
        (layers.Dense(2, activation=lambda x: x * x), WORDS, "Dense"),
        (layers.Activation("relu"), WORDS, "relu"),
        (layers.LSTM(2), WORDS, "LSTM"),  # its activation is one of several within it
    ],
)
def test_a_closed_layer_says_its_window_and_its_activation_beside_its_class(layer, given, told):
    with viz.trace() as t:
        layer(given)
    lines = [node.lines[0] for node in t.draw(view="layers").graph.nodes.values() if node.kind == "scope"]
    assert [line.partition(" (")[2].rstrip(")") or line for line in lines] == [told]
