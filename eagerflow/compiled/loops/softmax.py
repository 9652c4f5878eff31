"""Softmax of the rows of a matrix, for float32, a row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled
from eagerflow.compiled.loops.exponential import exponential

__all__ = ["softmax", "softmax_gradient"]

_LEAST, _MOST = np.float32(1e-3), np.float32(1e30)  # sums of exponentials that have lost no digits


@compiled("x[rows, n], out[rows, n]; start: int, stop: int", dtypes=("float32",))
def softmax(x: Any, out: Any, start: int, stop: int) -> None:
    """exp(x) divided by its sum per row; the largest of a row is subtracted only where sums would lose digits."""
    n = x.shape[1]
    for i in range(start, stop):
        row, found = x[i], out[i]
        total = np.float32(0)
        for j in range(n):
            e = exponential(row[j])
            found[j] = e
            total += e
        if not _LEAST <= total <= _MOST:
            most = row[0]
            for j in range(1, n):
                most = max(most, row[j])
            total = np.float32(0)
            for j in range(n):
                e = exponential(row[j] - most)
                found[j] = e
                total += e
        share = np.float32(1) / total
        for j in range(n):
            found[j] *= share


@compiled("g[rows, n], y[rows, n], out[rows, n]; start: int, stop: int", dtypes=("float32", "float64"))
def softmax_gradient(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
    """y (g - sum(g y))."""
    n = g.shape[1]
    real = g.dtype.type
    for i in range(start, stop):
        slope, row, found = g[i], y[i], out[i]
        total = real(0)
        for j in range(n):
            total += slope[j] * row[j]
        for j in range(n):
            found[j] = (slope[j] - total) * row[j]
