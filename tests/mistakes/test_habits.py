"""Habits from other libraries, and slips that are near: the message says what to write, and that works."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, losses, metrics, ops
from eagerflow.compiled.choice import is_on
from tests.mistakes.checking import Mistake, check

X, Y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
PICTURES = np.ones((4, 6, 6, 1), "float32")


def model(*inputs):
    made = ef.Sequential([*inputs, layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def batches():
    for i in (0, 4):
        yield X[i : i + 4], Y[i : i + 4]


def convolutional(loss, targets):
    units = targets.shape[-1]
    made = ef.Sequential([layers.Conv2D(2, 3), layers.Dense(units, activation="softmax" if units > 1 else None)])
    made.compile("sgd", loss)
    return made.fit(PICTURES, targets, verbose=0)


class Steps(ef.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(1)
        self.compile("sgd", "mse")

    def call(self, inputs):
        return self.head(inputs)

    def predict_step(self, x, y):
        raise AssertionError("refused before it is called")

    def train_step(self, x, y):
        return {"loss": 0.0}

    def test_step(self, x, y, sample_weight):
        return {"loss": 0.0}


class Without(layers.Layer):
    def call(self):
        raise AssertionError("never reached")


def stateful(rows):
    made = ef.Sequential([ef.Input((5, 3), batch_size=4), layers.LSTM(2, stateful=True), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made.fit(np.ones((rows, 5, 3), "float32"), np.ones(rows, "float32"), batch_size=4, verbose=0)


def registered():
    @ef.saving.register_keras_serializable
    class Own(layers.Layer):
        pass

    return Own


APART = "Labels go apart from the inputs, fit(x, y)"
FLATTEN = "a Flatten or pooling layer before the last one"

HABITS: dict[str, Mistake] = {
    "data in one tuple": (lambda: model(ef.Input((4,))).fit((X, Y)), ValueError, (APART,)),
    "data in one list, and evaluate": (lambda: model(ef.Input((4,))).evaluate([X, Y]), ValueError, (APART,)),
    "data in one list, before the model is built": (lambda: model().fit([X, Y]), ValueError, (APART.lower(),)),
    "a list of batches": (
        lambda: model().fit(list(batches())),
        ValueError,
        ("2 batches", "itertools.cycle(batches), steps_per_epoch=2"),
    ),
    "a generator's function": (
        lambda: model().fit(batches),
        TypeError,
        ("x: ", "Call it: batches()", "data.Dataset.from_generator(batches)"),
    ),
    "a function of no generator": (lambda: model().fit(lambda: X), TypeError, ("Call it: it() has",)),
    "a number as validation data": (
        lambda: model().fit(X, Y, validation_data=5),
        TypeError,
        ("fit(validation_data=...): expected arrays", "got int"),
    ),
    "validation data of unequal lengths": (
        lambda: model().fit(X, Y, validation_data=(X, Y[:2]), verbose=0),
        ValueError,
        ("fit(validation_data=...): ", "x has 8, y has 2"),
    ),
    "a training step of two arguments": (
        lambda: Steps().fit(X, Y, verbose=0),
        TypeError,
        (
            "Steps.train_step is called with (data)",
            "takes (x, y)",
            "def train_step(self, data), which begins with x, y = data",
        ),
    ),
    "a training step of two arguments, for one batch": (
        lambda: Steps().train_on_batch(X, Y),
        TypeError,
        ("def train_step(self, data), which begins with x, y = data",),
    ),
    "a prediction step of two arguments": (
        lambda: Steps().predict(X),
        TypeError,
        ("Steps.predict_step is called with (data)", "which begins with x = data[0]"),
    ),
    "a metric as loss": (
        lambda: ef.Sequential([layers.Dense(1)]).compile("sgd", metrics.BinaryAccuracy()),
        TypeError,
        ("compile(loss=BinaryAccuracy): that is a metric", "metrics=[BinaryAccuracy()]"),
    ),
    "a metric's class as loss": (
        lambda: ef.Sequential([layers.Dense(1)]).compile("sgd", metrics.AUC),
        TypeError,
        ("metrics=[AUC()]",),
    ),
    "a metric's name as loss": (
        lambda: ef.Sequential([layers.Dense(1)]).compile("sgd", "accuracy"),
        ValueError,
        ("Unknown loss 'accuracy': that is a metric", "metrics=['accuracy']"),
    ),
    "a file's name for JSON text": (
        lambda: ef.models.model_from_json("model.json"),
        ValueError,
        ("got 'model.json', a file's name", "open('model.json').read()"),
    ),
    "text for True or False": (
        lambda: layers.LSTM(3, return_sequences="False"),
        TypeError,
        ("LSTM(return_sequences='False')", "True or False"),
    ),
    "an initializer in the place of another argument": (
        lambda: layers.Dense(4, "relu", "he_normal"),
        TypeError,
        ("Dense(use_bias='he_normal')", "True or False"),
    ),
    "a function of one argument for pairs": (
        lambda: list(ef.data.Dataset.from_tensor_slices((X, Y)).map(lambda pair: pair[0])),
        TypeError,
        ("Dataset.map", "takes (pair)", "2 parts", "lambda x, y: ..."),
    ),
    "an array among zipped data sets": (lambda: ef.data.Dataset.zip(X, Y), TypeError, ("from_tensor_slices",)),
    "None among the numbers of a list": (
        lambda: model().fit([[1.0, None, 2.0, 3.0]] * 8, Y, verbose=0),
        TypeError,
        ("x: a list with None", "row 0"),
    ),
    "a decay below zero": (
        lambda: ef.optimizers.schedules.ExponentialDecay(0.1, 10, -0.9),
        ValueError,
        ("ExponentialDecay(decay_rate=-0.9)", "at least 0"),
    ),
    "float as the name of a type": (lambda: ops.cast(X, "float"), ValueError, ("Did you mean 'float32'?",)),
    "axes of another tensor": (
        lambda: ops.transpose(X, (0, 2, 1)),
        ValueError,
        ("transpose(float32[8, 4], axes=(0, 2, 1))", "2 axes", "(1, 0)"),
    ),
    "vectors beside sequences": (
        lambda: layers.Concatenate()([ef.Input((8,)), ef.Input((4, 2))]),
        ValueError,
        ("(None, 4, 2)", "Flatten()(x) or GlobalAveragePooling1D()(x)"),
    ),
    "a test step of three arguments": (
        lambda: Steps().evaluate(X, Y, verbose=0),
        TypeError,
        ("takes (x, y, sample_weight)", "which begins with x, y, sample_weight = data"),
    ),
    "a decorator without its parentheses": (registered, TypeError, ("@register_keras_serializable()",)),
    "random numbers of ops": (lambda: ops.random.normal((3, 3)), AttributeError, ("Use `ef.random`",)),
    "a last batch that is smaller": (
        lambda: stateful(10),
        ValueError,
        ("a batch of 4; got a batch of 2", "a batch size that divides the rows"),
    ),
    "class numbers that aren't whole": (
        lambda: ef.utils.to_categorical([1.0, 0.5]),
        ValueError,
        ("must be whole; got 0.5",),
    ),
    "a layer's call without inputs": (
        lambda: Without()(X),
        TypeError,
        ("Without.call() takes no inputs. Write def call(self, inputs).",),
    ),
    "a number as shape": (lambda: layers.Dense(4).build(8), TypeError, ("build(8)", "(None, 4)")),
    "no shape": (lambda: layers.Conv2D(4, 3).build(None), TypeError, ("build(None)", "(None, 28, 28, 1)")),
    "pictures as answers, one-hot labels": (
        lambda: convolutional("categorical_crossentropy", np.eye(4, 3, dtype="float32")),
        ValueError,
        ("(4, 4, 4, 3)".replace("(", "[").replace(")", "]"), FLATTEN),
    ),
    "pictures as answers, one number per row": (
        lambda: convolutional("mse", np.ones((4, 1), "float32")),
        UserWarning,
        (FLATTEN,),
    ),
}


@pytest.mark.parametrize("name", HABITS)
def test_the_message_says_what_to_write(name):
    check(HABITS[name])


def test_text_is_no_answer_to_whether_a_layer_trains():
    layer = layers.Dense(1)
    with pytest.raises(TypeError, match=r"Dense .*trainable = 'False': expected True or False; got text"):
        layer.trainable = "False"
    assert layer.trainable


def test_a_first_epoch_behind_the_last_one_is_warned_of():
    with pytest.warns(UserWarning, match=r"fit\(initial_epoch=5, epochs=2\) trains nothing.* 2 more: epochs=7"):
        model().fit(X, Y, initial_epoch=5, epochs=2, verbose=0)


def test_batches_repeated_without_end_are_trained_with():
    history = model().fit(itertools.cycle(list(batches())), steps_per_epoch=2, epochs=2, verbose=0)
    assert history.epoch == [0, 1]


def test_a_generator_begins_anew_in_every_epoch():
    assert model().fit(ef.data.Dataset.from_generator(batches), epochs=2, verbose=0).epoch == [0, 1]


def test_a_class_of_ones_own_may_take_arrays():
    class Weighted(losses.Loss):
        def __init__(self, weights, offsets):
            super().__init__()
            self.weights, self.offsets = weights, offsets

        def call(self, y_true, y_pred):
            return ops.mean(self.weights * ops.abs(y_true - y_pred - self.offsets), axis=-1)

    assert float(Weighted(np.full(1, 2.0, "float32"), np.zeros(1, "float32"))(Y, 0 * Y)) == 2.0


def test_a_variable_of_the_environment_is_told_of_as_it_is_set(monkeypatch):
    monkeypatch.setenv("EAGERFLOW_KERNELS", "foo")
    with pytest.raises(ValueError, match=r"^EAGERFLOW_KERNELS='foo': expected one of 'compiled', 'plain'"):
        is_on.__wrapped__()
