"""In programs of Keras 2, symbolic tensors from outside that a layer's `call` uses become further inputs of it."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import compat, ops

X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")


pytestmark = pytest.mark.usefixtures("keras_2")


def autoencoder(noise=lambda: 0.0):
    """As in F. Chollet's book: the divergence uses the code's mean and variance, which the layer isn't given."""
    x = ef.Input((3,))
    mean, log_var = ef.layers.Dense(2, name="mean")(x), ef.layers.Dense(2, name="log_var")(x)
    decoded = ef.layers.Dense(3, name="decoded")(mean)

    class Loss(ef.layers.Layer):
        def call(self, inputs):
            first, second = inputs
            divergence = -0.5 * ops.mean(1 + log_var - ops.square(mean) - ops.exp(log_var))
            self.add_loss(ops.mean(ops.square(first - second)) + divergence + noise(), inputs=inputs)
            return first

    return ef.Model(x, Loss(name="loss")([x, decoded]))


def expected(model):
    mean, log_var, decoded = (model.get_layer(name) for name in ("mean", "log_var", "decoded"))
    m, v = mean(X), log_var(X)
    divergence = -0.5 * ops.mean(1 + v - m**2 - ops.exp(v))
    return float(ops.mean((X - decoded(m)) ** 2) + divergence)


def test_the_loss_is_computed_of_the_tensors_of_the_call():
    model = autoencoder()
    np.testing.assert_array_equal(model(X), X)
    assert float(sum(model.losses)) == pytest.approx(expected(model), rel=1e-5)
    model.compile("sgd", loss=None)
    assert model.evaluate(X, batch_size=6, verbose=0) == pytest.approx(expected(model), rel=1e-5)
    before = expected(model)
    model.fit(X, epochs=5, verbose=0)
    assert expected(model) < before
    assert len(model.trainable_weights) == 6


def test_weights_are_saved_and_a_config_is_refused(tmp_path):
    model = autoencoder()
    model.save_weights(tmp_path / "m.weights.h5")
    again = autoencoder()
    again.load_weights(tmp_path / "m.weights.h5")
    assert expected(again) == pytest.approx(expected(model), rel=1e-6)
    with pytest.raises(NotImplementedError, match=r"'loss' uses symbolic tensors that are not among its inputs"):
        model.save(tmp_path / "m.keras")


def test_random_numbers_that_would_stay_the_same_are_refused():
    with pytest.raises(TypeError, match="symbolic tensors that are not among its inputs"):
        autoencoder(lambda: ef.random.normal(()))


def test_other_programs_are_told_to_pass_them():
    compat.uninstall()
    with pytest.raises(TypeError):
        autoencoder()
