"""What would be lost without a word is refused: parts of numbers, classes of one's own, gradients, axes, names."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, losses, ops
from tests.mistakes.checking import Mistake, check

X, Y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")


def model(loss="mse", shape=(4,)):
    made = ef.Sequential([ef.Input(shape), layers.Dense(1)])
    made.compile("sgd", loss)
    return made


def most_likely(y_true, y_pred):
    return ops.mean(ops.abs(y_true - ops.cast(ops.argmax(y_pred, axis=-1), "float32")))


class OfTwo(ef.Model):
    def call(self, inputs, targets):
        return inputs + targets


class OwnWeights(layers.Layer):
    def __init__(self):
        super().__init__()
        self.weights = []


def own(kind):
    made = kind()
    made.compile("sgd", "mse")
    return made


MISTAKES: dict[str, Mistake] = {
    "complex inputs": (
        lambda: model().predict(X * 1j, verbose=0),
        TypeError,
        ("takes float32; got complex64[8, 4]", "imaginary parts would be lost", "[x.real, x.imag]"),
    ),
    "complex inputs of fit": (lambda: model().fit(X * 1j, Y, verbose=0), TypeError, ("imaginary parts",)),
    "complex targets": (lambda: model().fit(X, Y * 1j, verbose=0), TypeError, ("complex", "ops.abs(x)")),
    "complex predictions": (lambda: losses.MeanSquaredError()(Y, Y * 1j), TypeError, ("a loss takes real numbers",)),
    "a loss of the most likely class": (
        lambda: model(most_likely).fit(X, Y, verbose=0),
        ValueError,
        ("most_likely()", "goes through argmax, which has no gradient", "metrics=[...]"),
    ),
    "batches of batches": (
        lambda: model().fit(ef.data.Dataset.from_tensor_slices((X, Y)).batch(4).batch(2), verbose=0),
        ValueError,
        ("float32[2, 4, 4]", "an axis too many in front", "x.reshape(-1, 4)"),
    ),
    "a picture without batch and channel": (
        lambda: model(shape=(6, 5, 1)).predict(np.ones((6, 5)), verbose=0),
        ValueError,
        ("x[None, ..., None]",),
    ),
    "an Input with the number of all examples": (
        lambda: model(shape=(8, 4)).predict(X, verbose=0),
        ValueError,
        ("If it holds 8 examples: Input((4,))",),
    ),
    "a model that is called with its targets": (
        lambda: own(OfTwo).fit(X, Y, verbose=0),
        TypeError,
        ("OfTwo.call() takes 'targets' too", "call(self, inputs)", "targets go to the loss"),
    ),
    "an attribute that every layer has": (OwnWeights, AttributeError, ("OwnWeights.weights", "self.my_weights")),
    "an element of a Dataset": (
        lambda: ef.data.Dataset.range(3)[0],
        TypeError,
        ("next(iter(dataset))", "dataset.take(3)"),
    ),
    "minimize without variables": (
        lambda: ef.optimizers.SGD().minimize(lambda: ops.sum(X)),
        TypeError,
        ("minimize(loss, model.trainable_variables)",),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_nothing_is_lost_on_the_way(name):
    check(MISTAKES[name])


def namesakes():
    """A layer, an activation, a loss and a metric of one's own that are called as built-in ones."""

    class Dropout(layers.Layer):
        def __init__(self, rate, **kwargs):
            super().__init__(**kwargs)
            self.rate = rate

        def call(self, inputs):
            return inputs * self.rate

        def get_config(self):
            return {**super().get_config(), "rate": self.rate}

    def relu(x):
        return 3.0 * x

    def dice(y_true, y_pred):
        return ops.mean(y_true - y_pred)

    return Dropout, relu, dice


def test_a_class_of_ones_own_is_never_read_as_the_built_in_one_of_its_name(tmp_path):
    dropout, relu, _ = namesakes()
    for i, layer in enumerate((dropout(0.5), layers.Dense(2, activation=relu))):
        saved = ef.Sequential([ef.Input((4,)), layer])
        saved.save(path := str(tmp_path / f"{i}.keras"))
        with pytest.raises(ValueError, match=r"not the built-in one of the same name.*custom_objects=\{'"):
            ef.models.load_model(path)
        loaded = ef.models.load_model(path, custom_objects={"Dropout": dropout, "relu": relu})
        np.testing.assert_array_equal(loaded.predict(X, verbose=0), saved.predict(X, verbose=0))


def test_a_loss_of_ones_own_is_never_read_as_the_built_in_one_of_its_name(tmp_path):
    dice = namesakes()[2]
    model(dice).save(path := str(tmp_path / "a.keras"))
    with pytest.warns(UserWarning, match=r"couldn't be compiled as it was: 'dice' is a function of the module"):
        assert not ef.models.load_model(path).compiled
    assert ef.models.load_model(path, custom_objects={"dice": dice}).loss is dice


def test_an_optimizer_of_ones_own_is_never_read_as_the_built_in_one_of_its_name():
    class Adam(ef.optimizers.SGD):
        pass

    config = ef.saving.serialize_keras_object(Adam(0.1))
    with pytest.raises(ValueError, match="'Adam' is a class of the module"):
        ef.optimizers.deserialize(config)
    assert type(ef.optimizers.deserialize(config, custom_objects={"Adam": Adam})) is Adam
