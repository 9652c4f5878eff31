"""Arrows take no way round that nothing asks for, and their labels keep apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.geometry import placement
from viz.geometry.edge_routes import Route
from viz.geometry.graph import Edge, Graph, Node
from viz.geometry.labels import SIZE, place_labels
from viz.geometry.places import Layout, Rect
from viz.geometry.text_sizes import text_width


def graph(model, x, y, loss, optimizer="adam"):
    model.compile(optimizer, loss)
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    return t.draw().graph


@pytest.mark.parametrize("text", ["4×4 f32", "12×12 f32", "4×12×12 f32", "128×128 f32", "2×3×4×5 f16", "scalar f32"])
def test_labels_beside_each_other_keep_apart(text):
    """Also where their letters are wider than is reckoned, as digits are."""
    nodes = {name: Node(name, "op", name, row=name) for name in "abcd"}
    found = Graph(nodes=nodes, edges=[Edge("a", "b", "data", text), Edge("c", "d", "data", text)])
    ways = [Route([(0.0, 0.0), (400.0, 0.0)]) for _ in found.edges]
    below = Layout({"below": Rect(-200.0, 2.0, 800.0, 50.0)})
    assert place_labels(found, below, ways) == []
    (left, _), (right, _) = sorted([way.label for way in ways])
    assert left + 1.06 * text_width(text, SIZE) + 2 <= right


def test_a_picture_is_laid_out_once_for_all_formats(monkeypatch, tmp_path):
    searched = []
    route = placement.route
    monkeypatch.setattr(placement, "route", lambda *given: searched.append(1) or route(*given))
    model = ef.Sequential([layers.Dense(3, name="only_here"), layers.Dense(2)])
    with viz.trace() as t:
        model(np.ones((2, 5), "float32"))
    t.draw(tmp_path / "a.svg")
    count = len(searched)
    t.draw(tmp_path / "a.png")
    t.draw(tmp_path / "dark.svg", theme="dark")
    assert (count, len(searched)) == (1, 1)
    t.draw(tmp_path / "b.svg", view="layers")
    assert len(searched) == 2


def two_heads():
    start = layers.Input((8,))
    x = layers.Dense(8, activation="relu")(start)
    ends = [layers.Dense(1, name="price")(x), layers.Dense(3, "softmax", name="kind")(layers.Dense(8)(x))]
    model = ef.Model(start, ends)
    model.compile("adam", ["mse", "categorical_crossentropy"], metrics=[["mae", "mse"], ["accuracy", "auc"]])
    with viz.trace() as t:
        model.train_on_batch(np.ones((6, 8)), [np.ones((6, 1)), np.eye(3)[[0, 1, 2, 0, 1, 2]]])
    return t


@pytest.mark.parametrize("view", ["both", "forward"])
def test_no_arrow_of_several_losses_and_metrics_passes_its_box_and_comes_back(view):
    found = two_heads().draw(view=view).graph
    placed = placement.place(found)
    for edge, way in zip(found.edges, placed.ways, strict=True):
        down = placed.layout.nodes[edge.tail].y < placed.layout.nodes[edge.head].y
        steps = [b - a for (_, a), (_, b) in itertools.pairwise(way.corners)]
        if edge.kind in ("data", "gradient"):
            assert min(steps) >= 0 if down else max(steps) <= 0, (edge.tail, edge.head, way.corners)
