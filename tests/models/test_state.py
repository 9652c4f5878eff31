"""The state of models as nested dicts, and losses of values given."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers as L

X, Y = np.ones((4, 2), "float32"), np.zeros((4, 3), "float32")


def trained():
    model = ef.Sequential(
        [ef.Input((2,)), L.Dense(3, name="dense", kernel_regularizer="l2"), L.BatchNormalization(name="norm")],
        name="model",
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)
    return model


def test_the_state_goes_from_model_to_model():
    model, other = trained(), trained()
    state = model.get_state_tree("numpy_array")
    assert list(state) == ["trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"]
    (kernel,) = [v for v in model.trainable_variables if v.path.endswith("dense/kernel")]
    found = state["trainable_variables"]
    for part in kernel.path.split("/"):
        found = found[part]
    assert isinstance(found, np.ndarray)
    assert (found == kernel.numpy()).all()
    other.set_state_tree(state)
    for a, b in zip(model.variables + model.optimizer.variables, other.variables + other.optimizer.variables):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_part_of_the_state_can_be_set_and_mistakes_set_nothing():
    model = trained()
    before = model.get_weights()
    tensors = model.get_state_tree()["trainable_variables"]
    with pytest.raises(ValueError, match=r"unknown kind 'trainable'. Did you mean 'trainable_variables'"):
        model.set_state_tree({"trainable": tensors})
    with pytest.raises(ValueError, match="trainable_variables has no 'nowhere/x'"):
        model.set_state_tree({"trainable_variables": {**tensors, "nowhere": {"x": 1.0}}})
    with pytest.raises(ValueError, match=r"has shape \(3,\); got"):
        model.set_state_tree({"trainable_variables": _renewed(tensors, {"gamma": 1.0})})
    with pytest.raises(ValueError, match=r"value_format='numpy'.*Did you mean 'numpy_array'"):
        model.get_state_tree("numpy")
    assert all((a == b).all() for a, b in zip(before, model.get_weights()))
    model.set_state_tree({"trainable_variables": _renewed(tensors, {"gamma": [1.0, 2.0, 3.0]})})
    assert model.get_layer("norm").gamma.numpy().tolist() == [1, 2, 3]


def _renewed(nested, values):
    return {k: _renewed(v, values) if isinstance(v, dict) else values.get(k, v) for k, v in nested.items()}


def test_equal_paths_are_refused():
    shared = [ef.Variable(1.0, name="same"), ef.Variable(2.0, name="same")]

    class Two(ef.Model):
        def __init__(self):
            super().__init__()
            self.shared = shared

        def call(self, inputs):
            return inputs

    for variable in shared:
        variable.path = "same"
    with pytest.raises(ValueError, match="two variables have the path 'same'"):
        Two().get_state_tree()


def test_a_stateless_loss_is_the_loss_for_the_values_given():
    model = trained()
    values = [ef.convert_to_tensor(v.numpy() * 0) for v in model.trainable_variables]
    fixed, measured = model.non_trainable_variables, model.metrics_variables
    with ef.GradientTape() as tape:
        tape.watch(values)
        prediction, _ = model.stateless_call(values, fixed, X)
        loss, (_, after, metrics) = model.stateless_compute_loss(values, fixed, measured, X, Y, prediction)
    assert float(loss) == pytest.approx(0.0, abs=1e-7)
    assert [g is not None for g in tape.gradient(loss, values)] == [True] * 4
    assert (len(after), len(metrics)) == (len(fixed), len(measured))
    assert float(model.compute_loss(X, Y, model(X))) > 0
    with pytest.raises(ValueError, match=r"trainable_variables=...\): expected 4 values; got 0"):
        model.stateless_compute_loss([], fixed, measured, X, Y, prediction)


def test_models_are_read_from_configurations_with_custom_objects():
    class Doubling(L.Layer):
        def call(self, inputs):
            return inputs * 2

    x = ef.Input((2,))
    model = ef.Model(x, Doubling()(x))
    with pytest.raises(ValueError, match="Doubling"):
        ef.Model.from_config(model.get_config())
    again = ef.Model.from_config(model.get_config(), custom_objects={"Doubling": Doubling})
    assert again(X).numpy().tolist() == (2 * X).tolist()

    class Own(ef.Model):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

    own = Own(Doubling())
    assert isinstance(Own.from_config(own.get_config(), {"Doubling": Doubling}).inner, Doubling)
