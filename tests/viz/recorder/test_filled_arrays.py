"""What `ops.ones` and the like make is given by nobody: a constant, no input."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops


def roles(t, name):
    """Of what the ops of a name read."""
    return [t.tensors[i].role for op in t.ops if op.name == name for i in op.inputs]


def drawn(t):
    """The titles of the boxes that no op stands for."""
    return sorted(node.title for node in t.draw().graph.nodes.values() if node.kind == "input")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda x: ops.ones((4, 2)), "ones"),
        (lambda x: ops.zeros_like(x), "zeros"),
        (lambda x: ops.full((4, 2), 3.5), "full(3.5)"),
        (lambda x: ops.arange(2.0), "arange(2)"),
        (lambda x: ops.arange(1, 3), "arange(1, 3)"),
        (lambda x: ops.arange(4, 0, -2), "arange(4, 0, -2)"),
        (lambda x: ops.eye(4, 2), "eye"),
        (lambda x: ops.tri(4, 2), "tri"),
    ],
)
def test_an_array_that_an_op_fills_is_a_constant_beside_what_was_given(make, name):
    given = ef.Tensor(np.ones((4, 2), "float32"))
    with viz.trace() as t:
        ops.add(given, make(given))
    assert roles(t, "add") == ["input", "constant"]
    assert drawn(t) == sorted(["given", name])


def test_what_a_layer_fills_for_itself_has_no_box():
    class Shifted(layers.Layer):
        def call(self, x):
            return x + ops.arange(2.0)

    with viz.trace() as t:
        Shifted()(np.ones((4, 2), "float32"))
    assert drawn(t) == ["input"]
    assert roles(t, "add") == ["input", "constant"]
