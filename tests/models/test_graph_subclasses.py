"""Classes of one's own that are made like `Model(inputs, outputs)`: with a `train_step`, say."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

ONES = np.ones((2, 3), "float32")


class Plain(ef.Model):
    pass


class WithStep(ef.Model):
    def train_step(self, data):
        return {"mine": 1.0, **super().train_step(data)}


class WithSetting(ef.Model):
    def __init__(self, *args, factor=1, activation=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.factor, self.activation = factor, activation


class Telling(WithSetting):
    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def ends():
    x = ef.Input((3,), name="x")
    return x, layers.Dense(2, name="last")(layers.Dense(4, activation="relu")(x))


@pytest.mark.parametrize("cls", [Plain, WithStep, WithSetting, Telling])
def test_their_graph_is_saved(cls, tmp_path):
    model = cls(*ends(), name="mine")
    model.compile("sgd", "mse")
    model.fit(ONES, ONES[:, :2], verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = ef.saving.load_model(tmp_path / "model.keras", custom_objects={cls.__name__: cls})
    assert type(loaded) is cls
    assert loaded.name == "mine"
    assert np.array_equal(loaded(ONES).numpy(), model(ONES).numpy())
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    loaded.fit(ONES, ONES[:, :2], verbose=0)


@pytest.mark.parametrize("cls", [WithSetting, Telling])
def test_their_other_arguments_come_with_it(cls):
    model = cls(*ends(), factor=3, trainable=False)
    made = cls.from_config(model.get_config())
    assert (made.factor, made.trainable) == (3, False)
    assert made.output_shape == (None, 2)


def test_objects_among_the_arguments_are_read():
    model = WithSetting(*ends(), activation=layers.LeakyReLU(0.25))
    assert WithSetting.from_config(model.get_config()).activation.negative_slope == 0.25


def test_a_class_that_makes_its_graph_itself_keeps_its_own_arguments():
    class Own(ef.Model):
        def __init__(self, units, **kwargs):
            x = ef.Input((3,))
            super().__init__(x, layers.Dense(units)(x), **kwargs)

    assert Own(5).get_config()["units"] == 5
    assert Own.from_config(Own(5).get_config()).output_shape == (None, 5)


def test_a_function_registered_under_another_name_is_not_ours():
    config = {"class_name": "function", "module": "builtins", "config": "relu", "registered_name": "theirs>relu"}
    with pytest.raises(ValueError, match="registered as 'theirs>relu'"):
        ef.saving.deserialize_keras_object(config)
    assert ef.saving.deserialize_keras_object({**config, "registered_name": "relu"}) is ef.activations.relu
