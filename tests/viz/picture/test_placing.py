"""Where inputs, titles and labels stand: by what they belong to, with room around them."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow import layers
from tests.viz.picture.architectures import ALL, fitted, numbers
from viz.geometry.frame_titles import broken
from viz.geometry.graph import Cluster
from viz.geometry.placement import place


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
    """The second one beside the frame, at the height of what reads it: above, it would be left of the first."""
    graph, layout, _ = drawn(siamese, **options)
    first, second = [layout.nodes[id_] for id_, node in graph.nodes.items() if node.kind == "input"][:2]
    (reader,) = {e.head for e in graph.edges if layout.nodes[e.tail] is second}
    assert first.x < second.x or first.y + first.h < second.y
    assert options.get("view") or 0 < layout.nodes[reader].y - second.y - second.h < 60


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
