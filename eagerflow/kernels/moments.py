"""Sums over the rows or columns of large matrices, and what normalization needs of them, block by block.

Sums are products with ones. Rows are taken in blocks that stay in the cache, and shared among threads in runs of
blocks; the sums of blocks are float64 and are added in order, so that threads don't change them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow.kernels.blocks import CHUNK, column_sums, repeated
from eagerflow.kernels.threads import each, scratch

__all__ = [
    "column_moments",
    "each_run",
    "far_from_zero",
    "in_runs",
    "plus_rows",
    "rows_at_once",
    "scale_columns",
    "sums_of_columns",
    "sums_over_runs",
]

_RUN = 4  # blocks that one thread takes at a time
_NARROW = 1024  # numbers in a row, from which broadcasting along rows is nearly free
_FAR = 16.0  # squared means above this many variances: sums of squares would lose digits


def rows_at_once(width: int) -> int:
    """How many rows make a block."""
    return max(1, CHUNK // max(1, width))


def each_run(function: Callable[[int, slice], None], rows: int, width: int, nanoseconds: float) -> None:
    """Call `function(run, its rows)` for all runs of blocks, shared among threads."""
    step = rows_at_once(width) * _RUN
    each(
        lambda i: function(i, slice(i * step, min(rows, (i + 1) * step))), runs(rows, width),
        rows * width * nanoseconds / 1000,
    )  # fmt: skip


def in_runs(function: Callable[[int, slice], None], rows: int, width: int, nanoseconds: float) -> None:
    """Call `function(run, block of rows)` for all blocks, in runs shared among threads."""
    step = rows_at_once(width)

    def run(i: int, piece: slice) -> None:
        for block in _blocks(piece.start, piece.stop, step):
            function(i, block)

    each_run(run, rows, width, nanoseconds)


def runs(rows: int, width: int) -> int:
    """How many runs of blocks there are."""
    return -(-rows // (rows_at_once(width) * _RUN))


def _blocks(start: int, stop: int, step: int) -> Iterator[slice]:
    return (slice(i, min(stop, i + step)) for i in range(start, stop, step))


def sums_of_columns(a: Any, count: int, sums: Callable[[slice, Any], None], nanoseconds: float) -> Any:
    """Add up what `sums(block, into)` finds, `count` rows of float64 as wide as `a`, over all blocks of rows."""
    rows, width = a.shape
    parts = numpy.zeros((runs(rows, width), count, width))
    in_runs(lambda i, block: sums(block, parts[i]), rows, width, nanoseconds)
    return parts.sum(axis=0)


def sums_over_runs(a: Any, count: int, sums: Callable[[slice, Any], None], nanoseconds: float) -> Any:
    """As `sums_of_columns`, from what `sums(rows, into)` finds in whole runs of blocks."""
    rows, width = a.shape
    parts = numpy.zeros((runs(rows, width), count, width))
    each_run(lambda i, piece: sums(piece, parts[i]), rows, width, nanoseconds)
    return parts.sum(axis=0)


def far_from_zero(mean: Any, variance: Any) -> bool:
    """Whether a mean is so far away that products with it would lose digits: then it is subtracted first.

    So it is where moments aren't finite, since squares may have overflowed.
    """
    return not (mean * mean <= _FAR * variance).all()


def column_moments(x: Any) -> tuple[Any, Any]:
    """Mean and variance of the columns of x (rows, columns), in float64, from one pass over memory.

    Squares are summed about the first block's mean where that is far from zero.
    """
    rows, width = x.shape
    first = x[: rows_at_once(width)]
    centre = column_sums(first) / x.dtype.type(len(first))
    spread = column_sums((first - centre) ** 2) / x.dtype.type(len(first))
    about = None
    if far_from_zero(centre, spread):
        about = repeated("moments_about", centre, len(first), x.dtype)

    def sums(block: slice, into: Any) -> None:
        a = x[block]
        t = scratch("moments", a.shape, x.dtype)
        if about is not None:
            a = numpy.subtract(a, about[: len(a)], out=t)
        into[0] += column_sums(a)
        into[1] += column_sums(numpy.multiply(a, a, out=t))

    total, squares = sums_of_columns(x, 2, sums, 0.5) / rows
    variance = numpy.maximum(squares - total * total, 0)
    return (total if about is None else centre + total), variance


def scale_columns(x: Any, factor: Any, shift: Any, about: Any = None) -> Any:
    """(x - about) * factor + shift, with one number of each per column; without what is None."""
    rows, width = x.shape
    height = min(rows, rows_at_once(width))
    factors = repeated("scale_factor", factor, height, x.dtype)
    shifts = None if shift is None else repeated("scale_shift", shift, height, x.dtype)
    if about is not None:
        about = repeated("scale_about", about, height, x.dtype)
    out = numpy.empty(x.shape, x.dtype)

    def fill(_: int, block: slice) -> None:
        a, o = x[block], out[block]
        if about is not None:
            a = numpy.subtract(a, about[: len(a)], out=o)
        numpy.multiply(a, factors[: len(o)], out=o)
        if shifts is not None:
            numpy.add(o, shifts[: len(o)], out=o)

    in_runs(fill, rows, width, 0.4)
    return out


def plus_rows(x: Any, row: Any) -> Any:
    """x + row, where `row` has the shape of x's last axes; None where NumPy's way is as good."""
    width = row.size
    if x.size < 2 * CHUNK or not 1 < width <= _NARROW or x.dtype != row.dtype or x.dtype.kind != "f":
        return None
    if x.shape[x.ndim - row.ndim :] != row.shape or not x.flags.c_contiguous:
        return None
    matrix = x.reshape(-1, width)
    rows = repeated("plus_rows", row.reshape(-1), min(len(matrix), rows_at_once(width)), x.dtype)
    out = numpy.empty(matrix.shape, x.dtype)

    def fill(_: int, block: slice) -> None:
        o = out[block]
        numpy.add(matrix[block], rows[: len(o)], out=o)

    in_runs(fill, len(matrix), matrix.shape[1], 0.2)
    return out.reshape(x.shape)
