"""Layer and root-mean-square normalization of the rows of a matrix, a run of rows at a time.

The result is x times the matrix 1/σ ⊗ gamma, plus -mean/σ ⊗ gamma + 1 ⊗ beta. Such matrices are products with an inner
length of 2, which BLAS writes twice as fast as NumPy multiplies by a column; and what remains are flat operations.
Means are products with a constant vector, sums of squares products of rows with themselves.

Where means are far from zero that sum would lose digits: in such runs they are subtracted first.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import add, dot, matmul, multiply, ndarray, negative, subtract

from eagerflow.kernels.machine.costs import LayerNorm, Runs
from eagerflow.kernels.machine.threads import scratch
from eagerflow.kernels.reduce.moments import each_run, far_from_zero, sums_of_columns
from eagerflow.kernels.reduce.vectors import row_products

__all__ = ["layer_norm", "layer_norm_gradient", "rms_norm", "rms_norm_gradient"]

_TALLEST = 2048  # rows that are added up in float32


def _vectors(x: ndarray, *rows: Any) -> Any:
    """Vectors as wide as x, or numbers, as rows of a matrix; None counts as 1."""
    made = numpy.empty((len(rows), x.shape[1]), x.dtype)
    for i, row in enumerate(rows):
        made[i] = 1 if row is None else row
    return made


def _outer(columns: ndarray, vectors: Any) -> Any:
    """The sum of two columns ⊗ vectors, in scratch."""
    out = scratch("layer_outer", (columns.shape[1], vectors.shape[1]), vectors.dtype)
    return matmul(columns.T, vectors, out=out)


def _away(a: ndarray, mean: ndarray) -> Any:
    """Rows without their means, in scratch."""
    return subtract(a, mean[:, None], out=scratch("layer_away", a.shape, a.dtype))


def _sum(columns: ndarray, a: ndarray, into: ndarray) -> None:
    """Add the products of columns and a to `into`."""
    for start in range(0, len(a), _TALLEST):
        stop = start + _TALLEST
        into += dot(columns[..., start:stop], a[start:stop])


def _mean_square(a: ndarray, epsilon: float, out: ndarray) -> None:
    """Each row's mean square + epsilon."""
    multiply(row_products(a, a), 1 / a.shape[1], out=out)
    out += epsilon


def _one_over_root(a: ndarray) -> None:
    """1 / √a, NaN where squares were too large for the type: a silent 0 would look like a result."""
    numpy.divide(numpy.sqrt(a), a, out=a)


def _moments(a: ndarray, share: Any, epsilon: float, mean: ndarray, inverse: ndarray) -> Any:
    """Fill in each row's mean and 1 / √(variance + epsilon). Gives a without the means where they are far from zero."""
    away = None
    if a.size < LayerNorm.SMALL:
        away = _away(a, dot(a, share, out=mean))
    elif _is_far(a, share, epsilon, mean, inverse):
        away = _away(a, mean)
    if away is not None:
        _mean_square(away, epsilon, inverse)
    _one_over_root(inverse)
    return away


def _is_far(a: ndarray, share: Any, epsilon: float, mean: ndarray, variance: ndarray) -> bool:
    """Fill in each row's mean; whether they are far from zero. If not, fill in each row's variance + epsilon, too.

    The squares come first: BLAS' product with a vector is three times as slow on numbers that aren't in the cache.
    """
    with numpy.errstate(over="ignore", invalid="ignore"):  # such means count as far
        _mean_square(a, epsilon, variance)
        dot(a, share, out=mean)
        variance -= mean * mean
        return far_from_zero(mean, variance)


def layer_norm(x: ndarray, gamma: ndarray, beta: ndarray | None, epsilon: float) -> tuple[Any, Any, Any]:
    """The result, and for each row of x (rows, width) the mean and 1 / √(variance + epsilon)."""
    rows, width = x.shape
    out, (mean, inverse) = numpy.empty(x.shape, x.dtype), numpy.empty((2, rows), x.dtype)
    share = numpy.full(width, 1 / width, x.dtype)
    vectors = _vectors(x, 0, gamma, 0 if beta is None else beta)

    def run(_: int, piece: slice) -> None:
        a, o, m, r = x[piece], out[piece], mean[piece], inverse[piece]
        away = _moments(a, share, epsilon, m, r)
        columns = numpy.ones((3, len(a)), x.dtype)
        multiply(negative(m) if away is None else 0, r, out=columns[0])
        columns[2] = r
        multiply(a if away is None else away, _outer(columns[1:], vectors[:2]), out=o)
        if beta is not None or away is None:
            add(o, _outer(columns[:2], vectors[1:]), out=o)

    each_run(run, rows, width, 0.8, Runs.OF_MANY_CALLS)
    return out, mean[:, None], inverse[:, None]


