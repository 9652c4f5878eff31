"""A step may read losses of layers that it doesn't call, and somebody may add one to them outside."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow import layers, ops
from tests.capture.steps import while_it_changes

X = ef.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


class Penalized(layers.Layer):
    """Adds a loss in each call."""

    def call(self, inputs):
        self.add_loss(ops.sum(inputs))
        return inputs * 2.0


def make(loss):
    """A step that calls one layer and reads the losses of another, to which losses are added."""
    called, other = layers.Dense(2), layers.Dense(3)

    def step(x):
        return ops.sum(called(x)) + sum(other.losses, 0.0)

    return step, lambda i: other.add_loss(loss)


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize("loss", [3.0, ef.Tensor(3.0)], ids=["a number", "a tensor"])
def test_a_loss_that_is_added_after_the_capture_counts(loss):
    eager, captured, step = while_it_changes(lambda: make(loss), X)
    assert eager == captured
    assert step.replays


def test_losses_of_what_the_step_calls_itself_are_replayed():
    model = ef.Sequential([Penalized()])
    step = ef.function(lambda x: (model(x), sum(model.losses, 0.0)))
    for i in range(10):
        rows = ef.Tensor([[float(i), 1.0]])
        if i % 3 == 2:
            model(rows * 5.0)  # whose loss is over when the step calls the model
        assert float(step(rows)[1]) == i + 1.0
    assert step.why_eager is None
    assert step.replays == 8


class InTraining(layers.Layer):
    """Adds a loss in training; elsewhere none, or a number that is the same each time."""

    def __init__(self, elsewhere):
        super().__init__()
        self.elsewhere = elsewhere

    def call(self, inputs, training=False):
        if training:
            self.add_loss(ops.sum(inputs))
        elif self.elsewhere is not None:
            self.add_loss(self.elsewhere)
        return inputs * 2.0


@pytest.mark.parametrize("elsewhere", [None, 2.0, ef.Tensor(3.0)], ids=["none", "a number", "a constant"])
def test_replays_leave_the_losses_of_their_own_calls(elsewhere):
    found = []
    for captures in (False, True):
        model = ef.Sequential([InTraining(elsewhere)])
        steps = [lambda x, m=model: m(x, training=True), lambda x, m=model: m(x, training=False)]
        steps = [ef.function(step) for step in steps] if captures else steps
        held = []
        for i in range(8):
            for step in steps:
                step(X * float(i))
                held.append([float(loss) for loss in model.losses])
        found.append(held)
    assert found[0] == found[1]
    assert all(step.replays >= 5 for step in steps)
