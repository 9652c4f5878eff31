"""What a program itself computes to change its weights is in the box of the update, not among the model's ops."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.loops import LOOPS


def updates(graph):
    return [node for node in graph.nodes.values() if node.kind == "update"]


def phases(t, name):
    return {op.phase for op in t.ops if op.name == name}


def test_a_target_network_says_what_it_follows():
    t, _ = LOOPS["polyak"]()
    graph = t.draw().graph
    found = updates(graph)
    assert [node.title for node in found] == ["assign", "assign", "adam", "adam"]
    assert [node.lines[0] for node in found[:2]] == ["multiply  add"] * 2
    assert [node.lines[1].split("/")[0] for node in found[:2]] == ["reads online"] * 2
    kinds = {(e.kind, graph.nodes[e.head].title) for e in graph.edges if e.tail in {node.id for node in found}}
    assert kinds == {("update", "kernel, bias")}
    assert sum(node.title == "multiply" for node in graph.nodes.values()) == 2  # of the forward pass


@pytest.mark.parametrize("setting", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_an_optimizer_that_clips_gradients_says_so(setting):
    net = ef.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(1)])
    net.compile(ef.optimizers.Adam(**{setting: 0.5}), "mse")
    with viz.trace() as t:
        net.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 1), "float32"))
    for depth in (None, 0):
        found = updates(t.draw(depth=depth).graph)
        assert found
        assert [node.lines[0] for node in found] == [f"{setting}=0.5"] * len(found)
    net.compile("adam", "mse")
    with viz.trace() as t:
        net.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 1), "float32"))
    assert not [line for node in updates(t.draw().graph) for line in node.lines if "clip" in line]


def test_averages_of_weights_are_kept_with_their_update():
    t, _ = LOOPS["averaged"]()
    for node in updates(t.draw().graph):
        assert node.title == "adam, assign"
        assert node.lines[:2] == ["clip  multiply  add", "keeps mean_kernel, mean_bias"]


@pytest.mark.parametrize("name", ["averaged", "own_descent", "own_momentum", "polyak"])
@pytest.mark.parametrize("view", ["both", "forward"])
def test_the_forward_pass_is_that_of_the_model(name, view):
    t, _ = LOOPS[name]()
    forward = [n.title for n in t.draw(view=view).graph.nodes.values() if n.lane == "forward" and n.kind == "op"]
    assert {"assign", "clip", "sqrt", "minimum"}.isdisjoint(forward)
    assert len(forward) == {"polyak": 13, "averaged": 6}.get(name, 5)


def test_what_all_updates_read_has_a_box_and_arrows():
    t, _ = LOOPS["own_momentum"]()
    graph = t.draw().graph
    first, second, norm = updates(graph)
    assert (first.title, second.title, norm.title) == ("assign_sub", "assign_sub", "minimum")
    assert norm.lines[0] == "square  sum  add  sqrt  divide  minimum"
    assert {e.head for e in graph.edges if e.tail == norm.id} == {first.id, second.id}
    assert [t.ops[i].name for i in first.ops].count("assign") == 2  # of the momentum, one for each weight


def test_where_nothing_is_trained_ops_are_what_they_are():
    state = ef.Variable(np.ones(3, "float32"), name="state")
    with viz.trace() as t:
        state.assign(ops.tanh(state * 0.5))
    assert phases(t, "tanh") == {"forward"}


def test_sums_of_gradients_that_an_optimizer_is_given_are_kept_with_the_update():
    net, optimizer = ef.Sequential([layers.Input((3,)), layers.Dense(1, name="out")]), ef.optimizers.SGD(0.1)
    sums = [ef.Variable(ops.zeros_like(v), trainable=False) for v in net.trainable_variables]

    def step():
        for _ in range(3):
            with ef.GradientTape() as tape:
                loss = ops.mean(net(np.ones((4, 3), "float32")) ** 2)
            for total, gradient in zip(sums, tape.gradient(loss, net.trainable_variables)):
                total.assign_add(gradient)
        optimizer.apply_gradients(zip(sums, net.trainable_variables))
        for total in sums:
            total.assign(ops.zeros_like(total))

    step()
    with viz.trace() as t:
        step()
    read = [t.tensors[op.inputs[1]] for op in t.find("sgd_update")]
    assert [(info.role, info.version, t.shown(info.id)) for info in read] == [
        ("state", 3, "sums[0]"),
        ("state", 3, "sums[1]"),
    ]
    (update,) = [node for node in t.draw().graph.nodes.values() if node.kind == "update"]
    assert (update.title, update.lines[0]) == ("sgd, assign_add, assign", "keeps sums[0], sums[1]")


def test_what_an_update_reads_is_called_as_its_frame_is():
    q_net, target_net = [ef.Sequential([layers.Dense(2, name="out")]) for _ in range(2)]
    optimizer, x = ef.optimizers.SGD(), np.ones((4, 3), "float32")
    q_net(x), target_net(x)
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            loss = ops.mean(ops.square(q_net(x) - ops.stop_gradient(target_net(x))))
        optimizer.apply(tape.gradient(loss, q_net.trainable_variables), q_net.trainable_variables)
        for copy, weight in zip(target_net.variables, q_net.variables):
            copy.assign(0.01 * weight + 0.99 * copy)
    graph = t.draw().graph
    assert {"q_net", "target_net"} <= {frame.title for frame in graph.clusters.values()}
    assert {line for node in updates(graph) for line in node.lines if "reads" in line} == {"reads q_net/out"}
