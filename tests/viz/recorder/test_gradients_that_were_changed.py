"""An update is recorded as reading what the optimizer was given, whatever the program made of the tape's gradients."""

from __future__ import annotations

import pytest

import eagerflow as ef
import viz
from eagerflow import ops


def made_what_updates_read(change, take=lambda step: step, **options):
    """The names of the ops whose results updates read, and their phases."""
    weights = [ef.Variable([1.0, 2.0], name="a"), ef.Variable([[3.0]], name="b")]
    optimizer = ef.optimizers.SGD(0.1, **options)

    def step():
        with ef.GradientTape() as tape:
            loss = ops.sum(ops.exp(weights[0])) + ops.sum(ops.exp(weights[1]))
        optimizer.apply_gradients(zip(change(tape.gradient(loss, weights)), weights))

    step = take(step)
    step()
    with viz.trace() as t:
        step()
    updates = [op for op in t.ops if op.name == "sgd_update"]
    makers = [[t.ops[t.tensors[i].producer] for i in op.inputs if t.tensors[i].producer is not None] for op in updates]
    return [[(op.phase, op.name) for op in found if op.name != "sgd_update"] for found in makers]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda gradients: [ops.clip(g, -1.0, 1.0) for g in gradients], "clip"),
        (lambda gradients: [g * 0.5 for g in gradients], "multiply"),
        (lambda gradients: [g + 1.0 for g in gradients], "add"),
    ],
)
def test_an_update_reads_gradients_as_the_program_changed_them(change, name):
    assert made_what_updates_read(change) == [[("update", name)], [("update", name)]]


def test_a_captured_step_says_so_too():
    given = made_what_updates_read(lambda gradients: [ops.clip(g, -1.0, 1.0) for g in gradients], take=ef.function)
    assert given == [[("update", "clip")], [("update", "clip")]]


def test_sums_over_small_batches_lead_to_the_update():
    net, optimizer = ef.layers.Dense(2, name="net"), ef.optimizers.Adam()
    net.build((None, 3))
    with viz.trace() as t:
        total = None
        for _ in range(4):
            with ef.GradientTape() as tape:
                loss = ops.mean(ops.square(net(ops.ones((2, 3)))))
            gradients = tape.gradient(loss, net.trainable_variables)
            total = gradients if total is None else [a + b for a, b in zip(total, gradients)]
        optimizer.apply(total, net.trainable_variables)
    graph = t.draw().graph
    (adam,) = [node for node in graph.nodes.values() if node.title == "adam"]
    assert {graph.nodes[edge.tail].title for edge in graph.edges if edge.head == adam.id} == {"∇ dense"}
    assert adam.lines[0] == "add"
    assert [t.ops[i].name for i in adam.ops].count("add") == 6
