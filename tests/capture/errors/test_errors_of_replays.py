"""A replay that raises is run again eagerly, from the state of before: its error is the eager step's in all it has."""

from __future__ import annotations

import contextlib
import traceback

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.core import random
from tests.capture.steps import bits, many

GOOD, BAD = ef.Tensor(np.array([0, 1], "int32")), ef.Tensor(np.array([1, 9], "int32"))


class Noisy(layers.Layer):
    """Draws, moves averages and adds losses, before and after what may raise."""

    def __init__(self):
        super().__init__(name="noisy")
        self.before, self.behind = layers.GaussianNoise(0.5), layers.Dropout(0.5)
        self.normed = layers.BatchNormalization()
        self.table = layers.Embedding(3, 2, name="table")
        self.count = ef.Variable(0.0, trainable=False)
        self.seeds = ef.random.SeedGenerator(3)

    def call(self, x):
        drawn = ops.ones((2, 2)) * ef.random.normal((2, 2)) + ef.random.uniform((2, 2), seed=self.seeds)
        self.count.assign_add(1.0)
        y = self.normed(self.before(drawn))
        self.add_loss(ops.sum(y) * self.count)
        y = y + self.table(x)
        self.add_loss(ops.mean(y))
        return self.behind(y) * ef.random.normal((2, 2))


def noisy():
    ef.utils.set_random_seed(5)
    layer = Noisy()
    layer(GOOD, training=True)

    def step(x):
        return layer(x, training=True)

    return layer, step


def told(error):
    """All that an error says, and the user's code that its traceback passes through."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == __file__]
    context = error.__context__
    return (
        type(error),
        str(error),
        getattr(error, "__notes__", None),
        (type(context), str(context), error.__suppress_context__),
        [(each.name, each.lineno) for each in frames][1:],
    )


def failing(step, *given):
    with pytest.raises(Exception) as caught:
        step(*given)
    return told(caught.value)


def run(captures, around=contextlib.nullcontext):
    """What calls give and leave, among them one that raises."""
    layer, step = noisy()
    called = ef.function(step, verify_every=0) if captures else step
    found = [bits(called(GOOD)) for _ in range(6)]
    with around():
        error = failing(called, BAD)
    after = [bits(v.numpy()) for v in layer.variables], bits(layer.losses), random.get_state()
    found += [bits(called(GOOD)) for _ in range(3)]
    return (found, error, after, [bits(v.numpy()) for v in layer.variables], bits(layer.losses)), called


def test_large_variables_are_not_changed_twice():
    large, table = ef.Variable(np.zeros(100_000, "float32")), layers.Embedding(3, 2)
    table(GOOD)

    @ef.function
    def step(x):
        large.assign_add(ops.ones((100_000,)))
        return table(x)

    many(step, GOOD)
    with pytest.raises(IndexError, match="has vectors for 0 to 2"):
        step(BAD)
    assert set(large.numpy().tolist()) == {7.0}


def test_an_optimizer_does_not_act_twice():
    table, weight = layers.Embedding(3, 2), ef.Variable(1.0)
    table(GOOD)
    sgd = ef.optimizers.SGD(0.5)

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = weight * 2.0
        sgd.apply(tape.gradient(loss, [weight]), [weight])
        return table(x)

    many(step, GOOD)
    with pytest.raises(IndexError, match="has vectors for 0 to 2"):
        step(BAD)
    assert (float(weight), int(sgd.iterations)) == (-6.0, 7)
