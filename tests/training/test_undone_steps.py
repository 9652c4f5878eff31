"""After an exception the model is that of the last finished step, and trains on."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = np.ones((32, 1), "float32")
STATEFUL = X.reshape(4, 8, 3)


class Raises(layers.Layer):
    """Raises in the given training step, after the layers before it have run."""

    def __init__(self, error, at):
        super().__init__()
        self.error, self.at, self.calls = error, at, 0

    def call(self, x, training=False):
        if training:
            self.calls += 1
            if self.calls == self.at:
                raise self.error
        return x


class Last(ef.callbacks.Callback):
    """Copies of everything after each finished step."""

    def on_train_batch_end(self, batch, logs=None):
        self.batch, self.state = batch, everything(self.model)


def everything(model):
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


def model(error, at=3, optimizer="adam"):
    parts = [layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.3), layers.GaussianNoise(0.1)]
    made = ef.Sequential([*parts, Raises(error, at), layers.Dense(1)])
    made.compile(optimizer, "mse")
    return made


@pytest.mark.parametrize("error", [ValueError("mine"), MemoryError(), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_failing_step_leaves_nothing_behind(error, optimizer):
    made, last = model(error, optimizer=optimizer), Last()
    with pytest.raises(type(error)):
        made.fit(X, Y, batch_size=4, verbose=0, callbacks=[last])
    assert last.batch == 1
    for before, after in zip(last.state, everything(made), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_failing_step_on_one_batch_leaves_nothing_behind():
    made = model(ValueError("mine"))
    for _ in range(2):
        made.train_on_batch(X[:4], Y[:4])
    before = everything(made)
    with pytest.raises(ValueError, match="mine"):
        made.train_on_batch(X[:4], Y[:4])
    for a, b in zip(before, everything(made), strict=True):
        np.testing.assert_array_equal(a, b)
    made.train_on_batch(X[:4], Y[:4])
    assert any((a != b).any() for a, b in zip(before, everything(made), strict=True))


def test_training_goes_on_as_if_the_step_had_not_been_tried():
    """Bit for bit, dropout and noise too."""
    ef.utils.set_random_seed(7)
    failing = model(ValueError("once"), at=3)
    with pytest.raises(ValueError, match="once"):
        failing.fit(X, Y, batch_size=4, verbose=0, shuffle=False)
    failing.fit(X[8:], Y[8:], batch_size=4, verbose=0, shuffle=False)
    ef.utils.set_random_seed(7)
    whole = model(ValueError("never"), at=10**9)
    whole.fit(X, Y, batch_size=4, verbose=0, shuffle=False)
    for a, b in zip(everything(failing), everything(whole), strict=True):
        np.testing.assert_array_equal(a, b)


def test_states_of_recurrent_layers_are_put_back():
    made = ef.Sequential([layers.LSTM(2, stateful=True), Raises(ValueError("mine"), 2), layers.Dense(1)])
    made.compile("sgd", "mse")
    last = Last()
    with pytest.raises(ValueError, match="mine"):
        made.fit(
            np.tile(STATEFUL, (3, 1, 1)), np.ones((12, 1)), batch_size=4, verbose=0, shuffle=False, callbacks=[last]
        )
    for before, after in zip(last.state, everything(made), strict=True):
        np.testing.assert_array_equal(before, after)


class Late(ef.Sequential):
    """Fails after its weights were updated: that step happened."""

    def train_step(self, data):
        super().train_step(data)
        raise RuntimeError("late")


def test_a_step_that_fails_after_the_update_has_happened():
    made = Late([layers.Dense(2), layers.BatchNormalization(), layers.Dense(1)])
    made.compile("sgd", "mse")
    made(X[:4])  # has states now, which could be put back
    with pytest.raises(RuntimeError, match="late"):
        made.fit(X, Y, batch_size=4, verbose=0)
    assert int(made.optimizer.iterations) == 1
    assert np.abs(made.layers[1].moving_mean.numpy()).sum() > 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_lets_the_step_finish():
    class Interrupts(layers.Layer):
        calls = 0

        def call(self, x, training=False):
            if training:
                Interrupts.calls += 1
                if Interrupts.calls == 3:
                    os.kill(os.getpid(), signal.SIGINT)
            return x

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    made, last = (ef.Sequential([layers.Dense(2), layers.BatchNormalization(), Interrupts(), layers.Dense(1)]), Last())
    made.compile("adam", "mse")
    try:
        with pytest.raises(KeyboardInterrupt):
            made.fit(X, Y, batch_size=4, verbose=0, callbacks=[last])
    finally:
        signal.signal(signal.SIGINT, before)
    assert last.batch == 2
    assert int(made.optimizer.iterations) == 3
    for a, b in zip(last.state, everything(made), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "hook",
    ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_epoch_end", "on_train_end"],
)
def test_a_callback_that_raises_leaves_a_usable_model(hook):
    made = ef.Sequential([layers.Dense(1)])
    made.compile("sgd", "mse")

    def raises(self, *args, **kwargs):
        raise RuntimeError(hook)

    callback = type("Raising", (ef.callbacks.Callback,), {hook: raises})()
    with pytest.raises(RuntimeError, match=hook):
        made.fit(X, Y, verbose=0, callbacks=[callback])
    assert len(made.fit(X, Y, verbose=0).epoch) == 1
