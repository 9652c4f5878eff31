"""What was compiled is compiled again: for clones, and out of the config that `get_compile_config` gives."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, losses, metrics, ops, optimizers
from eagerflow.models import clone_model

X, Y = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")


def net(loss, **arguments):
    model = ef.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 10)), loss, **arguments)
    return model


def distance(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


class Weighed(losses.Loss):
    def __init__(self, by):
        super().__init__()
        self.by = by

    def call(self, y_true, y_pred):
        return self.by * distance(y_true, y_pred)


@pytest.mark.parametrize(
    "loss", ["mse", losses.MeanSquaredError(), losses.Huber(0.3), distance, Weighed(3.0), [losses.LogCosh()]]
)
def test_a_clone_trains_as_its_model_does(loss):
    model = net(loss, metrics=["mae", distance, metrics.MeanSquaredError(name="squares")])
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    assert clone.optimizer is not model.optimizer
    assert clone.train_on_batch(X, Y, return_dict=True) == model.train_on_batch(X, Y, return_dict=True)
    clone.train_on_batch(X, Y)
    assert (int(model.optimizer.iterations), int(clone.optimizer.iterations)) == (1, 2)
    assert [w.tolist() for w in clone.get_weights()] != [w.tolist() for w in model.get_weights()]


def test_metrics_of_a_clone_are_its_own():
    squares = metrics.MeanSquaredError(name="squares")
    model = net("mse", metrics=[squares])
    clone = clone_model(model)
    clone.evaluate(X, Y, verbose=0)
    assert float(squares.result()) == 0.0
    assert float(clone.get_metrics_result()["squares"]) > 0.0


def test_the_config_of_objects_compiles_another_model():
    model, other = net(losses.Huber(0.3), metrics=[metrics.MeanSquaredError()]), net("mse")
    other.compile_from_config(model.get_compile_config())
    assert other.loss.get_config() == model.loss.get_config()
    other.set_weights(model.get_weights())
    assert other.evaluate(X, Y, verbose=0, return_dict=True) == model.evaluate(X, Y, verbose=0, return_dict=True)


def test_a_class_that_says_how_it_is_compiled_is_asked():
    class Told(ef.Sequential):
        def get_compile_config(self):
            return {"optimizer": "sgd", "loss": "mae"}

    model = Told([layers.Input((3,)), layers.Dense(2)])
    model.compile("adam", "mse")
    assert clone_model(model).loss == "mae"
