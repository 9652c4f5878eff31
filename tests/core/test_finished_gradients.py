"""A walk back tells of each gradient as soon as nothing can be added to it."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.observe import Observer, observing


def chain():
    first, second, third = [ef.Variable([[1.0 + i]]) for i in range(3)]
    with ef.GradientTape() as tape:
        hidden = ef.ops.matmul([[2.0]], first)
        hidden = ef.ops.matmul(hidden, second)
        hidden = ef.ops.matmul(hidden, third) + first  # the first one is used twice
        loss = ef.ops.sum(hidden)
    return tape, loss, [first, second, third]


def told_by(tape, loss, variables, **options):
    heard = []
    names = {v.identity: i for i, v in enumerate(variables)}
    tape._finished = lambda key, g: heard.append((names[key], np.array(g)))
    return heard, tape.gradient(loss, variables, **options)


def test_gradients_are_told_from_the_last_to_the_first_with_their_final_values_also_to_observers():
    heard, gradients = told_by(*chain())
    assert [i for i, _ in heard] == [2, 1, 0]
    for i, value in heard:
        np.testing.assert_array_equal(value, gradients[i].numpy())
    assert gradients[0].item() == 2 * 2 * 3 + 1
    tape, loss, variables = chain()
    with observing(Observer()):
        heard, _ = told_by(tape, loss, variables)
    assert [i for i, _ in heard] == [2, 1, 0]
    tape, loss, variables = chain()
    unused = ef.Variable(1.0)
    heard, gradients = told_by(tape, loss, [*variables, unused])
    assert gradients[3] is None
    assert len(heard) == 3


def test_a_gradient_is_told_while_the_walk_goes_on():
    begun = []

    @ef.custom_gradient
    def noisy(x):
        def gradient(upstream):
            begun.append(len(heard))
            return upstream

        return x * 1.0, gradient

    heard = []
    first, second = ef.Variable([1.0]), ef.Variable([2.0])
    with ef.GradientTape() as tape:
        loss = ef.ops.sum(noisy(first * 3.0) * second)
    tape._finished = lambda key, g: heard.append(key)
    tape.gradient(loss, [first, second])
    assert begun == [1], "the second variable's gradient was there when the walk came to what is below it"


def test_recomputed_layers_tell_after_all_that_they_use():
    dense = ef.layers.Dense(3)
    block = ef.remat(dense)
    x = ef.ops.ones((2, 3))
    dense.build((2, 3))
    with ef.GradientTape() as tape:
        loss = ef.ops.sum(block(block(x)))
    heard, gradients = told_by(tape, loss, dense.trainable_variables)
    assert len(heard) == 2
    for i, value in heard:
        np.testing.assert_array_equal(value, gradients[i].numpy())


@pytest.mark.parametrize("recorded", [True, False])
def test_second_derivatives_and_tensors_watched_late_are_right_all_the_same(recorded):
    x = ef.Variable(3.0)
    with ef.GradientTape() as outer:
        with ef.GradientTape() as inner:
            y = x * x * x
        if recorded:
            inner._finished = lambda key, g: None
        g = inner.gradient(y, x)
    assert float(outer.gradient(g, x)) == 18.0
