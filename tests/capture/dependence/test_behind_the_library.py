"""What a loss, activation or regularizer of the user's holds counts, though only our attributes lead there."""

from __future__ import annotations

import contextvars
import functools
import itertools

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from tests.capture.steps import bits, many, while_it_changes

X = ef.Tensor(np.arange(8, dtype="float32").reshape(2, 4) / 8)
MODE: contextvars.ContextVar[float] = contextvars.ContextVar("MODE", default=1.0)


class Scales:
    """Something to call, with an array that somebody changes in place."""

    def __init__(self):
        self.scale = np.ones(1, "float32")

    def __call__(self, *given):
        return given[-1] * self.scale

    def at(self, i):
        self.scale[0] = i


class Listed(Scales):
    def __init__(self):
        self.scale, self.all = None, {"one": [1.0]}

    def __call__(self, *given):
        return given[-1] * self.all["one"][0]

    def at(self, i):
        self.all["one"][0] = float(i)


class InContext(Scales):
    def __call__(self, *given):
        return given[-1] * MODE.get()

    def at(self, i):
        MODE.set(float(i))


class OfBytes(Scales):
    def __init__(self):
        self.scale = bytearray(b"\1")

    def __call__(self, *given):
        return given[-1] * self.scale[0]


HOLDERS = [Scales, Listed, InContext, OfBytes]


def as_activation(holder):
    return layers.Dense(3, kernel_initializer="ones", activation=holder)


def as_lambda(holder):
    return layers.Lambda(holder)


def as_partial(holder):
    return layers.Lambda(functools.partial(holder, 0.0))


def as_method(holder):
    return layers.Activation(holder.__call__)


def as_regularizer(holder):
    layer = layers.Dense(3, kernel_initializer="ones", kernel_regularizer=holder)
    return lambda x: ops.sum(layer(x)) + ops.sum(layer.losses[0])


def in_a_functional_model(holder):
    inputs = ef.Input((4,))
    return ef.Model(inputs, layers.Dense(3, kernel_initializer="ones", activation=holder)(inputs))


def as_an_argument_of_a_call(holder):
    class Takes(layers.Layer):
        def call(self, x, holder=None):
            return holder(x)

    inputs = ef.Input((4,))
    return ef.Model(inputs, Takes()(inputs, holder=holder))


def as_a_metric(holder):
    metric = ef.metrics.MeanMetricWrapper(holder)

    def call(x):
        metric.update_state(x, x * 2.0)
        return metric.result()

    return call


PLACES = [as_activation, as_lambda, as_partial, as_method, as_regularizer, in_a_functional_model, as_a_metric]
PLACES += [as_an_argument_of_a_call]
PAIRS = [*[(place, Scales) for place in PLACES], *[(as_activation, kind) for kind in HOLDERS[1:]]]


@pytest.mark.parametrize(("make", "kind"), PAIRS)
def test_what_an_object_behind_the_library_holds_counts(make, kind):
    MODE.set(1.0)

    def made():
        MODE.set(1.0)
        holder = kind()
        used = make(holder)
        return (lambda x: used(x)), holder.at

    eager, captured, run = while_it_changes(made, X)
    assert captured == eager
    assert run.replays > 0


