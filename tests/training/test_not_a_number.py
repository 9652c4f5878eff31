"""A loss that turns NaN is told once, with the layer where it shows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = np.ones((12, 1), "float32")


def model(*inner, optimizer="sgd"):
    made = ef.Sequential([layers.Dense(4, name="wide"), *inner, layers.Dense(1, name="head")], name="net")
    made.compile(optimizer, "mse")
    return made


def told(made, *data, **kwargs):
    """The warnings of a training, as text."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        made.fit(*data, verbose=0, **kwargs)
    assert all(w.filename == __file__ for w in found)
    return [str(w.message) for w in found]


def with_nan(array, at=(7, 1)):
    array = array.copy()
    array[at] = np.nan
    return array


def test_nan_in_the_data_names_the_data_and_the_first_layer():
    (message,) = told(model(), with_nan(X), Y, epochs=3)
    assert message.startswith("the loss is nan after epoch 1: x holds NaN or infinite values, and layer 'net/wide'")
    assert "viz nonfinite" in message
    assert len(message) <= 500


def test_nan_in_the_targets():
    (message,) = told(model(), X, with_nan(Y, (3, 0)), epochs=2)
    assert "y holds NaN" in message


def test_a_learning_rate_that_explodes_names_the_first_layer_with_such_weights():
    (message,) = told(model(optimizer=ef.optimizers.SGD(1e20)), X, Y, epochs=6, batch_size=4)
    assert "layer 'net/wide' is the first whose weights hold NaN" in message
    assert "learning rate may be too high: it is 1e+20" in message


def test_a_loss_that_grew_before_speaks_for_the_rate():
    (message,) = told(model(optimizer=ef.optimizers.SGD(0.9)), 4 * X, Y, epochs=40)
    assert "learning rate may be too high: the loss grew from" in message


def test_a_loss_that_was_huge_speaks_for_the_rate_and_the_scale():
    (message,) = told(model(optimizer=ef.optimizers.SGD(0.1)), 100 * X, 1000 * Y, epochs=5, batch_size=6)
    assert "learning rate may be too high, or the data unscaled: the loss was" in message
    assert "log, root" not in message


def negative_log(made):
    made.compile("adam", "mse")
    return told(made, X, Y)


def zeros_for_probabilities():
    dead = layers.Dense(3, "relu", kernel_initializer="zeros", bias_initializer=ef.initializers.Constant(-1.0))
    made = ef.Sequential([layers.Dense(4), dead])
    made.compile("adam", "sparse_categorical_crossentropy")
    return told(made, X, np.zeros(12, "int64"))


@pytest.mark.parametrize(
    "train",
    [
        lambda: negative_log(ef.Sequential([layers.Dense(4), layers.Lambda(ops.log), layers.Dense(1)])),
        zeros_for_probabilities,
    ],
    ids=["log", "no probabilities"],
)
def test_nan_from_the_first_step_on_blames_no_rate(train):
    (message,) = train()
    assert "learning rate" not in message
    assert "python -m viz nonfinite" in message
    assert "python -m viz doctor" in message
    assert len(message) <= 500


class Logarithm(layers.Layer):
    def call(self, x):
        return ops.log(x)


def test_the_layer_that_makes_it_is_named():
    (message,) = told(model(Logarithm(name="logarithm")), X, Y)
    assert "nan" in message


def test_a_generator_s_data_are_gone_but_weights_tell():
    def batches():
        while True:
            yield with_nan(X), Y

    (message,) = told(model(), batches(), steps_per_epoch=2, epochs=2)
    assert "layer 'net/wide' is the first" in message


def test_several_inputs_by_name():
    a, b = ef.Input((3,), name="a"), ef.Input((3,), name="b")
    made = ef.Model([a, b], layers.Dense(1, name="head")(layers.Add(name="both")([a, b])))
    made.compile("sgd", "mse")
    (message,) = told(made, {"a": X, "b": with_nan(X)}, Y)
    assert "x holds NaN" in message
    assert "both" in message


class OwnStep(ef.Model):
    """Its call needs more than x, so the model can't be run again."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, name="dense")

    def call(self, x, y):
        return self.dense(x) * y

    def train_step(self, data):
        x, y = data
        with ef.GradientTape() as tape:
            loss = ops.mean(self(x, y))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


def test_a_model_that_is_called_otherwise():
    made = OwnStep()
    made.compile("sgd")
    (message,) = told(made, with_nan(X), Y)
    assert "x holds NaN" in message


def test_a_stateful_model_is_not_run_again():
    made = ef.Sequential([layers.LSTM(2, stateful=True, name="lstm"), layers.Dense(1)])
    made.compile("sgd", "mse")
    series = np.ones((4, 5, 2), "float32")
    series[1] = np.nan
    (message,) = told(made, series, np.ones((4, 1)), batch_size=4, shuffle=False)
    assert "lstm" in message


def test_a_finite_training_says_nothing():
    assert told(model(), X, Y, epochs=2) == []


@pytest.mark.parametrize("epochs", [1, 4])
def test_it_is_said_once_per_training(epochs):
    made = model()
    assert len(told(made, with_nan(X), Y, epochs=epochs)) == 1
    assert len(told(made, with_nan(X), Y, epochs=epochs)) == 1


def test_a_log_of_negative_numbers_is_thought_of():
    class Log(layers.Layer):
        def call(self, x):
            return ef.ops.log(x)

    logs = ef.Sequential([Log(), layers.Dense(1)])
    logs.compile("sgd", "mse")
    (message,) = told(logs, -np.ones_like(X), Y, shuffle=False)
    assert "log' is the first whose output isn't finite though its weights are: look for a log" in message
    assert "viz nonfinite" in message


def log_loss(target, output):
    return -ops.mean(target * ops.log(output))  # of outputs that are below 0


def test_a_loss_that_alone_is_no_number_is_named_and_no_rate():
    made = ef.Sequential([layers.Dense(1, kernel_initializer="zeros", bias_initializer=ef.initializers.Constant(-1.0))])
    made.compile(ef.optimizers.SGD(0.0), log_loss)
    for data, steps in (((X, Y), None), ((iter([(X, Y)]),), 1)):
        (message,) = told(made, *data, steps_per_epoch=steps)
        assert "all weights are finite: look for a log" in message
        assert "learning rate" not in message