def layer_norm_gradient(
    g: ndarray, x: ndarray, gamma: ndarray, mean: ndarray, inverse: ndarray, needs: tuple[bool, bool]
) -> tuple[Any, Any, Any]:
    """The gradients of x (if needed), gamma and beta.

    With z the normalized x and h = g gamma, that of x is inverse (h - mean(h) - z mean(h z)).
    """
    d_x = numpy.empty(x.shape, x.dtype) if needs[0] else None
    vectors = _vectors(x, gamma, 0, 1)

    def run(piece: slice, into: ndarray) -> None:
        d, a, m, r = g[piece], x[piece], mean[piece, 0], inverse[piece, 0]
        shift = m * r
        if far_from_zero(shift, 1.0):
            a, m, shift = _away(a, m), 0 * m, 0 * shift
        t = multiply(a, d, out=scratch("layer_outer", a.shape, x.dtype))
        _sum(r, t, into[0])
        _sum(numpy.array((-shift, numpy.ones_like(r))), d, into)
        if d_x is not None:
            of_h, of_hx = dot(d, vectors[0]) / x.shape[1], dot(t, vectors[0]) / x.shape[1]
            on_x = r * r * (shift * of_h - r * of_hx)
            _mix(d, a, numpy.array((r, on_x, -on_x * m - r * of_h)), vectors, d_x[piece])

    d_gamma, d_beta = sums_of_columns(x, 2, run, 1.4, Runs.OF_MANY_CALLS).astype(x.dtype)
    return d_x, d_gamma, d_beta


def _mix(d: ndarray, a: ndarray, columns: ndarray, vectors: Any, out: ndarray) -> None:
    """`out` from d times gamma, a and 1, each row's times its number in the columns; `vectors` are gamma, 0 and 1."""
    multiply(a, _outer(columns[:2], vectors[1:]), out=out)
    t = _outer(columns[:2], vectors[:2])
    add(out, multiply(t, d, out=t), out=out)
    if len(columns) > 2:
        add(out, _outer(columns[1:], vectors[1:]), out=out)


def rms_norm(x: ndarray, scale: Any, epsilon: float) -> tuple[Any, Any]:
    """The result, and for each row 1 / √(mean square + epsilon)."""
    rows, width = x.shape
    out, inverse = numpy.empty(x.shape, x.dtype), numpy.empty(rows, x.dtype)
    vectors = _vectors(x, scale, 0)

    def run(_: int, piece: slice) -> None:
        a, r = x[piece], inverse[piece]
        _mean_square(a, epsilon, r)
        _one_over_root(r)
        multiply(a, _outer(numpy.array((r, r)), vectors), out=out[piece])

    each_run(run, rows, width, 0.5, Runs.OF_MANY_CALLS)
    return out, inverse[:, None]


def rms_norm_gradient(
    g: ndarray, x: ndarray, scale: Any, inverse: ndarray, needs: tuple[bool, bool]
) -> tuple[Any, Any]:
    """The gradients of x and scale: with z the normalized x and h = g scale, d_x = inverse (h - z mean(h z))."""
    d_x = numpy.empty(x.shape, x.dtype) if needs[0] else None
    vectors = _vectors(x, scale, 0, 1)

    def run(piece: slice, into: ndarray) -> None:
        d, a, r = g[piece], x[piece], inverse[piece, 0]
        t = multiply(a, d, out=scratch("layer_outer", a.shape, x.dtype))
        _sum(r, t, into[0])
        if d_x is not None:
            on_x = dot(t, vectors[0]) * (r * r * r / -x.shape[1])
            _mix(d, a, numpy.array((r, on_x)), vectors, d_x[piece])

    return d_x, sums_of_columns(x, 1, run, 1.2, Runs.OF_MANY_CALLS)[0].astype(x.dtype)
