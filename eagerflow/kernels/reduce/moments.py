"""Sums over the rows or columns of large matrices, and what normalization needs of them, a run of rows at a time.

Sums are products with ones. BLAS' products with a vector are three times as slow on numbers that aren't in the cache:
another operation goes over them first. Threads share the runs; the sums of runs are float64 and are added in order, so
that threads don't change them.

Runs are larger than the second cache. Calls of NumPy, of which smaller ones would need more, cost as much as that does,
and on several threads more: each may have to wait for the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.blocks import long_row, with_row
from eagerflow.kernels.machine.costs import Blocks, Runs
from eagerflow.kernels.machine.threads import each, scratch
from eagerflow.kernels.reduce.vectors import column_products, column_sums

__all__ = ["column_moments", "each_run", "far_from_zero", "plus_rows", "rows_at_once", "scale_columns"]
__all__ += ["spread", "sums_of_columns"]

_SAMPLE = 128  # rows that tell whether means are far from zero
_FAR = 16.0  # squared means above this many variances: sums of squares would lose digits


def rows_at_once(width: int) -> int:
    """How many rows make a block."""
    return max(1, Blocks.CHUNK // max(1, width))


def each_run(
    function: Callable[[int, slice], None],
    rows: int,
    width: int,
    nanoseconds: float,
    blocks: int = Runs.BLOCKS,
    backwards: bool = False,
) -> None:
    """Call `function(number, its rows)` for all runs of rows, of a number of blocks at most, shared among threads.

    A second pass over an array goes `backwards`: it begins with what the first one left in the cache.
    """
    step = _height(rows, width, blocks)
    count = -(-rows // step)

    def run(i: int) -> None:
        i = count - 1 - i if backwards else i
        function(i, slice(i * step, min(rows, (i + 1) * step)))

    each(run, count, rows * width * nanoseconds / 1000)


def _height(rows: int, width: int, blocks: int) -> int:
    """How many rows a run has: two threads find the same to do."""
    if rows * width <= Runs.LEAST:
        return max(1, rows)
    count = -(-rows // (rows_at_once(width) * blocks))
    return -(-rows // (count + count % 2))


def sums_of_columns(
    a: ndarray, count: int, sums: Callable[[slice, Any], None], nanoseconds: float, blocks: int = Runs.BLOCKS
) -> Any:
    """Add up what `sums(run, into)` finds, `count` rows of float64 as wide as `a`, over all runs of rows."""
    rows, width = a.shape
    parts = numpy.zeros((-(-rows // _height(rows, width, blocks)), count, width))
    each_run(lambda i, run: sums(run, parts[i]), rows, width, nanoseconds, blocks)
    return parts.sum(axis=0)


def far_from_zero(mean: ndarray, variance: ndarray | float) -> bool:
    """Whether a mean is so far away that products with it would lose digits: then it is subtracted first.

    So it is where moments aren't finite, since squares may have overflowed.
    """
    return not (mean * mean <= _FAR * variance).all()


def spread(column: Any, like: Any) -> Any:
    """A number per row, for an operation with the rows of an array: in each place, in scratch, or to be broadcast.

    BLAS writes such an array twice as fast as NumPy broadcasts.
    """
    if like.size < Runs.SPREAD:
        return column[:, None]
    out = scratch("spread", like.shape, like.dtype)
    return numpy.matmul(numpy.array((column, column)).T, _first(like.shape[1], like.dtype), out=out)


def _first(width: int, dtype: Any) -> Any:
    """A row of ones above one of zeros: products with an inner length of 1 would not go through BLAS."""
    rows = numpy.zeros((2, width), dtype)
    rows[0] = 1
    return rows


def column_moments(x: ndarray) -> tuple[Any, Any]:
    """Mean and variance of the columns of x (rows, columns), in float64, from one pass over memory.

    Where the mean is far from zero, squares are summed about that of the first rows; if they didn't show it, again.
    """
    first = x[:_SAMPLE]
    centre = column_sums(first) / x.dtype.type(len(first))
    spread = column_sums((first - centre) ** 2) / x.dtype.type(len(first))
    if not far_from_zero(centre, spread):
        mean, variance = _moments_about(x, None)
        if not far_from_zero(mean, variance):
            return mean, variance
        centre = mean.astype(x.dtype)
    mean, variance = _moments_about(x, centre)
    return centre + mean, variance


def _moments_about(x: ndarray, centre: Any) -> tuple[Any, Any]:
    """Mean and variance of the columns of x - centre (if given)."""
    about = None if centre is None else long_row("moments_about", centre, x)

    def sums(run: slice, into: ndarray) -> None:
        a = x[run]
        if about is not None:
            a = with_row(numpy.subtract, a, about, scratch("moments_away", a.shape, x.dtype))
        into[1] += column_products(a, a)
        into[0] += column_sums(a)

    mean, squares = sums_of_columns(x, 2, sums, 0.5) / len(x)
    return mean, numpy.maximum(squares - mean * mean, 0)


def scale_columns(x: ndarray, factor: Any, shift: Any, about: ndarray | None = None) -> Any:
    """(x - about) * factor + shift, with one number of each per column; without what is None."""
    rows, width = x.shape
    factors = long_row("scale_factor", factor, x)
    shifts = None if shift is None else long_row("scale_shift", shift, x)
    if about is not None:
        about = long_row("scale_about", about, x)
    out = numpy.empty(x.shape, x.dtype)

    def fill(_: int, run: slice) -> None:
        a, o = x[run], out[run]
        if about is not None:
            a = with_row(numpy.subtract, a, about, o)
        with_row(numpy.multiply, a, factors, o)
        if shifts is not None:
            with_row(numpy.add, o, shifts, o)

    each_run(fill, rows, width, 0.4, backwards=True)
    return out


def plus_rows(x: ndarray, row: Any) -> Any:
    """x + row, where `row` has the shape of x's last axes; None where NumPy's way is as good."""
    width = row.size
    if x.size < 2 * Blocks.CHUNK or not 1 < width <= Runs.NARROW or x.dtype != row.dtype or x.dtype.kind != "f":
        return None
    if x.shape[x.ndim - row.ndim :] != row.shape or not x.flags.c_contiguous:
        return None
    matrix = x.reshape(-1, width)
    rows = long_row("plus_rows", row.reshape(-1), x)
    out = numpy.empty(matrix.shape, x.dtype)

    def fill(_: int, run: slice) -> None:
        with_row(numpy.add, matrix[run], rows, out[run])

    each_run(fill, len(matrix), matrix.shape[1], 0.2)
    return out.reshape(x.shape)
