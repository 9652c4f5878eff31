"""Softmax of the rows of a matrix, its logarithm and crossentropy, for float32, a row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, sums_helper
from eagerflow.compiled.loops.exponential import exponential

__all__ = ["crossentropy_of_labels", "crossentropy_of_labels_gradient", "log_softmax", "log_softmax_gradient"]
__all__ += ["softmax", "softmax_gradient"]

_LEAST, _MOST = np.float32(1e-3), np.float32(1e30)  # sums of exponentials that have lost no digits


@sums_helper
def exponentials_of(row: Any, found: Any) -> Any:
    """exp of a row into another one, up to a factor: their sum, and what was subtracted."""
    n = row.size
    total, most = np.float32(0), np.float32(0)
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
    return total, most


@compiled("x[rows, n], out[rows, n]; start: int, stop: int", dtypes=("float32",), apart=True)
def softmax(x: Any, out: Any, start: int, stop: int) -> None:
    """exp(x) divided by its sum per row; the largest of a row is subtracted only where sums would lose digits."""
    for i in range(start, stop):
        found = out[i]
        total, _ = exponentials_of(x[i], found)
        share = np.float32(1) / total
        for j in range(found.size):
            found[j] *= share


@compiled(
    "x[rows, n], labels: int64[rows], loss[rows], out[rows, n]; start: int, stop: int", dtypes=("float32",), apart=True
)
def crossentropy_of_labels(x: Any, labels: Any, loss: Any, out: Any, start: int, stop: int) -> None:
    """-log of each row's softmax at its label, and the softmax."""
    for i in range(start, stop):
        found = out[i]
        total, most = exponentials_of(x[i], found)
        loss[i] = np.log(total) - (x[i, labels[i]] - most)
        share = np.float32(1) / total
        for j in range(found.size):
            found[j] *= share


@compiled("g[rows], labels: int64[rows], y[rows, n], out[rows, n]; start: int, stop: int", apart=True)
def crossentropy_of_labels_gradient(g: Any, labels: Any, y: Any, out: Any, start: int, stop: int) -> None:
    """(y - 1 at the label) g."""
    for i in range(start, stop):
        slope, row, found = g[i], y[i], out[i]
        for j in range(found.size):
            found[j] = row[j] * slope
        found[labels[i]] -= slope


@compiled("x[rows, n], out[rows, n]; start: int, stop: int", dtypes=("float32",), apart=True)
def log_softmax(x: Any, out: Any, start: int, stop: int) -> None:
    """x - log(sum(exp(x)))."""
    for i in range(start, stop):
        row, found = x[i], out[i]
        total, most = exponentials_of(row, found)
        less = np.log(total)
        for j in range(found.size):
            found[j] = row[j] - most - less


@compiled("g[rows, n], y[rows, n], out[rows, n]; start: int, stop: int", dtypes=("float32",), apart=True)
def log_softmax_gradient(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
    """g - exp(y) sum(g)."""
    for i in range(start, stop):
        slope, row, found = g[i], y[i], out[i]
        total = np.float32(0)
        for j in range(slope.size):
            total += slope[j]
        for j in range(found.size):
            found[j] = slope[j] - exponential(row[j]) * total


@compiled("g[rows, n], y[rows, n], out[rows, n]; start: int, stop: int", dtypes=("float32", "float64"), apart=True)
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
