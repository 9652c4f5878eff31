"""Where inputs, titles and labels stand: by what they belong to, with room around them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.architectures import ALL, fitted, numbers
from tests.viz.picture.test_geometry import check
from viz.geometry import placement
from viz.geometry.edge_routes import Route
from viz.geometry.frame_titles import broken
from viz.geometry.graph import Cluster, Edge, Graph, Node
from viz.geometry.labels import place_labels
from viz.geometry.placement import place
from viz.geometry.places import Layout, Rect
from viz.geometry.text_sizes import LABEL, text_width


@pytest.fixture(scope="module")
def siamese():
    return ALL["siamese"]()[0]


def drawn(recording, **options):
    """The graph of a picture, its layout and its ways."""
    graph = recording.draw(**options).graph
    found = place(graph)
    return graph, found.layout, found.ways


def named(graph, title, kind=None):
    (found,) = [n.id for n in graph.nodes.values() if n.title == title and kind in (None, n.kind)]
    return found


@pytest.mark.parametrize("options", [{}, {"depth": 1}, {"view": "layers"}])
def test_inputs_stand_in_the_order_in_which_they_are_arguments(siamese, options):
    """Side by side, each above what reads it."""
    graph, layout, _ = drawn(siamese, **options)
    first, second = [layout.nodes[id_] for id_, node in graph.nodes.items() if node.kind == "input"][:2]
    assert first.x < second.x
    for each in (first, second):
        (head,) = {e.head for e in graph.edges if layout.nodes[e.tail] is each}
        reader = layout.nodes[head]
        assert each.y + each.h < reader.y
        assert options.get("view") or reader.x <= each.x + each.w / 2 <= reader.x + reader.w


class Experts(ef.Model):
    """Three layers side by side, and a gate that weighs what they give. Begun with 0, the sum would be one loop."""

    def __init__(self):
        super().__init__(name="experts")  # in whatever order tests run
        self.gate, self.experts = layers.Dense(3, name="gate"), [layers.Dense(4, name=f"expert{i}") for i in range(3)]

    def call(self, x):
        weights = self.gate(x)
        total = weights[:, :1] * self.experts[0](x)
        for i, expert in enumerate(self.experts[1:], 1):
            total = total + weights[:, i : i + 1] * expert(x)
        return total


def test_layers_side_by_side_stand_from_left_to_right_as_they_run():
    recording, _ = fitted(Experts(), numbers(4, 4), numbers(4, 4))
    graph, layout, _ = drawn(recording)
    lefts = {c.title: layout.frames[c.id].x for c in graph.clusters.values() if c.title[-1].isdigit()}
    assert sorted(lefts, key=lefts.get) == ["expert0", "expert1", "expert2"]


def test_a_target_stands_beside_its_loss_and_gradients_run_straight_past_it():
    """However wide the model above them is."""
    recording, _ = ALL["control_flow"]()
    graph, layout, ways = drawn(recording)
    target = layout.nodes[named(graph, "y (target)")]
    (reader,) = {e.head for e in graph.edges if layout.nodes[e.tail] is target}
    loss = layout.frames[graph.nodes[reader].cluster]
    assert 0 < loss.x - target.x - target.w < 40
    (out,) = [
        way for e, way in zip(graph.edges, ways) if e.kind == "gradient" and graph.nodes[e.tail].row == reader
    ]  # fmt: skip
    assert len(out.corners) <= 4


def test_long_names_are_broken_where_frames_are_narrow():
    name = "the_first_projection_of_the_customer_embedding_into_the_space"
    model = ef.Sequential([layers.Input((4,)), layers.Dense(4, name=name), layers.Dense(1)])
    recording, _ = fitted(model, numbers(4, 4), numbers(4, 1))
    graph, layout, _ = drawn(recording)
    (frame,) = [c.id for c in graph.clusters.values() if c.title.startswith("the_first")]
    title, at = layout.titles[frame], layout.frames[frame]
    assert title.bold > 1
    assert "".join(title.lines[: title.bold]) == graph.clusters[frame].title
    boxes = [layout.nodes[id_] for id_, node in graph.nodes.items() if node.cluster == frame]
    assert min([box.x for box in boxes]) - at.x < 60
    assert at.x + at.w - max([box.x + box.w for box in boxes]) < 60


def test_lines_of_code_are_broken_outside_of_brackets_where_that_makes_them_little_longer():
    frame = Cluster("frame", None, "target_q", "target_q = rewards + 0.99 * (1 - done) * ops.max(…)")
    assert broken(frame)[-1] == (["target_q", "target_q = rewards", "+ 0.99 * (1 - done)", "* ops.max(…)"], 1)
    nested = Cluster("frame", None, "rec_loss", "rec_loss = ops.mean(ops.sum(ops.square(…), axis=-1))")
    assert broken(nested)[-1] == (["rec_loss", "rec_loss =", "ops.mean(ops.sum(", "ops.square(…), axis=-1))"], 1)


def test_the_state_of_an_op_stands_above_the_straight_line_to_its_gradient():
    graph, layout, ways = drawn(ALL["mlp"]()[0])
    state = layout.nodes[named(graph, "seed_generator_state")]
    (tail,) = [e.head for e in graph.edges if layout.nodes[e.tail] is state]
    (link,) = [way.corners for e, way in zip(graph.edges, ways) if (e.tail, e.kind) == (tail, "link")]
    (_, y), (_, end) = link
    assert y == end > state.y + state.h


@pytest.mark.parametrize("rankdir", ["LR", "RL", "BT"])
@pytest.mark.parametrize(
    "name", ["siamese", *(pytest.param(name, marks=pytest.mark.slow) for name in ("gan", "many_ends"))]
)
def test_nothing_lies_on_anything_else(name, rankdir):
    recording, _ = ALL[name]()
    check(recording.draw(rankdir=rankdir))
    check(recording.draw(rankdir=rankdir, view="layers", theme="dark"))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ALL)[::2])
def test_nothing_lies_on_anything_else_from_left_to_right(name):
    recording, _ = ALL[name]()
    # Sideways there is not always a way around a foreign frame for each of DenseNet's many long arrows.
    most = 2 if name == "densenet" else 0
    # Of two outputs of a low box, `before softmax` has no room beside it, and one of DenseNet's many has none either.
    unlabelled = 1 if name in ("convnet", "densenet") else 0
    for view in ("both", "forward", "backward", "layers"):
        check(recording.draw(rankdir="LR", view=view), most, unlabelled if view == "layers" or most else 0)


@pytest.mark.parametrize(
    ("rankdir", "axis", "sign"), [("TB", "y", 1), ("BT", "y", -1), ("LR", "x", 1), ("RL", "x", -1)]
)
def test_data_flows_that_way_and_gradients_back(rankdir, axis, sign):
    recording, _ = ALL["mlp"]()
    drawing = recording.draw(rankdir=rankdir)
    boxes, edges = place(drawing.graph, rankdir).layout.nodes, drawing.graph.edges
    nodes = drawing.graph.nodes
    for edge in edges:
        if nodes[edge.tail].row != nodes[edge.head].row and edge.kind in ("data", "gradient"):
            onwards = getattr(boxes[edge.head], axis) - getattr(boxes[edge.tail], axis)
            assert sign * onwards * (1 if edge.kind == "data" else -1) > 0


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
    assert left + 1.06 * text_width(text, LABEL) + 2 <= right


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
