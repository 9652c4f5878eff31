"""Ops outside of layers that one line of code ran stand in a frame, which is called what the line assigns."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.loops import LOOPS
from viz.facts.lines.assigned import name_of_line
from viz.facts.schema import Frame


def frames(recording, **options):
    """The titles of frames of lines, each with what is written below it."""
    graph = recording.draw(**options).graph
    return {c.title: c.subtitle for c in graph.clusters.values() if c.kind == "group"}


def recorded(call):
    net = ef.Sequential([layers.Dense(4), layers.Dense(2)])
    net(ops.ones((2, 3)))
    with viz.trace() as t:
        call(net(ops.ones((2, 3))))
    return t


def test_parts_of_a_loss_have_their_names():
    found = frames(LOOPS["actor_critic"]()[0])
    assert {"told", "entropy"} <= found.keys()
    assert found["entropy"].startswith("entropy = -ops.mean(")


def test_what_a_line_returns_is_called_after_its_function():
    def result(y):
        return ops.mean(ops.sqrt(ops.square(y)))

    found = frames(recorded(lambda y: ops.tanh(ops.exp(result(y)))))
    assert [*found] == ["result"]
    assert found["result"].startswith("return ops.mean(ops.sqrt(ops.square(y)))")


def test_rounds_of_a_loop_are_folded_as_they_are():
    def loop(y):
        for _ in range(4):
            y = ops.tanh(ops.exp(y * 2.0))

    titles = frames(recorded(loop))
    assert [title.rpartition("  ")[2] for title in titles] == ["×4"]


def test_a_line_is_one_box_where_layers_are():
    graph = LOOPS["actor_critic"]()[0].draw(view="layers").graph
    (entropy,) = [node for node in graph.nodes.values() if node.title == "entropy"]
    assert entropy.lines[0].startswith("entropy = ")
    assert entropy.lines[1] == "→ scalar f32"
    assert not frames(LOOPS["actor_critic"]()[0], view="layers")


def test_without_source_lines_there_are_none():
    x = np.ones((2, 3), "float32")
    with viz.trace(source=False) as t:
        total = ops.sum(ops.exp(ops.tanh(x * 2.0)))
        ops.tanh(ops.exp(total))
    assert frames(t) == {}


def lines_of(run):
    with viz.trace() as t:
        run()
    return {node.title: node.lines[:-1] for node in t.draw().graph.nodes.values() if node.kind == "op"}


def test_what_few_ops_of_a_line_make_has_the_name_that_the_line_gives_it():
    def run():
        h = ops.ones((2, 3))
        gate = ops.sigmoid(ops.exp(h))
        h = ops.tanh(gate)
        ops.sqrt(h)

    assert lines_of(run) == {"exp": [], "sigmoid": ["→ gate"], "tanh": ["→ h"], "sqrt": []}


@pytest.mark.parametrize(("function", "name"), [("log_prob", "log_prob"), ("call", "a.py:3"), ("<lambda>", "a.py:3")])
def test_what_is_returned_has_the_name_of_a_function_that_tells_something(function, name):
    for code in ("return x + 1", f"def {function}(x: int) -> int: return x + 1"):
        assert name_of_line(Frame("a.py", 3, function, code)) == name


def test_no_name_is_told_of_what_is_one_of_several():
    def run():
        found = [ops.exp(each) for each in (ops.ones(3), ops.ones(4))]
        total = ops.sum(found[1])
        return total * 2

    assert lines_of(run) == {"exp": [], "sum": ["→ total"], "multiply": ["x * 2"]}


def test_each_round_names_what_its_line_assigns_though_the_next_one_reads_it():
    def run():
        x = ops.ones((2, 3))
        for i in range(2):
            y = ops.exp(ops.square(x) if i else x)
            x = ops.tanh(ops.abs(x) + y)

    with viz.trace() as t:
        run()
    assert [n.lines[0] for n in t.draw().graph.nodes.values() if n.title == "tanh"] == ["→ x", "→ x"]
