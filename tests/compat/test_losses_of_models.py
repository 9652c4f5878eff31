"""Losses of Keras 2 that reach for tensors of the model, for each of its outputs, and differentiate within it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from eagerflow import Input, Model, Sequential, compat, layers
from eagerflow.compat.faces import face

K = face("keras.backend")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3)).astype("float32")
ONES = np.ones((8, 1), "float32")


pytestmark = pytest.mark.usefixtures("keras_2")


def signed(y_true, y_pred):
    return K.mean(y_true * y_pred)


def penalty(y_true, y_pred, at):
    slopes = K.gradients(y_pred, at)[0]
    return K.mean(K.square(1 - K.sqrt(K.sum(K.square(slopes), axis=1))))


def critic_and_point():
    critic = Sequential([Input((3,)), layers.Dense(5, activation="tanh"), layers.Dense(1)])
    real = Input((3,), name="real")
    point = layers.Lambda(lambda x: 0.5 * x)(real)
    return critic, real, point


def by_hand(weights, samples=X):
    """The critic's mean over the samples, and the penalty halfway to zero."""
    k1, b1, k2, b2 = [np.asarray(w, "float64") for w in weights]
    hidden = np.tanh(samples * 0.5 @ k1 + b1)
    slopes = ((1 - hidden**2) * k2[:, 0]) @ k1.T
    value = np.tanh(samples @ k1 + b1) @ k2 + b2
    return value.mean(), np.mean((1 - np.sqrt((slopes**2).sum(1))) ** 2)


def assert_steps_down(critic, before, whole):
    """One step of gradient descent with rate 1, against central differences."""
    for i, (old, new) in enumerate(zip(before, critic.get_weights())):
        for at in np.ndindex(old.shape):
            ends = []
            for change in (1e-5, -1e-5):
                moved = [np.array(w, "float64") for w in before]
                moved[i][at] += change
                ends.append(whole(moved))
            assert (old - new)[at] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=2e-6)


@pytest.mark.parametrize("form", ["list", "dict"])
def test_a_gradient_penalty_is_computed_and_differentiated(form):
    critic, real, point = critic_and_point()
    at_real, at_point = (
        layers.Lambda(lambda x: x, name="a")(critic(real)),
        layers.Lambda(lambda x: x, name="b")(critic(point)),
    )
    model = Model(real, [at_real, at_point])
    losses = [signed, partial(penalty, at=point)]
    model.compile("sgd", losses if form == "list" else dict(zip("ab", losses)), loss_weights=[1, 10])
    model.optimizer.learning_rate = 1.0
    before = critic.get_weights()
    value, slopes = by_hand(before)
    told = model.train_on_batch(X, [-ONES, ONES])
    np.testing.assert_allclose(told, [10 * slopes - value, -value, slopes], rtol=1e-5)
    assert_steps_down(critic, before, lambda weights: (lambda v, s: 10 * s - v)(*by_hand(weights)))


def test_one_output_has_its_gradient_penalty_in_a_closure():
    critic, real, _ = critic_and_point()
    halves = layers.Lambda(lambda x: x)(real)
    model = Model(real, critic(halves))
    model.compile("sgd", lambda y_true, y_pred: penalty(y_true, y_pred, halves) + signed(y_true, y_pred))
    value, slopes = by_hand(critic.get_weights(), 2 * X)[1], by_hand(critic.get_weights())[0]
    assert model.evaluate(X, ONES, verbose=0) == pytest.approx(value + slopes, rel=1e-5)


def test_a_loss_takes_tensors_from_before_the_output():
    """As that of a variational autoencoder does."""
    x = Input((3,))
    mean, spread = layers.Dense(2)(x), layers.Dense(2)(x)
    model = Model(x, layers.Dense(3)(mean + spread))

    def loss(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred), axis=-1) + K.sum(K.square(mean) - spread, axis=-1)

    model.compile("sgd", loss)
    m, s = Model(x, [mean, spread]).predict(X, verbose=0)
    expected = ((X - model.predict(X, verbose=0)) ** 2).mean() + (m**2 - s).sum(axis=1).mean()
    assert model.evaluate(X, X, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_losses_that_take_nothing_from_the_model_stay_what_they_are():
    critic, real, point = critic_and_point()
    model = Model(real, [critic(real), critic(point)])
    model.compile("sgd", [signed, signed])
    assert model._ef_state.added is None


def test_a_tensor_that_the_loss_is_not_made_from_has_no_gradient():
    first, second = Input((2,)), Input((2,))
    assert K.gradients(first * 2, [second, first])[0] is None
    with pytest.raises(TypeError, match="symbolic tensors or weights; got str"):
        K.gradients(first * 2, "first")


def test_a_loss_of_a_layer_that_reaches_outside_names_what_to_pass():
    compat.uninstall()  # there it may reach
    x = Input((3,))
    mean = layers.Dense(2, name="z_mean")(x)

    class Reaching(layers.Layer):
        def call(self, inputs):
            self.add_loss(K.mean(inputs) + K.mean(K.square(mean)))
            return inputs

    with pytest.raises(
        TypeError, match=r"not among its inputs \(<SymbolicTensor 'z_mean'.*Pass them when the layer is called"
    ):
        Reaching()(x)
