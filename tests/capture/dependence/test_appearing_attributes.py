"""Attributes that optimizers, metrics, seed generators and policies get after a step was captured."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow import losses, metrics, mixed_precision, ops, optimizers
from tests.capture.steps import while_it_changes

X = ef.Tensor([[1.0, 2.0]])
NAME = "scale"


class Descent(optimizers.SGD):
    """Of the user's."""


OWNERS = [
    optimizers.SGD,
    Descent,
    metrics.Mean,
    losses.Huber,
    lambda: ef.random.SeedGenerator(1),
    lambda: mixed_precision.DTypePolicy("float32"),
    lambda: optimizers.schedules.ExponentialDecay(0.1, 1, 0.5),
]


def by_default(thing):
    return getattr(thing, "scale", 1.0)


def by_error(thing):
    try:
        return thing.scale
    except AttributeError:
        return 1.0


def by_question(thing):
    return 2.0 if hasattr(thing, "scale") else 1.0


def by_name(thing):
    return getattr(thing, NAME + "", 1.0)


def come_and_go(thing, i):
    if hasattr(thing, "scale"):
        del thing.scale
    else:
        thing.scale = float(i)


@pytest.mark.parametrize("make_owner", OWNERS)
@pytest.mark.parametrize("way", [by_default, by_error, by_question, by_name])
def test_an_attribute_that_comes_and_goes_counts(make_owner, way):
    def make():
        owner = make_owner()
        return lambda x: x * way(owner), lambda i: come_and_go(owner, i)

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_a_method_of_an_optimizer_that_is_replaced_runs_in_the_next_step():
    def make():
        optimizer, variable, scale = optimizers.SGD(0.1), ef.Variable([[3.0, 4.0]]), 1.0
        plain = optimizer.apply

        def scaled(gradients, variables=None):
            plain([each * scale for each in gradients], variables)

        def step(x):
            with ef.GradientTape() as tape:
                loss = ops.sum((variable - x) ** 2)
            optimizer.apply(tape.gradient(loss, [variable]), [variable])
            return variable + 0.0

        def change(i):
            nonlocal scale
            scale = 1.0 / i
            optimizer.apply = scaled

        return step, change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays
