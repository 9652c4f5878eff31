"""Mistakes that are refused, and states that are right from the beginning."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers


@pytest.mark.parametrize(
    "layer",
    [
        layers.MaxPooling2D(),
        layers.AveragePooling1D(2),
        layers.GlobalMaxPooling1D(),
        layers.Dropout(0.5),
        layers.SpatialDropout1D(0.5),
        layers.GaussianNoise(0.1),
        layers.AlphaDropout(0.1),
        layers.ReLU(),
        layers.LeakyReLU(),
        layers.ELU(),
        layers.Softmax(),
        layers.Activation("relu"),
        layers.Identity(),
        layers.Masking(),
        layers.UnitNormalization(),
        layers.ActivityRegularization(l2=0.1),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_without_weights_is_built_at_once(layer):
    assert layer.built

    class Building(type(layer)):
        def build(self, input_shape):
            self.built_for = input_shape

    fresh = Building.from_config(layer.get_config())
    assert not fresh.built
    fresh.build((None, 4, 4, 2))
    assert fresh.built
    assert fresh.built_for == (None, 4, 4, 2)


def test_a_weight_made_in_call_is_refused():
    class Growing(layers.Layer):
        def call(self, x):
            return x + self.add_weight(shape=())

    with pytest.raises(ValueError, match=r'Growing "growing.*": add_weight in its call'):
        Growing()(np.ones(2))


@pytest.mark.parametrize(("value", "kind"), [("yes", TypeError), (1, ValueError), (None, ValueError)])
def test_trainable_is_true_or_false(value, kind):
    with pytest.raises(kind, match=r"Dense\(trainable=.*\): expected True or False"):
        layers.Dense(2, trainable=value)


def test_a_build_that_asks_for_a_shape_nobody_has_is_refused():
    class Asking(layers.Layer):
        def build(self, foo_shape, bar):
            raise AssertionError

        def call(self, foo, bar):
            return foo + bar

    with pytest.raises(ValueError, match=r"build needs 'bar'.*'foo_shape', 'bar_shape'"):
        Asking()(np.ones((2, 1)), np.ones((2, 1)))


def test_a_call_without_training_takes_the_mode_from_the_caller_at_first_too():
    seen = []

    class Inner(layers.Layer):
        def call(self, x, training=False):
            seen.append(training)
            return x

    class Outer(layers.Layer):
        def build(self, input_shape):
            self.inner = Inner()

        def call(self, x):
            return self.inner(x)

    Outer()(np.ones(2), training=True)
    assert seen == [True]


def test_a_model_that_makes_its_layers_in_build_fits():
    class Late(ef.Model):
        def build(self, input_shape):
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Late()
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    assert [w.shape for w in model.trainable_weights] == [(3, 1), (1,)]


def test_a_layer_without_a_call_has_no_output_shape():
    with pytest.raises(NotImplementedError, match="needs a method call"):
        layers.Layer().compute_output_shape((2, 3))


def test_masks_for_merging_are_one_per_input():
    x, y = ef.Input((3,)), ef.Input((3,))
    for layer in (layers.Add(), layers.Concatenate()):
        with pytest.raises(ValueError, match="expected a list of 2 masks"):
            layer.compute_mask([x, y], [None])
        with pytest.raises(ValueError, match="is called on a list"):
            layer.compute_mask(x, [None, None])


def test_the_defaults_of_an_operation_are_part_of_its_config():
    class Scaled(ef.Operation):
        def __init__(self, alpha, beta=1.0, name=None):
            super().__init__(name=name)

        def call(self, x):
            return x

    assert Scaled(0.2, name="s").get_config() == {"alpha": 0.2, "beta": 1.0, "name": "s"}


@pytest.mark.parametrize(
    ("shape", "layer", "right"),
    [
        ((None, 28, 28, 1), layers.Conv2D(2, 3), "(28, 28, 1)"),
        ((32, 28, 28, 1), layers.MaxPooling2D(), "(28, 28, 1)"),
        ((None, None, 8), layers.LSTM(2), "(None, 8)"),
    ],
)
def test_a_batch_axis_in_the_shape_of_an_input_is_named(shape, layer, right):
    with pytest.raises(ValueError, match="Input's shape has no batch axis") as told:
        layer(layers.Input(shape))
    assert str(told.value).endswith(f": Input({right}).")
