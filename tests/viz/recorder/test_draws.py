"""Random numbers that a step draws are ops of its recording: without them, what reads them would read nothing."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops


class Sampling(layers.Layer):
    """A mean and some noise."""

    def call(self, mean):
        return mean + ops.exp(mean) * ef.random.normal(ops.shape(mean), stddev=2.0)


def recorded(layer, **options):
    with viz.trace(**options) as t:
        layer(ops.ones((2, 3)))
    return t


def named(t, name):
    return [op for op in t.ops if op.name == name]


def test_noise_is_an_op_that_feeds_what_reads_it():
    t = recorded(Sampling(name="sampling"))
    (noise,), (product,) = named(t, "random_normal"), named(t, "multiply")
    assert noise.inputs == ()
    assert noise.phase == "forward"
    assert noise.settings == {"mean": 0.0, "stddev": 2.0}
    assert product.inputs == (t.ops[noise.id - 1].outputs[0], noise.outputs[0])
    info = t.tensors[noise.outputs[0]]
    assert (info.shape, info.dtype, info.role, info.producer) == ((2, 3), "float32", "activation", noise.id)
    assert t.path(noise.scope) == "sampling"
    assert "ef.random.normal" in noise.source.code


def test_what_was_drawn_is_kept_where_values_are():
    t = recorded(Sampling(), values="random_normal|multiply|exp")
    (noise,), (product,), (scale,) = named(t, "random_normal"), named(t, "multiply"), named(t, "exp")
    kept = [t.values[op.outputs[0]] for op in (noise, product, scale)]
    np.testing.assert_array_equal(kept[0] * kept[2], kept[1])


def test_the_same_numbers_at_every_call_are_a_constant():
    with viz.trace() as t:
        ops.sum(ef.random.normal((2, 3), seed=1))
    assert [op.name for op in t.ops] == ["sum"]


@pytest.mark.parametrize("captured", [False, True])
def test_each_replay_of_a_captured_step_has_its_draw(captured):
    layer = Sampling()
    step = ef.function(lambda x: ops.sum(layer(x))) if captured else lambda x: ops.sum(layer(x))
    x = ops.ones((2, 3))
    for _ in range(8):  # some don't count where other threads run, as those of a test's worker
        step(x)
    with viz.trace() as t:
        step(x)
    (noise,), (product,) = named(t, "random_normal"), named(t, "multiply")
    assert noise.outputs[0] in product.inputs
    assert noise.replayed == product.replayed == captured
