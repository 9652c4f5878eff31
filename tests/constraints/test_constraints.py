"""Constraints: values, names, configurations."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import constraints
from eagerflow.core.variable import Variable

W = np.random.default_rng(0).normal(size=(4, 3, 2))


def scaled(limit, axis=0):
    norms = np.sqrt((W**2).sum(axis=axis, keepdims=True))
    return W * limit(norms) / (norms + 1e-7)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (constraints.MaxNorm(1.5), scaled(lambda n: np.minimum(n, 1.5))),
        (constraints.MaxNorm(1.0, axis=[0, 1]), scaled(lambda n: np.minimum(n, 1.0), (0, 1))),
        (constraints.UnitNorm(axis=1), scaled(lambda n: 1.0, 1)),
        (constraints.NonNeg(), np.maximum(W, 0)),
        (constraints.MinMaxNorm(1.4, 1.6, rate=0.25), scaled(lambda n: 0.25 * np.clip(n, 1.4, 1.6) + 0.75 * n)),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(made, expected, dtype):
    out = made(Variable(W, dtype=dtype))
    assert out.dtype == dtype
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("name", ["max_norm", "min_max_norm", "non_neg", "unit_norm", "MaxNorm", "NonNeg"])
def test_configurations_make_equal_constraints(name):
    made = constraints.get(name)
    described = constraints.serialize(made)
    assert described["module"] == "keras.constraints"
    again = constraints.deserialize(described)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


def test_older_names():
    assert isinstance(constraints.get("maxnorm"), constraints.MaxNorm)
    assert isinstance(constraints.get("nonneg"), constraints.NonNeg)
    assert isinstance(constraints.get("unitnorm"), constraints.UnitNorm)


def test_unknown_names_get_a_hint():
    with pytest.raises(ValueError, match="Did you mean 'max_norm'"):
        constraints.get("max_nrm")
    with pytest.raises(TypeError, match="constraint"):
        constraints.get(1)
