"""Activations: names and configurations. Their numbers are compared with Keras in tests/layers."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from eagerflow import activations, ops
from eagerflow.base.serialization import register_keras_serializable
from eagerflow.core.derivatives import check_grads
from eagerflow.core.tensor import Tensor

NAMES = [n for n in activations.__all__ if n not in ("get", "serialize", "deserialize")]


@pytest.mark.parametrize("name", NAMES)
def test_found_by_name_and_back(name):
    function = activations.get(name)
    assert function is getattr(activations, name)
    told = activations.serialize(function)
    assert told == {"swish": "silu", "hard_swish": "hard_silu"}.get(name, name)
    assert activations.deserialize(told) is function


@pytest.mark.parametrize("name", [n for n in NAMES if n != "threshold"])
def test_gradients_of_two_orders(name):
    x = np.array([[-2.3, -0.7, -0.2, 0.3, 0.8, 2.6]])
    check_grads(activations.get(name), [x], rtol=2e-4, atol=2e-4)


def test_threshold():
    assert activations.threshold(Tensor([0.1, 0.9]), 0.5, -1.0).numpy().tolist() == [-1.0, np.float32(0.9)]


@pytest.mark.parametrize("name", NAMES)
def test_signatures_begin_with_x(name):
    assert next(iter(inspect.signature(getattr(activations, name)).parameters)) == "x"


def test_defaults_are_those_of_keras():
    assert inspect.signature(activations.gelu).parameters["approximate"].default is False
    assert inspect.signature(activations.leaky_relu).parameters["negative_slope"].default == 0.2
    assert inspect.signature(activations.squareplus).parameters["b"].default == 4


def test_sparsemax_projects_onto_the_probabilities():
    x = np.array([[1.0, 2.0, 2.2, -1.0], [0.1, 0.2, 0.3, 0.4]])
    out = activations.sparsemax(Tensor(x)).numpy()
    np.testing.assert_allclose(out.sum(axis=1), [1, 1])
    for row, found in zip(x, out, strict=True):  # the threshold that is subtracted is the same everywhere
        taken = (row - found)[found > 0]
        np.testing.assert_allclose(taken, taken[0], atol=1e-12)
        assert (row[found == 0] <= taken[0] + 1e-12).all()


def test_relu_settings():
    x = np.array([-2.0, -0.5, 0.2, 0.7, 3.0])
    out = activations.relu(Tensor(x), negative_slope=0.1, max_value=1.0, threshold=0.5).numpy()
    expected = np.where(x > 0.5, np.minimum(x, 1.0), 0.1 * (x - 0.5))
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_others_than_names():
    assert activations.get(None) is activations.linear
    assert activations.get(np.tanh) is np.tanh
    assert activations.get({"class_name": "function", "config": "relu"}) is activations.relu

    @register_keras_serializable("test_activations")
    def cube(x):
        return x * x * x

    assert activations.get(activations.serialize(cube)) is cube
    assert activations.serialize(ops.tanh) == "tanh"


def test_unknown_names_get_a_hint():
    with pytest.raises(ValueError, match=r"Unknown activation .rellu.\. Did you mean .relu."):
        activations.get("rellu")
    with pytest.raises(TypeError, match="activation"):
        activations.get(3)
