"""Softmax, its logarithm and crossentropies of the rows of large NumPy arrays, a run of rows at a time.

The largest element of a row is subtracted only where it must be, which sums of exponentials tell: finding it takes as
long as the exponentials. Columns of numbers per row are spread by products, see `layer_norm.py`.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.base.variants import accelerated
from eagerflow.kernels.machine.costs import Runs, Softmax
from eagerflow.kernels.reduce.moments import each_run, spread
from eagerflow.kernels.reduce.vectors import row_products, row_sums

__all__ = ["crossentropy_of_labels", "crossentropy_of_labels_gradient", "log_softmax", "log_softmax_gradient"]
__all__ += ["rows_of", "softmax", "softmax_gradient"]

_LEAST, _MOST = 1e-3, 1e30  # sums of exponentials that have lost no digits


def rows_of(x: ndarray, axis: Any) -> Any:
    """`x` as a matrix of rows along `axis`, if that is the last one and `x` is a large NumPy array; else None."""
    if type(x) is not numpy.ndarray or x.size < Softmax.SMALL or x.dtype.char not in "fd":
        return None
    if axis not in (-1, x.ndim - 1, (-1,), (x.ndim - 1,)):
        return None
    return x.reshape(-1, x.shape[-1])


def _exponentials(rows: Any, out: ndarray) -> tuple[Any, Any]:
    """exp of a run of rows into `out`, up to a factor per row: its sum per row, and what was subtracted (or None).

    Rows of minus infinity throughout give NaN.
    """
    with numpy.errstate(over="ignore"):
        total = row_sums(numpy.exp(rows, out=out))
    if total.min() >= _LEAST and total.max() <= _MOST:
        return total, None
    peak = rows.max(axis=1, keepdims=True)
    with numpy.errstate(invalid="ignore"):
        numpy.subtract(rows, peak, out=out)
    return row_sums(numpy.exp(out, out=out)), peak


@accelerated("softmax")
def softmax(rows: Any) -> Any:
    """exp(rows) divided by its sum per row."""
    out = numpy.empty(rows.shape, rows.dtype)

    def fill(_: int, run: slice) -> None:
        o = out[run]
        total, _peak = _exponentials(rows[run], o)
        numpy.multiply(o, spread(1 / total, o), out=o)

    each_run(fill, len(rows), rows.shape[1], 1.0, Runs.OF_MANY_CALLS)
    return out


@accelerated("softmax")
def softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """out (g - sum(g out))."""
    found = numpy.empty(out.shape, out.dtype)

    def fill(_: int, run: slice) -> None:
        d, y = found[run], out[run]
        numpy.subtract(g[run], spread(row_products(g[run], y), y), out=d)
        numpy.multiply(d, y, out=d)

    each_run(fill, len(out), out.shape[1], 0.6, Runs.OF_MANY_CALLS)
    return found


@accelerated("softmax")
def log_softmax(rows: Any) -> Any:
    """rows - log(sum(exp(rows)))."""
    out = numpy.empty(rows.shape, rows.dtype)

    def fill(_: int, run: slice) -> None:
        o = out[run]
        total, peak = _exponentials(rows[run], o)
        with numpy.errstate(invalid="ignore"):
            near = rows[run] if peak is None else numpy.subtract(rows[run], peak, out=o)
        numpy.subtract(near, spread(numpy.log(total), o), out=o)

    each_run(fill, len(rows), rows.shape[1], 1.0, Runs.OF_MANY_CALLS)
    return out


@accelerated("softmax")
def log_softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """g - exp(out) sum(g)."""
    found = numpy.empty(out.shape, out.dtype)

    def fill(_: int, run: slice) -> None:
        d = numpy.exp(out[run], out=found[run])
        numpy.multiply(d, spread(row_sums(g[run]), d), out=d)
        numpy.subtract(g[run], d, out=d)

    each_run(fill, len(out), out.shape[1], 1.0, Runs.OF_MANY_CALLS)
    return found


@accelerated("softmax")
def crossentropy_of_labels(labels: Any, rows: Any) -> tuple[Any, Any]:
    """-log of each row's softmax at its label, and the softmax."""
    probabilities = numpy.empty(rows.shape, rows.dtype)
    loss = numpy.empty(len(rows), rows.dtype)

    def fill(_: int, run: slice) -> None:
        own = rows[run]
        picked = own[numpy.arange(len(own)), labels[run]]
        total, peak = _exponentials(own, probabilities[run])
        numpy.log(total, out=loss[run])
        loss[run] -= picked if peak is None else picked - peak[:, 0]
        numpy.multiply(probabilities[run], spread(1 / total, own), out=probabilities[run])

    each_run(fill, len(rows), rows.shape[1], 1.0, Runs.OF_MANY_CALLS)
    return loss, probabilities


@accelerated("softmax")
def crossentropy_of_labels_gradient(g: ndarray, labels: Any, probabilities: Any) -> Any:
    """(probabilities - 1 at the label) g, where g (rows,) is the losses' gradient."""
    out = numpy.empty(probabilities.shape, probabilities.dtype)

    def fill(_: int, run: slice) -> None:
        p = probabilities[run]
        d = numpy.multiply(p, spread(g[run], p), out=out[run])
        d[numpy.arange(len(d)), labels[run]] -= g[run]

    each_run(fill, len(out), out.shape[1], 0.4, Runs.OF_MANY_CALLS)
    return out
