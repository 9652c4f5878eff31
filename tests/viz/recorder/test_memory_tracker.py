"""When memory is given back, told by the events and scopes around."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import ops


def storage_of(t, name, which=0):
    made = [op for op in t.ops if op.name == name][which]
    return t.storages[t.tensors[made.outputs[0]].storage]


def test_a_tensor_ends_before_the_next_op_begins():
    with viz.trace() as t:
        x = ops.ones((100,)) * 2
        y = ops.sin(x)
        del x
        z = ops.cos(y)
    del y, z
    multiply, sine, cosine = storage_of(t, "multiply"), storage_of(t, "sin"), storage_of(t, "cos")
    last = next(op for op in t.ops if op.name == "cos")
    assert multiply.freed == last.start
    assert cosine.freed is None  # it was there when the recording ended
    assert sine.freed is None


def test_variables_that_an_optimizer_moves_keep_their_memory():
    model = ef.Sequential([ef.layers.Dense(4), ef.layers.Dense(2)])
    x, y = np.ones((8, 3), "float32"), np.ones((8, 2), "float32")
    model.compile("adam", "mse")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        for _ in range(5):
            model.train_on_batch(x, y)
    of_variables = {}
    for tensor in t.tensors:
        if tensor.role == "parameter":
            of_variables.setdefault(tensor.name, set()).add(tensor.storage)
    assert len(of_variables) == 4
    assert all(len(found) == 1 for found in of_variables.values())
    assert len({next(iter(found)) for found in of_variables.values()}) == 4
    assert all(t.storages[next(iter(found))].freed is None for found in of_variables.values())