@pytest.mark.parametrize("kind", HOLDERS[:2])
def test_a_loss_of_the_users_counts_in_fit(kind):
    x, y = np.ones((24, 4), "float32"), np.ones((24, 1), "float32")
    found = []
    for captures in (False, True):
        MODE.set(1.0)
        loss = kind()
        model = ef.Sequential([ef.Input((4,)), layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", loss, jit_compile=captures)
        change = ef.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs, loss=loss: loss.at(epoch))
        found.append(model.fit(x, y, batch_size=2, epochs=3, verbose=0, callbacks=[change]).history["loss"])
    assert found[0] == found[1]
    assert sum(step.replays for step in model.captured_steps.values()) > 0


class Penalty(ef.regularizers.L2):
    """The library's code reads the strength."""


def test_an_array_in_a_subclass_of_a_regularizer_counts():
    def make():
        penalty = Penalty(0.1)
        penalty.l2 = np.array(0.1, "float32")
        layer = as_regularizer(penalty)
        return (lambda x: layer(x)), lambda i: penalty.l2.__setitem__(..., i)

    eager, captured, run = while_it_changes(make, X)
    assert captured == eager
    assert run.replays > 0


class Draws:
    def __init__(self):
        self.source = np.random.default_rng(5)

    def __call__(self, *given):
        return given[-1] * self.source.random()


class Takes:
    def __init__(self):
        self.source = itertools.count(1)

    def __call__(self, *given):
        return given[-1] * float(next(self.source))


class Tells:
    def __init__(self):
        self.tell = functools.partial(print, "told")

    def __call__(self, *given):
        self.tell()
        return given[-1] * 2.0


@pytest.mark.filterwarnings("ignore:.*runs eagerly, not captured:UserWarning")
@pytest.mark.parametrize("kind", [Draws, Takes, Tells])
def test_generators_iterators_and_prints_behind_the_library_make_a_step_eager(kind, capsys):
    outcomes = []
    for captures in (False, True):
        layer = layers.Lambda(kind())
        step = ef.function(layer.call) if captures else layer
        outcomes.append(([bits(step(X)) for _ in range(6)], capsys.readouterr().out))
    assert outcomes[0] == outcomes[1]
    assert step.replays == 0
    assert step.why_eager is not None


@pytest.mark.parametrize("kind", [ef.Model, layers.Layer, layers.Dense, ef.Tensor])
@pytest.mark.parametrize("value", [lambda i: float(i), lambda i: {"is": [float(i)]}])
def test_what_somebody_puts_on_a_class_of_the_librarys_counts(kind, value, monkeypatch):
    model = ef.Sequential([ef.Input((4,)), layers.Dense(3, kernel_initializer="ones")])
    thing = {ef.Model: model, layers.Layer: model.layers[0], layers.Dense: model.layers[0], ef.Tensor: X}[kind]

    def make():
        monkeypatch.setattr(kind, "temperature", value(1), raising=False)

        def step(x):
            found = thing.temperature
            return model(x) * (found if isinstance(found, float) else found["is"][0])

        def change(i):
            if isinstance(kind.temperature, dict) and i % 2:
                kind.temperature["is"][0] = float(i)
            else:
                monkeypatch.setattr(kind, "temperature", value(i))

        return step, change

    eager, captured, run = while_it_changes(make, X)
    assert captured == eager
    assert run.replays > 0


class Adds(layers.Layer):
    def call(self, x):
        self.add_loss(ops.sum(x))
        return x * 2.0


@pytest.mark.filterwarnings("ignore:.*runs eagerly, not captured:UserWarning")
def test_a_step_that_reads_losses_of_an_earlier_call_runs_eagerly():
    layer = Adds()
    step = ef.function(lambda y: ops.sum(y) + sum(layer.losses))
    for i in range(8):
        y = layer(X * i)
        np.testing.assert_array_equal(step(y).numpy(), (ops.sum(y) + sum(layer.losses)).numpy())
    assert "losses that an earlier call of" in step.why_eager


def test_a_step_that_reads_the_losses_of_its_own_call_is_replayed():
    layer = Adds()

    def step(x):
        return layer(x), sum(layer.losses)

    captured = ef.function(step)
    for i in range(6):
        assert bits(captured(X * i)) == bits(step(X * i))
    assert captured.replays > 0


def test_the_large_array_of_a_tensor_is_replayed_and_nobody_writes_to_it_any_more():
    table = ef.Tensor(np.ones((600, 1000), "float32"))
    step = ef.function(lambda x: x * table[:2, :4])
    many(step, X)
    assert step.replays > 0
    with pytest.raises(ValueError, match="read-only"):
        table.data[0, 0] = 7.0


def test_a_variable_goes_on_though_a_step_holds_its_large_array_as_a_tensor():
    weights = ef.Variable(np.ones((600, 1000), "float32"))
    before = weights.value
    step = ef.function(lambda x: x * before[:2, :4])
    many(step, X)
    assert step.replays > 0
    for _ in range(2):
        weights.assign_add(weights)
        ef.optimizers.SGD(0.5).apply([weights], [weights])
    assert float(weights[0, 0]) == 1.0
    np.testing.assert_array_equal(step(X).numpy(), X.numpy())


def test_a_large_array_that_is_made_writable_again_counts():
    table = np.ones((600, 1000), "float32")
    table.flags.writeable = False
    step = ef.function(lambda x: x * table[:2, :4])
    many(step, X)
    assert step.replays > 0
    table.flags.writeable = True
    table[:] = 7.0
    np.testing.assert_array_equal(step(X).numpy(), X.numpy() * 7.0)
