"""Stacks of matrices are multiplied in whatever way they lie, with the same bits on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.kernels.matrices.products import products

SHAPES = [
    ((9, 3), 50, 16, 40),  # leading axes, rows, inner, columns
    ((2, 3), 50, 16, 40),
    ((40,), 33, 7, 65),
    ((8, 1), 1, 5, 1),
    ((9, 2), 4, 0, 3),
    ((0, 2), 4, 3, 3),
    ((9, 2), 0, 3, 3),
]


@pytest.fixture(autouse=True)
def _number_of_threads_as_before():
    before = ef.get_num_threads()
    yield
    ef.set_num_threads(before)


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype("float32")


def contiguous(x):
    return x


def by_columns(x):
    return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)


def heads_last(x):
    """As attention's heads lie: an axis in front of the matrices comes after their rows in memory."""
    return np.ascontiguousarray(x.swapaxes(-3, -2)).swapaxes(-3, -2)


def every_other(x):
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def backwards(x):
    return np.ascontiguousarray(x[..., ::-1, :])[..., ::-1, :]


LAYOUTS = [contiguous, by_columns, heads_last, every_other, backwards]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("of_left", LAYOUTS)
@pytest.mark.parametrize("of_right", LAYOUTS)
def test_products_of_stacks_in_every_layout(shape, of_left, of_right):
    lead, rows, inner, columns = shape
    a, b = numbers(*lead, rows, inner), numbers(*lead, inner, columns, seed=1)
    expected = a.astype("float64") @ b.astype("float64")
    left, right = of_left(a), of_right(b)
    found = []
    for threads in (1, 3):
        ef.set_num_threads(threads)
        found.append(products(left, right))
    assert found[0].dtype == "float32"
    assert found[0].shape == expected.shape
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found[0], found[1])


def test_a_row_that_stands_for_all_rows_of_a_matrix():
    row = np.broadcast_to(numbers(9, 2, 1, 6), (9, 2, 5, 6))
    b = numbers(9, 2, 6, 4, seed=1)
    np.testing.assert_allclose(products(row, b), row @ b, rtol=1e-5, atol=1e-5)
