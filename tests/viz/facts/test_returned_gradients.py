"""The gradient that a pass returned, of which it made parts: it stands behind them, and isn't looked for elsewhere."""

from __future__ import annotations

import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.facts.gradient_passes import returned
from viz.facts.schema import Op, Record, Stats, TensorInfo


class Counted(list):
    """Tensors that count how many of them are looked at."""

    looks = 0

    def __getitem__(self, i):
        self.looks += 1
        return super().__getitem__(i)


def parts_of(record):
    """The parts of the kernel's gradient in each step."""
    found = {}
    for tensor in record.tensors:
        if tensor.gradient_of is not None and tensor.producer is not None and tensor.shape == (3, 3):
            found.setdefault(record.ops[tensor.producer].step, []).append(tensor)
    return found


def test_the_sum_of_each_step_is_found_behind_its_parts():
    layer, optimizer = layers.Dense(3, use_bias=False), ef.optimizers.SGD(0.1)
    with viz.trace(stats="basic") as t:
        for _ in range(3):
            with viz.step(), ef.GradientTape() as tape:
                loss = ops.mean(layer(layer(ops.ones((2, 3)))))
                weights = layer.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
    found = [returned(t, parts) for _, parts in sorted(parts_of(t).items())]
    assert len({whole.id for whole in found}) == 3
    assert all(whole.producer is None for whole in found)


@pytest.mark.parametrize("phase", ["update", "forward"])
def test_nothing_is_searched_beyond_the_pass(phase):
    tensors = [TensorInfo(i, (3, 3), "float32", 36, "gradient", producer=i) for i in range(1000)]
    for part in tensors[:2]:
        part.gradient_of = 5000
    tensors.append(
        TensorInfo(1000, (3, 3), "float32", 36, "gradient", stats=Stats(), gradient_of=5000)
    )  # another pass'
    made = Counted(tensors)
    record = Record(ops=[Op(i, "matmul", phase="backward" if i < 2 else phase) for i in range(1000)], tensors=made)
    assert returned(record, tensors[:2]) is None
    assert made.looks < 5
