"""Methods of one's own optimizer or metric that the step itself calls: what they read counts, as what a function reads.

What each replay calls again (`update_step`, `update_state`) reads what is there then, and needn't be watched.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import metrics, ops, optimizers
from tests.capture.steps import while_it_changes

X = ef.Tensor([[1.0, 2.0]])


def doubled(method):
    @functools.wraps(method)
    def twice(self, x):
        return method(self, x) * 2.0

    return twice


class Sharp(optimizers.SGD):
    """Goes up a little before it goes down, as sharpness-aware minimization does."""

    def __init__(self):
        super().__init__(0.1)
        self.rho = 0.5

    def up(self, gradients, variables):
        steps = [self.rho * gradient for gradient in gradients]
        for variable, step in zip(variables, steps):
            variable.assign_add(step)
        return steps

    @doubled
    def scaled(self, x):
        return x * self.rho

    def set_rho(self, rho):
        self.rho = rho


class Clipping(optimizers.SGD):
    def __init__(self):
        super().__init__(0.1)
        self.rho = 0.5

    def clipped(self, gradient):
        return ops.clip(gradient, -self.rho, self.rho)

    def apply(self, gradients, variables=None):
        return super().apply([self.clipped(each) for each in gradients], variables)


class Weighing(metrics.Mean):
    def __init__(self):
        super().__init__()
        self.rho = 0.5

    def weighed(self, x):
        return x * self.rho


def training(optimizer, variable, x):
    with ef.GradientTape() as tape:
        loss = ops.sum((variable - x) ** 2)
    gradients = tape.gradient(loss, [variable])
    if isinstance(optimizer, Sharp):
        optimizer.up(gradients, [variable])
    optimizer.apply(gradients, [variable])
    return variable + 0.0


def going_up():
    optimizer, variable = Sharp(), ef.Variable([[3.0, 4.0]])
    return functools.partial(training, optimizer, variable), optimizer


def clipping():
    optimizer, variable = Clipping(), ef.Variable([[3.0, 4.0]])
    return functools.partial(training, optimizer, variable), optimizer


def scaling():
    optimizer = Sharp()
    return lambda x: optimizer.scaled(x), optimizer


def weighing():
    metric = Weighing()

    def step(x):
        metric.update_state(x)
        return metric.weighed(x)

    return step, metric


@pytest.mark.parametrize("of", [going_up, clipping, scaling, weighing])
def test_an_attribute_that_a_helper_reads_counts(of):
    def make():
        step, owner = of()
        return step, lambda i: setattr(owner, "rho", float(i))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_what_only_update_step_reads_is_not_watched():
    class Scaled(optimizers.SGD):
        scale = 1.0

        def __init__(self):
            super().__init__(0.1)
            self.scale = 1.0

        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient * self.scale, variable, learning_rate)

    def make():
        optimizer, variable = Scaled(), ef.Variable([[3.0, 4.0]])
        return functools.partial(training, optimizer, variable), lambda i: setattr(optimizer, "scale", 1.0 / i)

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays == 14 - 2


def test_a_rate_that_a_step_reads_may_become_a_schedules():
    w, optimizer = ef.Variable([1.0]), optimizers.SGD(0.5)
    optimizer.build([w])

    @ef.function
    def step(x):
        optimizer.apply([ops.sum(x) * w], [w])
        return optimizer.learning_rate * 1.0

    rates = [float(step(X)) for _ in range(4)]
    optimizer.learning_rate = optimizers.schedules.InverseTimeDecay(1.0, decay_steps=1, decay_rate=1.0)
    rates += [float(step(X)) for _ in range(4)]
    assert rates == [0.5] * 4 + [float(np.float32(1 / (1 + i))) for i in (5, 6, 7, 8)]
    assert step.replays > 2


def test_the_variables_of_an_optimizer_that_a_step_picks_by_a_number_count():
    w, optimizer = ef.Variable([1.0]), optimizers.SGD(0.5, momentum=0.9)
    optimizer.build([w])
    step = ef.function(lambda x: x * ops.cast(optimizer.variables[1], "float32"))
    for _ in range(4):
        assert np.array(step(X)).tolist() == [[0.5, 1.0]]  # the learning rate
    optimizer.learning_rate = optimizers.schedules.InverseTimeDecay(1.0, decay_steps=1, decay_rate=1.0)
    assert np.array(step(X)).tolist() == [[0.0, 0.0]]  # the momentum
