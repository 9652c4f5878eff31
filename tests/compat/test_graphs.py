"""`K.function` and `K.gradients`."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.compat.faces import face

K = face("keras.backend")
X = np.random.default_rng(5).normal(size=(6, 3)).astype("float32")


@pytest.fixture
def model():
    ef.utils.set_random_seed(2)
    layers = [ef.Input((3,)), ef.layers.Dense(4, "tanh"), ef.layers.Dropout(0.5), ef.layers.Dense(2)]
    return ef.Sequential(layers)


def test_a_function_of_the_whole_model_and_of_its_middle(model):
    hidden = K.function([model.input], [model.layers[0].output])
    np.testing.assert_allclose(hidden([X])[0], model.layers[0](X), rtol=1e-6)
    rest = K.function([model.layers[0].output], [model.output])
    np.testing.assert_allclose(rest(hidden([X]))[0], model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)
    assert isinstance(hidden([X])[0], np.ndarray)


def test_the_phase_is_an_input(model):
    f = K.function([model.input, K.learning_phase()], [model.layers[1].output])
    quiet, noisy = f([X, 0])[0], f([X, 1])[0]
    assert not (quiet == 0).any()
    assert (noisy == 0).any()


def test_one_output_alone(model):
    f = K.function(model.input, model.output * 2)
    np.testing.assert_allclose(f(X), 2 * model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


def test_mistakes_in_functions(model):
    with pytest.raises(TypeError, match="symbolic"):
        K.function([model.input], [K.variable(1)])
    with pytest.raises(ValueError, match="updates"):
        K.function([model.input], [model.output], updates=[(1, 2)])
    with pytest.raises(ValueError, match="expected 1 value"):
        K.function([model.input], [model.output])([X, X])


def test_gradients_of_inputs_weights_and_the_middle(model):
    loss = K.sum(K.square(model.output))
    kernel = model.layers[0].kernel
    of = K.gradients(loss, [model.input, kernel, model.layers[1].output])
    found = K.function([model.input], of)([X])
    x = ef.convert_to_tensor(X)
    with ef.GradientTape() as tape:
        tape.watch(x)
        middle = model.layers[1](model.layers[0](x))
        value = ef.ops.sum(model.layers[2](middle) ** 2)
    expected = tape.gradient(value, [x, kernel, middle])
    for f, e in zip(found, expected):
        np.testing.assert_allclose(f, e, rtol=1e-4, atol=1e-6)


def test_pictures_that_excite_a_filter_are_found_by_climbing():
    x = ef.Input((6, 6, 1))
    features = ef.layers.Conv2D(2, 3)(x)
    loss = K.mean(features[:, :, :, 1])
    slope = K.gradients(loss, x)[0]
    slope /= K.sqrt(K.mean(K.square(slope))) + K.epsilon()
    iterate = K.function([x], [loss, slope])
    picture = np.zeros((1, 6, 6, 1), "float32")
    values = []
    for _ in range(4):
        value, step = iterate([picture])
        picture += 0.1 * step
        values.append(float(value))
    assert values == sorted(values)
    assert values[-1] > values[0]


def test_gradients_of_numbers_are_gone(model):
    with pytest.raises(TypeError, match="GradientTape"):
        K.gradients(K.sum(model(X)), model.trainable_weights)
