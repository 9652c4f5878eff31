"""Losses, weights, metrics and targets in the structure of a model's outputs."""

from __future__ import annotations

from typing import Any, NamedTuple

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
    expected = model.evaluate(X, TARGETS, verbose=0, return_dict=True)
    assert model.evaluate(X, [ONES, ONES, ONES, ONES], verbose=0, return_dict=True) == expected
    assert model.evaluate(X, TARGETS | {"a": [ONES]}, verbose=0, return_dict=True) == expected
    with pytest.raises(ValueError, match="the output 'a' is one array; got a list for it"):
        model.evaluate(X, TARGETS | {"a": [ONES, ONES]}, verbose=0)


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


def outputs_of(make):
    """A model whose first output is 1 everywhere, the second 2."""
    inputs = ef.Input((2,))
    made = [
        ef.layers.Dense(1, kernel_initializer="zeros", bias_initializer=ef.initializers.Constant(v), name=n)
        for v, n in ((1.0, "one"), (2.0, "two"))
    ]
    return ef.Model(inputs, make(*[layer(inputs) for layer in made]))


class Pair(NamedTuple):
    first: Any
    second: Any


KINDS = {
    "list": lambda a, b: [a, b],
    "tuple": lambda a, b: (a, b),
    "named": Pair,
    "dict": lambda a, b: {"a": a, "b": b},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_of_ones_own_sees_whole_structures(kind):
    make, seen = KINDS[kind], []

    def whole(y_true, y_pred):
        seen.append((type(y_true), type(y_pred)))
        (a, b), (c, d) = (s.values() if isinstance(s, dict) else s for s in (y_true, y_pred))
        return ((c - a) + (d - b)) ** 2

    model = outputs_of(make)
    several = (whole, make("mae", "mse")) if kind == "list" else [whole, make("mae", "mse")]
    model.compile("sgd", several, loss_weights=[2.0, make(10.0, 100.0)] if kind != "list" else (2.0, [10.0, 100.0]))
    found = model.evaluate(X, make(ONES, ONES), verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(2 * 1 + 10 * 0 + 100 * 1)
    assert set(seen) == {(type(make(1, 2)),) * 2}
    names = ("a_b", "a", "b") if kind == "dict" else ("one_two", "one", "two") if kind != "named" else None
    if names is not None:
        assert {name: found[f"{name}_loss"] for name in names} == dict(zip(names, (1.0, 0.0, 1.0)))
    model.fit(X, make(ONES, ONES), epochs=2, verbose=0)


def test_several_losses_of_one_output_are_added_up():
    model = outputs_of(lambda a, b: [a, b])
    model.compile("sgd", [None, ["mse", "mae"]], loss_weights=[None, [1.0, 10.0]])
    assert model.evaluate(X, [ONES, 4 * ONES], verbose=0) == pytest.approx(4 + 20)
    by_name = outputs_of(lambda a, b: {"a": a, "b": b})
    by_name.compile("sgd", {"b": ["mse", "mae"]})
    weights = np.array([1, 0, 0, 0], "float32")
    found = by_name.evaluate(X, {"b": 3 * ONES}, sample_weight=weights, verbose=0)
    assert found == pytest.approx(0.25 + 0.25)
    both = outputs_of(lambda a, b: [a, b])
    both.compile("sgd", ["mse", ["mse", "mae"]])
    found = both.evaluate(X, [3 * ONES, 4 * ONES], verbose=0, return_dict=True)
    assert found == {"loss": 4 + 4 + 2, "one_loss": 4, "two_loss": 4 + 2}
    single = ef.Sequential([ef.Input((2,)), constant(3.0)])
    single.compile("sgd", [["mse", "mae"]])
    assert single.evaluate(X, ONES, verbose=0) == pytest.approx(4 + 2)


def test_a_loss_of_ones_own_sees_an_inner_structure():
    def own(y_true, y_pred):
        assert list(y_pred) == ["c", "d"]
        return (y_pred["c"] - y_true["c"]) ** 2

    model = nested()
    model.compile("sgd", {"b": own, "a": "mse"})
    found = model.evaluate(X, TARGETS, verbose=0, return_dict=True)
    assert found == {"loss": 1.0, "b_loss": 1.0, "a_loss": 0.0}
