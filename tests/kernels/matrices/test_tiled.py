"""Products in tiles are products, whatever the strides of the matrices and wherever tiles end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from eagerflow.kernels.matrices import tiled as module
from eagerflow.kernels.matrices.tiled import has_small_products, tiled


@pytest.fixture(autouse=True, params=[True, False])
def _with_and_without_small_products(request, monkeypatch):
    monkeypatch.setattr(module, "has_small_products", lambda: request.param)


def normal(*shape, dtype="float32", seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def stored(a, order):
    """The same numbers in another layout."""
    if order == "sliced":
        return np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2]
    return np.asarray(a, order=order)


SIZES = st.sampled_from([1, 3, 8, 16, 48, 63, 64, 65, 96, 100, 128, 200, 513])
ORDERS = st.sampled_from(["C", "F", "sliced"])


@given(SIZES, SIZES, SIZES, ORDERS, ORDERS, ORDERS, st.sampled_from(["float32", "float64"]))
@settings(max_examples=50)
def test_any_matrices(rows, inner, columns, order_a, order_b, order_out, dtype):
    a, b = normal(rows, inner, dtype=dtype), normal(inner, columns, dtype=dtype, seed=1)
    out = stored(np.full((rows, columns), np.nan, dtype), order_out)
    assert tiled(stored(a, order_a), stored(b, order_b), out) is out
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(out, a.astype("float64") @ b, rtol=0, atol=tolerance * 10 * inner**0.5)


@pytest.mark.parametrize("shape", [(27, 5000, 16), (9, 8000, 32), (4, 60_000, 8), (3, 90_000, 8), (1, 300_000, 4)])
@pytest.mark.parametrize("orders", [("C", "C"), ("F", "C"), ("sliced", "F")])
def test_small_results_of_long_rows(shape, orders):
    rows, inner, columns = shape
    a, b = normal(rows, inner), normal(inner, columns, seed=1)
    out = np.full((rows, columns), np.nan, "float32")
    tiled(stored(a, orders[0]), stored(b, orders[1]), out)
    np.testing.assert_allclose(out, a.astype("float64") @ b, rtol=0, atol=3e-5 * inner**0.5)


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0)])
def test_empty_matrices(shape):
    rows, inner, columns = shape
    out = np.full((rows, columns), 7.0)
    tiled(np.ones((rows, inner)), np.ones((inner, columns)), out)
    np.testing.assert_array_equal(out, np.zeros((rows, columns)))


def test_what_blas_can_do_is_known():
    assert has_small_products() in (True, False)
