"""Softmax, its logarithm and crossentropies of the rows of large NumPy arrays, block by block.

The largest element of a row is subtracted only where elements are large at all: exp(60) times a million elements
overflows no type, and finding the extremes of a whole array is much faster than those of its rows.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.kernels.blocks import ones
from eagerflow.kernels.moments import in_runs

__all__ = [
    "crossentropy_of_labels", "crossentropy_of_labels_gradient", "log_softmax", "log_softmax_gradient", "rows_of",
    "softmax", "softmax_gradient",
]  # fmt: skip

_SAFE = 60.0
_SMALL = 2048  # numbers, below which NumPy's calls cost more than its passes


def rows_of(x: Any, axis: Any) -> Any:
    """`x` as a matrix of rows along `axis`, if that is the last one and `x` is a large NumPy array; else None."""
    if type(x) is not numpy.ndarray or x.size < _SMALL or x.dtype.name not in ("float32", "float64"):
        return None
    if axis not in (-1, x.ndim - 1, (-1,), (x.ndim - 1,)):
        return None
    return x.reshape(-1, x.shape[-1])


def _exponentials(rows: Any, out: Any) -> tuple[Any, Any]:
    """exp of a block of rows into `out`, up to a factor per row: its sum per row, and what was subtracted (or None).

    Rows of minus infinity throughout give zeros, and the sum 1.
    """
    peak = None
    if -_SAFE <= rows.min() and rows.max() <= _SAFE:
        numpy.exp(rows, out=out)
        return out @ ones(rows.shape[1], rows.dtype), peak
    peak = numpy.maximum(rows.max(axis=1, keepdims=True), numpy.finfo(rows.dtype).min)
    numpy.subtract(rows, peak, out=out)
    numpy.exp(out, out=out)
    total = out @ ones(rows.shape[1], rows.dtype)
    total += total == 0
    return total, peak


def softmax(rows: Any) -> Any:
    """exp(rows) divided by its sum per row."""
    out = numpy.empty(rows.shape, rows.dtype)

    def fill(_: int, block: slice) -> None:
        total, _peak = _exponentials(rows[block], out[block])
        numpy.multiply(out[block], (1 / total)[:, None], out=out[block])

    in_runs(fill, len(rows), rows.shape[1], 1.0)
    return out


def softmax_gradient(g: Any, out: Any) -> Any:
    """out (g - sum(g out))."""
    found = numpy.empty(out.shape, out.dtype)

    def fill(_: int, block: slice) -> None:
        d = found[block]
        numpy.subtract(g[block], numpy.vecdot(g[block], out[block])[:, None], out=d)
        numpy.multiply(d, out[block], out=d)

    in_runs(fill, len(out), out.shape[1], 0.6)
    return found


def log_softmax(rows: Any) -> Any:
    """rows - log(sum(exp(rows)))."""
    out = numpy.empty(rows.shape, rows.dtype)

    def fill(_: int, block: slice) -> None:
        total, peak = _exponentials(rows[block], out[block])
        total = numpy.log(total)[:, None]
        if peak is None:
            numpy.subtract(rows[block], total, out=out[block])
        else:
            numpy.subtract(rows[block], peak, out=out[block])
            numpy.subtract(out[block], total, out=out[block])

    in_runs(fill, len(rows), rows.shape[1], 1.0)
    return out


def log_softmax_gradient(g: Any, out: Any) -> Any:
    """g - exp(out) sum(g)."""
    found = numpy.empty(out.shape, out.dtype)

    def fill(_: int, block: slice) -> None:
        d = found[block]
        numpy.exp(out[block], out=d)
        numpy.multiply(d, (g[block] @ ones(out.shape[1], out.dtype))[:, None], out=d)
        numpy.subtract(g[block], d, out=d)

    in_runs(fill, len(out), out.shape[1], 1.0)
    return found


def crossentropy_of_labels(labels: Any, rows: Any) -> tuple[Any, Any]:
    """-log of each row's softmax at its label, and the softmax."""
    probabilities = numpy.empty(rows.shape, rows.dtype)
    loss = numpy.empty(len(rows), rows.dtype)

    def fill(_: int, block: slice) -> None:
        own = rows[block]
        picked = own[numpy.arange(len(own)), labels[block]]
        total, peak = _exponentials(own, probabilities[block])
        numpy.log(total, out=loss[block])
        loss[block] -= picked if peak is None else picked - peak[:, 0]
        numpy.multiply(probabilities[block], (1 / total)[:, None], out=probabilities[block])

    in_runs(fill, len(rows), rows.shape[1], 1.0)
    return loss, probabilities


def crossentropy_of_labels_gradient(g: Any, labels: Any, probabilities: Any) -> Any:
    """(probabilities - 1 at the label) g, where g (rows,) is the losses' gradient."""
    out = numpy.empty(probabilities.shape, probabilities.dtype)

    def fill(_: int, block: slice) -> None:
        d = numpy.multiply(probabilities[block], g[block, None], out=out[block])
        d[numpy.arange(len(d)), labels[block]] -= g[block]

    in_runs(fill, len(out), out.shape[1], 0.4)
    return out
