"""`draw(parts=True)`: a fused op as a frame around the ops that it is made of."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers


@pytest.fixture(scope="module")
def training():
    model = ef.Sequential([layers.Dense(6, activation="relu", name="a"), layers.Dense(2, name="b")], name="net")
    model.compile("sgd", "mse")
    x, y = np.ones((4, 5), "float32"), np.ones((4, 2), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    return t


def titles(graph):
    return [node.title for node in graph.nodes.values() if node.lane == "forward"]


def arrows(graph):
    return {(graph.nodes[edge.tail].title, graph.nodes[edge.head].title, edge.kind) for edge in graph.edges}


def test_a_fused_op_is_one_box_that_names_its_parts(training):
    graph = training.draw().graph
    boxes = [node for node in graph.nodes.values() if node.title == "dense"]
    assert [box.lines[0] for box in boxes] == ["matmul  add  relu", "matmul  add"]
    assert "matmul" not in titles(graph)


def test_it_opens_into_its_parts(training):
    graph = training.draw(parts=True).graph
    shown = titles(graph)
    assert (shown.count("matmul"), shown.count("add"), shown.count("relu")) == (2, 2, 1)
    assert "dense" not in shown
    frames = [frame for frame in graph.clusters.values() if frame.title == "dense"]
    ran = training.find("dense", "forward")
    assert [frame.kind for frame in frames] == ["op", "op"]
    for frame, op in zip(frames, ran, strict=True):
        assert frame.subtitle.startswith("one op  ·  ")
        assert viz.facts.formatting.seconds(op.duration) in frame.subtitle
        assert graph.clusters[frame.parent].title == training.scopes[op.scope].name
    for node in graph.nodes.values():
        if node.title in ("matmul", "add", "relu"):
            assert node.lines[0].startswith("→ 4×")
            assert "µs" not in " ".join(node.lines)  # no time of its own


def test_arrows_lead_to_the_parts_that_read_and_from_the_part_that_makes(training):
    found = arrows(training.draw(parts=True).graph)
    assert {
        ("x", "matmul", "data"),
        ("matmul", "add", "data"),
        ("add", "relu", "data"),
        ("relu", "matmul", "data"),
        ("kernel", "matmul", "parameter"),
        ("bias", "add", "parameter"),
        ("sgd", "bias", "update"),
        ("∇ dense", "sgd", "gradient"),
    } <= found
    assert ("kernel", "add", "parameter") not in found
    assert ("x", "add", "data") not in found


def test_both_directions_are_two_parts_side_by_side():
    layer = layers.Bidirectional(layers.LSTM(3))
    x = np.ones((2, 5, 4), "float32")
    layer(x)
    with viz.trace() as t:
        layer(x)
    graph = t.draw(parts=True).graph
    assert titles(graph).count("lstm") == 2
    assert not any(tail == head == "lstm" for tail, head, _ in arrows(graph))


def test_equal_layers_are_folded_with_their_parts():
    model = ef.Sequential([layers.Dense(5, activation="relu") for _ in range(6)])
    x = np.ones((2, 5), "float32")
    model(x)
    with viz.trace() as t:
        model(x)
    graph = t.draw(parts=True).graph
    assert titles(graph).count("relu") == 1
    assert any("×6" in frame.title for frame in graph.clusters.values())
    assert titles(t.draw(parts=True, collapse_repeats=False).graph).count("relu") == 6


def test_rows_of_parts_count(training):
    assert len(training.draw(parts=True, max_nodes=4).graph.clusters) < len(training.draw(parts=True).graph.clusters)


def test_a_gradient_that_nothing_reads_says_whose_it_is():
    """Without an optimizer no arrow leaves its box."""
    layer, image = layers.Conv2D(1, 2, name="conv"), ef.Tensor(np.ones((1, 3, 3, 1), "float32"))
    layer(image)
    with viz.trace() as t, ef.GradientTape() as tape:
        tape.watch(image)
        tape.gradient(layer(image), [image, *layer.trainable_weights])
    for parts in (True, False):
        (box,) = [node for node in t.draw(parts=parts).graph.nodes.values() if node.lane == "backward"]
        assert "→ ∇ image, kernel, bias" in box.lines


@pytest.fixture(scope="module")
def both_directions():
    both, x = layers.Bidirectional(layers.LSTM(3), name="both"), np.ones((2, 4, 3), "float32")
    both(x)
    with viz.trace() as t:
        both(x)
    return t


def test_what_each_part_makes_leaves_from_its_own_box_also_by_way_of_a_cast(both_directions):
    graph = both_directions.draw(parts=True).graph
    parts = [node.id for node in graph.nodes.values() if node.title == "lstm"]
    (joined,) = [node.id for node in graph.nodes.values() if node.title == "concatenate"]
    assert len(parts) == 2
    assert sorted(edge.tail for edge in graph.edges if edge.head == joined) == sorted(parts)
