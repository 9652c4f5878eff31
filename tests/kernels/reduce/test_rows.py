"""Vectors along the rows of large arrays: the same numbers as by broadcasting, in any shape."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.kernels.machine.blocks import long_row, with_row

SHAPES = [
    (0, 3),
    (1, 1),
    (5, 1),
    (3, 7),
    (1, 8192),
    (4, 3000),
    (700, 33),
    (129, 64),
    (2, 10_000),
    (300, 1000),
    (40_000, 70),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [np.add, np.subtract, np.multiply])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_vector_meets_every_row(shape, function, dtype):
    rng = np.random.default_rng([*shape])
    a, vector = (rng.standard_normal(size).astype(dtype) for size in (shape, shape[1]))
    expected = function(a, vector)
    out = np.empty_like(a)
    assert with_row(function, a, long_row("test", vector, a), out) is out
    np.testing.assert_array_equal(out, expected)
    with_row(function, a, long_row("test", vector, a), a)
    np.testing.assert_array_equal(a, expected)


def test_a_long_row_has_the_wanted_type():
    row = long_row("test", np.arange(3.0), np.empty((2, 3), "float32"))
    assert row.dtype == "float32"
    np.testing.assert_array_equal(row[:7], [0, 1, 2, 0, 1, 2, 0])
