"""Gradients that a step asks for twice: each call of `tape.gradient` has a box and a column of its own."""

from __future__ import annotations

import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.architectures import ALL
from tests.viz.picture.geometry import faults, picture
from tests.viz.picture.loops import LOOPS, numbers
from viz.geometry.placement import place


@pytest.fixture(scope="module")
def gan():
    return LOOPS["two_losses"]()[0]


def backward(graph):
    """The boxes of backward ops of each row, from left to right."""
    rows = {}
    for node in graph.nodes.values():
        if node.lane.startswith("backward"):
            rows.setdefault(node.row, []).append(node)
    return [sorted(row, key=lambda node: node.lane) for row in rows.values()]


def reached(graph, start):
    """The boxes that gradients flow to from one."""
    found, waiting = set(), [start]
    while waiting:
        tail = waiting.pop()
        heads = {edge.head for edge in graph.edges if edge.tail == tail and edge.kind == "gradient"} - found
        found |= heads
        waiting += heads
    return found


def test_what_two_losses_differentiate_has_two_boxes_which_name_them(gan):
    graph = gan.draw().graph
    pairs = [row for row in backward(graph) if len(row) > 1]
    assert [[node.lines[0] for node in row] for row in pairs] == 2 * [["of gen_loss", "of disc_loss"]]
    assert {len(row) for row in backward(graph)} == {1, 2}
    assert not any(line.startswith("of ") for row in backward(graph) if len(row) == 1 for line in row[0].lines)


def test_the_box_that_makes_what_gradients_are_asked_of_says_its_name(gan):
    titles = {line: node.title for node in gan.draw().graph.nodes.values() for line in node.lines}
    assert {"→ gen_loss", "→ disc_loss"} <= {*titles}
    assert {titles["→ gen_loss"], titles["→ disc_loss"]} & {"add", "mean", "subtract", "sum"}


def test_of_several_of_one_name_the_last_before_its_gradient_is_the_one():
    x = ef.Variable([1.0, 2.0])
    with viz.trace() as t, ef.GradientTape() as tape:
        loss = ops.sum(ops.exp(x))
        loss = loss + ops.sum(ops.tanh(x))
        tape.gradient(loss, x)
    told = [node.title for node in t.draw().graph.nodes.values() if "→ loss" in node.lines]
    assert told == ["add"]


def test_each_leads_only_to_the_weights_that_it_is_for(gan):
    graph = gan.draw().graph
    for_generator, for_discriminator = next(row for row in backward(graph) if len(row) > 1)
    owner = {node.id: graph.around(node.cluster)[-1] for node in graph.nodes.values() if node.cluster}
    titles = {node.id: graph.clusters[owner[node.id]].title for node in graph.nodes.values() if node.lane == "update"}
    found = [
        {titles[id_] for id_ in reached(graph, node.id) & titles.keys()} for node in (for_generator, for_discriminator)
    ]
    assert found == [{"generator"}, {"discriminator"}]


def test_networks_with_a_pass_each_have_one_column():
    graph = ALL["gan"]()[0].draw().graph
    assert {node.lane for node in graph.nodes.values()} == {"forward", "parameter", "update", "backward"}


def test_a_gradient_that_is_differentiated_again_stands_beside_it():
    graph = LOOPS["penalized_critic"]()[0].draw().graph
    pairs = {tuple(node.lines[0] for node in row) for row in backward(graph) if len(row) > 1}
    assert ("of score", "of loss") in {tuple(sorted(pair, reverse=True)) for pair in pairs}


def closed():
    """A layer that ran once and is differentiated for two losses of one name."""
    layer, x = layers.Dense(3), ef.Tensor(numbers(4, 3))
    with viz.trace() as t, ef.GradientTape(persistent=True) as tape:
        y = layer(x)
        for loss in (ops.sum(y), ops.mean(y)):
            tape.gradient(loss, layer.trainable_variables)
    return t


