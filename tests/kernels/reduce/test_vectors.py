"""Sums and products with vectors agree with float64, for few rows and many."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.kernels.machine.threads import KEPT, one_blas_thread
from eagerflow.kernels.reduce.sums import sums_of_slices
from eagerflow.kernels.reduce.vectors import column_products, column_sums, row_products, row_sums

SHAPES = [(1, 1), (1, 4096), (3, 1000), (7, 13), (KEPT, 64), (KEPT + 1, 64), (64, 1), (0, 5), (5, 0), (2048, 96)]


def numbers(*shape, dtype="float32", seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_and_products_of_rows_and_columns(shape, dtype):
    a, b = numbers(*shape, dtype=dtype), numbers(*shape, dtype=dtype, seed=1)
    exact = a.astype("float64"), b.astype("float64")
    near = {"rtol": 1e-5, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-11}
    for found, expected in (
        (row_sums(a), exact[0].sum(axis=1)),
        (column_sums(a), exact[0].sum(axis=0)),
        (row_products(a, b), (exact[0] * exact[1]).sum(axis=1)),
        (column_products(a, b), (exact[0] * exact[1]).sum(axis=0)),
    ):
        assert found.dtype == dtype
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, **near)


def test_products_of_few_rows_that_are_not_contiguous():
    a = numbers(6, 4096)[:, ::2]
    np.testing.assert_allclose(row_products(a, a), (a.astype("float64") ** 2).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 65536, 64), (3, 5000, 16), (2, 7, 8), (1, 4096, 3), (5, 9000, 300), (2, 0, 3)])
def test_sums_of_slices_with_few_results_and_many(shape):
    x = numbers(*shape)
    with one_blas_thread:
        found = sums_of_slices(x)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, x.sum(axis=1, dtype="float64"), rtol=1e-4, atol=2e-3)
