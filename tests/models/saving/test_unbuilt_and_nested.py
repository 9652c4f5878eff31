"""Models saved before they have weights, layers inside of configurations, and containers that hold themselves."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef

X = np.ones((2, 3), "float32")


def test_a_model_without_weights_comes_back_without(tmp_path):
    model = ef.Sequential([ef.layers.Dense(2), ef.layers.Dense(1, activation="relu")])
    model.compile("adam", "mse")
    with pytest.warns(UserWarning, match="its configuration alone"):
        model.save(tmp_path / "m.keras")
    again = ef.saving.load_model(tmp_path / "m.keras")
    assert not again.built
    assert again.compiled
    assert again(X).shape == (2, 1)


def test_a_subclass_without_weights(tmp_path):
    class Own(ef.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = ef.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Own()
    with pytest.warns(UserWarning, match="its configuration alone"):
        model.save(tmp_path / "m.keras")
    again = ef.saving.load_model(tmp_path / "m.keras", custom_objects={"Own": Own})
    assert not again.built
    assert again(X).shape == (2, 2)


def test_layers_in_a_configuration_are_described(tmp_path):
    class Both(ef.layers.Layer):
        def __init__(self, first, **kwargs):
            super().__init__(**kwargs)
            self.first = first

        def call(self, x):
            return self.first(x)

        def get_config(self):
            return {**super().get_config(), "first": self.first}

        @classmethod
        def from_config(cls, config):
            return cls(ef.saving.deserialize_keras_object(config.pop("first")), **config)

    model = ef.Sequential([ef.Input((3,)), Both(ef.layers.Dense(2))])
    model.save(tmp_path / "m.keras")
    again = ef.saving.load_model(tmp_path / "m.keras", custom_objects={"Both": Both})
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))


def test_a_list_that_holds_itself(tmp_path):
    class Own(ef.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = ef.layers.Dense(2)
            self.held = [self.dense]
            self.held.append(self.held)

        def call(self, x):
            return self.dense(x)

    model = Own()
    expected = model(X).numpy()
    assert len(model.weights) == 2
    model.save(tmp_path / "m.keras")
    again = ef.saving.load_model(tmp_path / "m.keras", custom_objects={"Own": Own})
    np.testing.assert_array_equal(again(X).numpy(), expected)


def test_a_list_of_one_output_is_that_output():
    inputs = ef.Input((3,))
    dense = ef.layers.Dense(2)
    model = ef.Model(inputs, [dense(inputs)])
    assert model(X).shape == (2, 2)
    assert model.predict(X, verbose=0).shape == (2, 2)
    outer = ef.Model(inputs, ef.layers.Dense(1)(model(inputs)[0]))
    assert outer(X).shape == (2, 1)
    model.compile("sgd", ["mse"])
    model.fit(X, np.ones((2, 2)), verbose=0)
    assert set(ef.Model(inputs, {"a": dense(inputs)})(X)) == {"a"}


def test_a_layer_of_ones_own_is_asked_to_load_though_it_holds_no_arrays(tmp_path):
    asked = []

    class Own(ef.layers.Layer):
        def call(self, x):
            return x * 2.0

        def load_own_variables(self, store):
            asked.append(list(store.keys()))

    model = ef.Sequential([ef.Input((3,)), Own()])
    model.save(tmp_path / "m.keras")
    ef.saving.load_model(tmp_path / "m.keras", custom_objects={"Own": Own})
    assert asked == [[]]


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.safetensors"])
def test_a_registered_subclass_is_whole_in_each_format(name, tmp_path):
    @ef.saving.register_keras_serializable("tests_subclass")
    class Own(ef.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units, self.dense = units, ef.layers.Dense(units)

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    model = Own(2)
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((len(X), 2)), verbose=0)
    model.save(tmp_path / name)
    again = ef.saving.load_model(tmp_path / name)
    assert again.compiled
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))


def test_a_subclass_of_several_arguments_in_h5_is_loaded_by_hand(tmp_path):
    class Own(ef.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = ef.layers.Dense(2)

        def call(self, x, added):
            return self.dense(x) + added

    model, again = Own(), Own()
    expected = model(X, 1.0).numpy()
    model.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match=r"Make the model in code, call it on data, then model.load_weights"):
        ef.saving.load_model(tmp_path / "m.h5", custom_objects={"Own": Own})
    again(X, 1.0)
    again.load_weights(tmp_path / "m.h5")
    np.testing.assert_array_equal(again(X, 1.0).numpy(), expected)
