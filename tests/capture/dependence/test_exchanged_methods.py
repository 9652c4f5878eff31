"""Methods of eagerflow's classes that somebody exchanges, as tests and notebooks do, run in the next call."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow import layers, losses, metrics, optimizers
from eagerflow.core.tensor import Tensor

X = ef.Tensor([[1.0, 2.0]])


def of_layer():
    return layers.Dense(2, kernel_initializer="ones")


def of_model():
    return ef.Sequential([layers.Input((2,)), layers.Dense(2, kernel_initializer="ones"), layers.ReLU()])


def of_loss():
    loss = losses.MeanSquaredError()
    return lambda x: loss(x, 2 * x)


def of_metric():
    metric = metrics.MeanSquaredError()
    return lambda x: metric(x, 2 * x)


def of_optimizer():
    optimizer, variable = optimizers.SGD(0.5), ef.Variable([[1.0, 1.0]])

    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(x * variable)
        optimizer.apply_gradients([(tape.gradient(loss, variable), variable)])
        return variable + 0.0

    return step


def of_operator():
    return lambda x: x * 3.0


def of_named_class():
    return lambda x: layers.ReLU()(x)


def seven(self, *args, **kwargs):
    return Tensor([[7.0, 7.0]])


def added(old):
    def new(self, *args, **kwargs):
        return 10.0 * old(self, *args, **kwargs)

    return new


@pytest.mark.parametrize("verify_every", [0, 2])
@pytest.mark.parametrize(
    ("make", "kind", "name"),
    [
        (of_layer, layers.Dense, "call"),
        (of_layer, layers.Layer, "__call__"),
        (of_layer, layers.Dense, "__call__"),  # hides that of the base
        (of_model, layers.ReLU, "call"),
        (of_model, layers.Dense, "call"),
        (of_model, ef.Sequential, "call"),
        (of_loss, losses.Loss, "__call__"),
        (of_metric, metrics.MeanSquaredError, "result"),
        (of_metric, metrics.Metric, "__call__"),
        (of_operator, Tensor, "__mul__"),
        (of_named_class, layers.ReLU, "call"),
    ],
)
def test_an_exchanged_method_runs(make, kind, name, verify_every, monkeypatch):
    step, eager = ef.function(make(), verify_every=verify_every), make()
    for _ in range(5):
        assert step(X).tolist() == eager(X).tolist()
    assert step.replays
    before = eager(X).tolist()
    monkeypatch.setattr(kind, name, added(getattr(kind, name)) if name != "__mul__" else seven)
    after = eager(X).tolist()
    assert after != before
    for _ in range(4):
        assert step(X).tolist() == eager(X).tolist()
    monkeypatch.undo()
    for _ in range(4):
        assert step(X).tolist() == eager(X).tolist()


def test_an_exchanged_update_of_an_optimizer_runs(monkeypatch):
    def backwards(self, gradient, variable, learning_rate):
        variable.assign(variable + learning_rate * gradient)

    step, eager = ef.function(of_optimizer(), verify_every=0), of_optimizer()
    for _ in range(5):
        assert step(X).tolist() == eager(X).tolist()
    assert step.replays
    monkeypatch.setattr(optimizers.SGD, "update_step", backwards)
    for _ in range(5):
        assert step(X).tolist() == eager(X).tolist()
    assert eager(X).tolist()[0][0] > -2.5


def test_a_class_that_notes_something_about_itself_is_no_hindrance():
    step = ef.function(of_layer())
    for i in range(8):
        layers.Dense.note_of_a_library = i
        step(X)
    del layers.Dense.note_of_a_library
    assert step.replays >= 3
