"""What comes from outside stays so where an op's result of an earlier step is a view of the same memory."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers, ops


def test_a_batch_is_no_view_of_the_batch_before_that_stood_in_the_same_memory():
    model = ef.Sequential([layers.Input((3,)), layers.Dense(4, activation="softmax")])
    metric = ef.metrics.SparseTopKCategoricalAccuracy(k=2)  # which reshapes the target to what it is
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[metric])
    x, y = np.ones((8, 3), "float32"), np.arange(8) % 4
    with viz.trace() as t:
        model.fit(x, y, batch_size=4, verbose=0)
    targets = [op.inputs[0] for op in t.ops if op.name == "sparse_softmax_crossentropy" and op.phase == "forward"]
    assert [t.tensors[i].producer for i in targets] == [None, None]
    assert "y (target)" in [node.title for node in t.draw().graph.nodes.values()]


def test_what_an_op_made_and_python_passed_on_is_that_of_the_op():
    with viz.trace() as t:
        made = ops.tanh(np.ones((2, 3), "float32"))
        ops.exp(made.data)
    assert t.parents(t.ops[1]) == [0]