def test_closed_layers_have_them_too_and_losses_of_one_name_are_counted():
    (row,) = [row for row in backward(closed().draw(depth=0).graph) if len(row) > 1]
    assert [node.lines[0] for node in row] == ["pass 1, of loss", "pass 2, of loss"]


def test_many_passes_are_one():
    layer, x = layers.Dense(6), ef.Tensor(numbers(1, 3))
    with viz.trace() as t, ef.GradientTape(persistent=True) as tape:
        y = layer(x)
        for i in range(6):
            tape.gradient(y[0, i], layer.trainable_variables)
    assert max(map(len, backward(t.draw().graph))) == 1


def along_a_direction():
    """The derivative of a square along a direction, and the gradient of that."""
    x, along = ef.Tensor([3.0]), ef.Tensor([1.0])
    with viz.trace() as t, ef.GradientTape() as tape:
        tape.watch(x)
        tape.watch(along)
        found = ops.linalg.jvp(lambda x: x * x, x, along)
        tape.gradient(list(found), [x, along])
    return t.draw().graph


def test_the_gradient_of_a_sum_of_gradients_stands_beside_it():
    graph = along_a_direction()
    sums = [node for node in graph.nodes.values() if node.title == "add"]
    assert sums
    for node in sums:
        beside = [edge.head for edge in graph.edges if edge.tail == node.id and edge.kind == "link"]
        assert [graph.nodes[id_].title for id_ in beside] == ["∇ add"]
        assert node.phase == "backward"
        assert len({node.lane, *[graph.nodes[id_].lane for id_ in beside]}) == 2


def test_a_single_number_that_a_gradient_is_asked_of_is_an_input():
    graph = along_a_direction()
    tied = {end for edge in graph.edges for end in (edge.tail, edge.head)}
    assert [node.kind for node in graph.nodes.values()].count("input") == 2
    assert tied == graph.nodes.keys()


def gradient_penalty():
    """A step whose loss reads a gradient."""
    critic = ef.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)], name="critic")
    critic(numbers(2, 3))
    with viz.trace() as t, ef.GradientTape() as tape:
        mixed = ops.tanh(ef.Tensor(numbers(2, 3)))
        with ef.GradientTape() as inner:
            inner.watch(mixed)
            score = ops.sum(critic(mixed))
        slope = inner.gradient(score, mixed)
        penalty = ops.mean(ops.square(slope))
        tape.gradient(penalty, critic.trainable_variables)
    return t


@pytest.mark.parametrize("view", ["forward", "layers"])
def test_a_gradient_that_the_loss_reads_has_a_box_where_the_backward_pass_is_left_out(view):
    """Else the ops that read it seem to read nothing, and stand above the network that it comes from."""
    drawing = gradient_penalty().draw(view=view)
    graph, at = drawing.graph, place(drawing.graph).layout.nodes
    (box,) = [node for node in graph.nodes.values() if node.kind == "gradient"]
    assert (box.title, box.lines) == ("∇ mixed", ["from the backward pass", "2×3 f32"])
    (before,), (after,) = [e for e in graph.edges if e.head == box.id], [e for e in graph.edges if e.tail == box.id]
    assert graph.nodes[before.tail].title == "sum"
    assert graph.nodes[after.head].title == "square"
    assert at[before.tail].y < at[box.id].y < at[after.head].y
    assert faults(picture(drawing.svg, graph))["crossings"] == 0


def _distance(a, b):
    return ops.mean(ops.square(a - b)) + 0.1 * ops.mean(ops.absolute(a))


def test_a_loss_that_a_function_of_ones_own_returns_is_told():
    layer, x, y = layers.Dense(2), ops.ones((3, 4)), ops.zeros((3, 2))
    layer(x)
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            loss = _distance(layer(x), y)
        tape.gradient(loss, layer.trainable_variables)
    told = [node.title for node in t.draw().graph.nodes.values() if "→ loss" in node.lines]
    assert told == ["add"]
