"""Softmax of the rows of a matrix, its logarithm and crossentropy, for float32, a row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.jit import compiled, sums_helper
from eagerflow.compiled.loops.exponential import exponential
from eagerflow.compiled.pieces import run_rows

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


@compiled("x[rows, n], out[rows, n]", dtypes=("float32",), noalias=True)
def _softmax(x: Any, out: Any, start: int, stop: int) -> None:
    """exp(x) divided by its sum per row; the largest of a row is subtracted only where sums would lose digits."""
    for i in range(start, stop):
        found = out[i]
        total, _ = exponentials_of(x[i], found)
        share = np.float32(1) / total
        for j in range(found.size):
            found[j] *= share


@compiled("x[rows, n], labels: int64[rows], loss[rows], out[rows, n]", dtypes=("float32",), noalias=True)
def _crossentropy_of_labels(x: Any, labels: Any, loss: Any, out: Any, start: int, stop: int) -> None:
    """-log of each row's softmax at its label, and the softmax."""
    for i in range(start, stop):
        found = out[i]
        total, most = exponentials_of(x[i], found)
        loss[i] = np.log(total) - (x[i, labels[i]] - most)
        share = np.float32(1) / total
        for j in range(found.size):
            found[j] *= share


@compiled("g[rows], labels: int64[rows], y[rows, n], out[rows, n]", noalias=True)
def _crossentropy_of_labels_gradient(g: Any, labels: Any, y: Any, out: Any, start: int, stop: int) -> None:
    """(y - 1 at the label) g."""
    for i in range(start, stop):
        slope, row, found = g[i], y[i], out[i]
        for j in range(found.size):
            found[j] = row[j] * slope
        found[labels[i]] -= slope


@compiled("x[rows, n], out[rows, n]", dtypes=("float32",), noalias=True)
def _log_softmax(x: Any, out: Any, start: int, stop: int) -> None:
    """x - log(sum(exp(x)))."""
    for i in range(start, stop):
        row, found = x[i], out[i]
        total, most = exponentials_of(row, found)
        less = np.log(total)
        for j in range(found.size):
            found[j] = row[j] - most - less


@compiled("g[rows, n], y[rows, n], out[rows, n]", dtypes=("float32",), noalias=True)
def _log_softmax_gradient(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
    """g - exp(y) sum(g)."""
    for i in range(start, stop):
        slope, row, found = g[i], y[i], out[i]
        total = np.float32(0)
        for j in range(slope.size):
            total += slope[j]
        for j in range(found.size):
            found[j] = slope[j] - exponential(row[j]) * total


@compiled("g[rows, n], y[rows, n], out[rows, n]", dtypes=("float32", "float64"), noalias=True)
def _softmax_gradient(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
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


def softmax(rows: ndarray) -> Any:
    """exp(rows) divided by its sum per row."""
    return _filled(_softmax, 0.6, rows, np.empty(rows.shape, rows.dtype)) if rows.size else None


def softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """out (g - sum(g out))."""
    return _filled(_softmax_gradient, 0.3, g, out, np.empty(out.shape, out.dtype))


def log_softmax(rows: ndarray) -> Any:
    """rows - log(sum(exp(rows)))."""
    return _filled(_log_softmax, 0.6, rows, np.empty(rows.shape, rows.dtype)) if rows.size else None


def log_softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """g - exp(out) sum(g)."""
    return _filled(_log_softmax_gradient, 0.6, g, out, np.empty(out.shape, out.dtype))


def crossentropy_of_labels(labels: Any, rows: ndarray) -> Any:
    """-log of each row's softmax at its label, and the softmax."""
    if not rows.size:
        return None
    loss, out = np.empty(len(rows), rows.dtype), np.empty(rows.shape, rows.dtype)
    found = _filled(_crossentropy_of_labels, 0.6, rows, _places(labels, rows), loss, out)
    return None if found is None else (loss, found)


def crossentropy_of_labels_gradient(g: ndarray, labels: Any, probabilities: ndarray) -> Any:
    """(probabilities - 1 at the label) g, where g (rows,) is the losses' gradient."""
    found = np.empty(probabilities.shape, probabilities.dtype)
    return _filled(_crossentropy_of_labels_gradient, 0.3, g, _places(labels, found), probabilities, found)


def _filled(loop: Any, cost: float, *arrays: Any) -> Any:
    """The last of these arrays, which a loop over rows fills from the others; None where it can't."""
    out = arrays[-1]
    work = loop.on(*arrays)
    if work is None:
        return None
    run_rows(work, len(out), out.shape[1], out.size * cost)
    return out


def _places(labels: Any, rows: ndarray) -> Any:
    """Labels as places in rows.

    Raises:
        IndexError: for one that is outside.
    """
    found, classes = np.ascontiguousarray(labels, "int64"), rows.shape[1]
    if not found.size or np.maximum.reduce(found.view("uint64"), None) < classes:  # as such, negative ones are large
        return found
    if not -classes <= found.min() <= found.max() < classes:
        raise IndexError(f"labels go from {found.min()} to {found.max()}, and there are {classes} classes")
    return np.where(found < 0, found + classes, found)
