"""`viz.patch`: other outputs of a layer for a while."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz


@pytest.fixture
def model():
    ef.utils.set_random_seed(0)
    inputs = ef.Input((3,))
    inner = ef.Sequential([ef.layers.Dense(4, activation="relu", name="hidden")], name="encoder")
    made = ef.Model(inputs, ef.layers.Dense(1, use_bias=False, name="out")(inner(inputs)))
    made.compile("sgd", "mse")
    return made


X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


@pytest.mark.parametrize("which", ["hidden", "encoder/hidden", "encoder", "layer"])
def test_a_layer_gives_what_the_function_makes_of_its_outputs(model, which):
    layer = model.get_layer("encoder").layers[0] if which == "layer" else which
    before = model.predict(X, verbose=0)
    with viz.patch(layer, lambda y: 0 * y):
        np.testing.assert_array_equal(model.predict(X, verbose=0), np.zeros((4, 1)))
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    assert "call" not in vars(model.get_layer("encoder").layers[0])


def test_gradients_flow_through_the_function(model):
    model(X)
    with viz.patch("hidden", lambda y: 3 * y), ef.GradientTape() as tape:
        loss = ef.ops.sum(model(X))
    with ef.GradientTape() as plain:
        unpatched = ef.ops.sum(model(X))
    for tripled, gradient in zip(
        tape.gradient(loss, model.trainable_variables), plain.gradient(unpatched, model.trainable_variables)
    ):
        np.testing.assert_allclose(tripled, 3 * gradient, rtol=1e-6)


def test_mixed_types_and_captured_steps_are_patched_too():
    layers = [ef.layers.Dense(4, dtype="mixed_float16", name="hidden"), ef.layers.Dense(1, use_bias=False)]
    model = ef.Sequential(layers)
    model.compile("sgd", "mse", jit_compile=True)
    for _ in range(3):
        before = model.predict_on_batch(X)
    with viz.patch("hidden", lambda y: 0 * y):
        assert not model.predict_on_batch(X).any()
    np.testing.assert_array_equal(model.predict_on_batch(X), before)


def test_an_error_in_the_block_leaves_nothing_behind(model):
    with pytest.raises(ZeroDivisionError), viz.patch("hidden", lambda y: 1 / 0):
        model(X)
    assert "call" not in vars(model.get_layer("encoder").layers[0])
    model(X)


def test_a_name_that_no_layer_has_is_an_error_with_the_names_that_were_called(model):
    with pytest.raises(ValueError, match=r"'hiden'.*hidden"), viz.patch("hiden", lambda y: y):
        model(X)
    with pytest.raises(TypeError, match="expected a function"), viz.patch("hidden", 0.0):
        pass
