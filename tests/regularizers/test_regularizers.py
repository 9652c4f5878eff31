"""Regularizers: values, gradients, names, configurations."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import regularizers
from eagerflow.core.derivatives import check_grads
from eagerflow.core.tensor import Tensor

X = np.random.default_rng(0).normal(size=(4, 3))


def mean_cosine(x):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = abs(unit @ unit.T)
    n = len(x)
    return (cosines.sum() - n) / (n * (n - 1))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (regularizers.L1(0.3), 0.3 * abs(X).sum()),
        (regularizers.L2(0.3), 0.3 * (X**2).sum()),
        (regularizers.L1L2(0.3, 0.2), 0.3 * abs(X).sum() + 0.2 * (X**2).sum()),
        (regularizers.L1L2(), 0.0),
        (regularizers.OrthogonalRegularizer(0.3), 0.3 * mean_cosine(X)),
        (regularizers.OrthogonalRegularizer(0.3, mode="columns"), 0.3 * mean_cosine(X.T)),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_value_and_gradient(made, expected, dtype):
    value = made(Tensor(X, dtype))
    assert value.shape == ()
    assert value.dtype == dtype
    np.testing.assert_allclose(float(value), expected, rtol=1e-5 if dtype == "float32" else 1e-12)
    if expected:
        check_grads(made, [X])


@pytest.mark.parametrize("name", ["l1", "l2", "l1_l2", "orthogonal_regularizer", "L1", "L2", "L1L2"])
def test_configurations_make_equal_regularizers(name):
    made = regularizers.get(name)
    described = regularizers.serialize(made)
    assert described["module"] == "keras.regularizers"
    again = regularizers.deserialize(described)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


def test_own_regularizers():
    assert regularizers.get(None) is None
    assert regularizers.get(abs) is abs
    with pytest.raises(NotImplementedError, match="get_config"):
        regularizers.Regularizer().get_config()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: regularizers.get("l1_l3"), "Did you mean 'l1_l2'?"),
        (lambda: regularizers.L2(-1.0), "L2(l2=-1.0)"),
        (lambda: regularizers.L1(float("nan")), "L1(l1=nan)"),
        (lambda: regularizers.L1L2(l2="much"), "l2='much'"),
        (lambda: regularizers.OrthogonalRegularizer(mode="row"), "Did you mean 'rows'?"),
        (lambda: regularizers.OrthogonalRegularizer()([1.0]), "matrices"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)
