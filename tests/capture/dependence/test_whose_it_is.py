"""A function or class of the user's counts as such, whatever it says of the module that it is of."""

from __future__ import annotations

import functools

import pytest

import eagerflow as ef
from eagerflow import layers, ops
from tests.capture.steps import many, while_it_changes

X = ef.Tensor([[1.0, 2.0]])


def by_a_variable_around(ours):
    scale = 1.0

    @functools.wraps(ours)
    def wrapped(*args, **kwargs):
        return scale * ours(*args, **kwargs)

    def change(i):
        nonlocal scale
        scale = float(i)

    return wrapped, change


def by_a_default(ours):
    def wrapped(*args, scales=(1.0,), **kwargs):
        return scales[0] * ours(*args, **kwargs)

    wrapped.__kwdefaults__["scales"] = scales = [1.0]
    return functools.wraps(ours)(wrapped), lambda i: scales.__setitem__(0, float(i))


def by_an_attribute(ours):
    @functools.wraps(ours)
    def wrapped(*args, **kwargs):
        return wrapped.scale * ours(*args, **kwargs)

    wrapped.scale = 1.0
    return wrapped, lambda i: setattr(wrapped, "scale", float(i))


WAYS = [by_a_variable_around, by_a_default, by_an_attribute]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_wrapper_around_an_op_reads_counts(way):
    def make():
        wrapped, change = way(ops.relu)
        return lambda x: wrapped(x), change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


@pytest.mark.parametrize("way", WAYS)
def test_what_a_wrapper_around_a_method_of_a_layer_reads_counts(way):
    def make():
        layer = layers.Dense(2, kernel_initializer="ones")
        layer.call, change = way(layer.call)
        return lambda x: layer(x), change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_an_activation_that_wraps_ours_may_change_between_two_fits():
    weights = []
    for jit_compile in (False, True):
        activation, change = by_a_variable_around(ops.tanh)
        model = ef.Sequential([layers.Input((2,)), layers.Dense(2, activation, kernel_initializer="ones")])
        model.compile("sgd", "mse", jit_compile=jit_compile)
        x, y = ops.ones((32, 2)), ops.zeros((32, 2))
        model.fit(x, y, batch_size=4, verbose=0)
        change(3)
        model.fit(x, y, batch_size=4, verbose=0)
        weights.append(model.get_weights()[0].tolist())
    assert weights[0] == weights[1]
    assert sum(step.replays for step in model.captured_steps.values())


def test_a_wrapper_that_counts_its_calls_runs_in_each():
    @functools.wraps(ops.relu)
    def counting(x):
        counting.calls += 1
        return ops.relu(x)

    counting.calls = 0
    step = ef.function(lambda x: counting(x))
    with pytest.warns(UserWarning, match="the step changes relu.calls"):
        many(step, X, calls=6)
    assert counting.calls == 6
