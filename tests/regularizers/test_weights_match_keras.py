"""Penalties and bounds give Keras' numbers (`tests/fixtures/make_weights.py`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from tests.fixtures.cases.weight_cases import CONSTRAINTS, REGULARIZERS, weights

KERAS = np.load(Path(__file__).parents[1] / "fixtures" / "weights.npz", allow_pickle=False)
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("i", range(len(REGULARIZERS)))
def test_penalties_and_their_gradients(i, dtype, device):
    name, settings, shape = REGULARIZERS[i]
    w = ef.Variable(weights(i, shape).astype(dtype))
    with ef.GradientTape() as tape:
        penalty = getattr(ef.regularizers, name)(**settings)(w)
    gradient = tape.gradient(penalty, w)
    assert (penalty.dtype, gradient.dtype) == (dtype, dtype)
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(penalty.numpy(), KERAS[f"penalty {i}"], **close)
    np.testing.assert_allclose(gradient.numpy(), KERAS[f"gradient {i}"], **close)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("i", range(len(CONSTRAINTS)))
def test_bounded_weights(i, dtype, device):
    name, settings, shape = CONSTRAINTS[i]
    bounded = getattr(ef.constraints, name)(**settings)(ef.Tensor(weights(i, shape).astype(dtype)))
    assert bounded.dtype == dtype
    np.testing.assert_allclose(bounded.numpy(), KERAS[f"bounded {i}"], rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
