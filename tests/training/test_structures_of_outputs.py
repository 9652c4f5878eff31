"""Losses, weights, metrics and targets in the structure of a model's outputs."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

X = np.ones((4, 2), "float32")
ONES = np.ones((4, 1), "float32")


def constant(value):
    return layers.Dense(1, kernel_initializer="zeros", bias_initializer=ef.initializers.Constant(value))


def nested(graph=True):
    """Outputs 1, 2, 3 and 4 everywhere, as {"a": 1, "b": {"c": 2, "d": [3, 4]}}."""
    made = [constant(float(i)) for i in range(1, 5)]

    def outputs(x):
        one, two, three, four = (layer(x) for layer in made)
        return {"a": one, "b": {"c": two, "d": [three, four]}}

    if graph:
        inputs = ef.Input((2,))
        return ef.Model(inputs, outputs(inputs))

    class Own(ef.Model):
        def __init__(self):
            super().__init__()
            self.made = made

        def call(self, x):
            return outputs(x)

    return Own()


TARGETS = {"a": ONES, "b": {"c": ONES, "d": [ONES, ONES]}}


@pytest.mark.parametrize("graph", [True, False])
def test_losses_nested_as_the_outputs(graph):
    model = nested(graph)
    model.compile("sgd", {"a": "mse", "b": {"c": "mse", "d": ["mae", "mse"]}})
    found = model.evaluate(X, TARGETS, verbose=0, return_dict=True)
    names = model.output_names[2:] if graph else ["0", "1"]
    assert found["loss"] == pytest.approx(0 + 1 + 2 + 9)
    assert found["b/c_loss"] == 1.0
    assert set(found) == {"loss", "a_loss", "b/c_loss", *([f"b/d/{name}_loss" for name in names])}


@pytest.mark.parametrize("graph", [True, False])
def test_losses_and_weights_for_some_outputs(graph):
    model = nested(graph)
    model.compile("sgd", {"b": {"d": ["mae", "mse"]}}, loss_weights={"b": {"d": [1.0, 0.5]}})
    assert model.evaluate(X, TARGETS, verbose=0, return_dict=True)["loss"] == pytest.approx(2 + 4.5)


@pytest.mark.parametrize("graph", [True, False])
def test_metrics_nested_as_the_outputs(graph):
    model = nested(graph)
    model.compile("sgd", "mse", metrics={"b": {"c": "mae", "d": ["mse", ["mae", "mse"]]}})
    found = model.evaluate(X, TARGETS, verbose=0, return_dict=True)
    assert sorted(v for n, v in found.items() if "loss" not in n) == [1.0, 3.0, 4.0, 9.0]


def test_one_list_of_targets_fits_nested_outputs():
    model = nested()
    model.compile("sgd", "mse")
    given = model.evaluate(X, [ONES, ONES, ONES, ONES], verbose=0, return_dict=True)
    assert given == model.evaluate(X, TARGETS, verbose=0, return_dict=True)


@pytest.mark.parametrize(
    "loss", [{"a": "mse", "b": {"e": "mse"}}, {"a": {"c": "mse"}}, {"b": {"d": ["mse"] * 3}}, {"c": "mse"}]
)
def test_a_structure_that_the_outputs_dont_have_is_refused(loss):
    with pytest.raises(ValueError, match="loss"):
        nested().compile("sgd", loss)
    model = nested(graph=False)
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match="loss"):
        model.evaluate(X, TARGETS, verbose=0)


@pytest.mark.parametrize("losses", [["mse", None, None], [None, "mse", None], [None, "mse", "mse"]])
def test_targets_for_the_outputs_that_learn_are_enough(losses):
    inputs = ef.Input((2,))
    model = ef.Model(inputs, [constant(float(i))(inputs) for i in range(3)])
    model.compile("sgd", losses)
    every = model.evaluate(X, [ONES * 3] * 3, verbose=0, return_dict=True)["loss"]
    some = [ONES * 3 for loss in losses if loss is not None]
    assert model.evaluate(X, some, verbose=0, return_dict=True)["loss"] == every
    if len(some) == 1:
        assert model.evaluate(X, some[0], verbose=0, return_dict=True)["loss"] == every
