"""Sums of large NumPy arrays over neighbouring axes, where NumPy's own are slow.

NumPy adds up short rows one by one. A product with a vector of ones does the same several times faster; long sums
are cut, so that they don't lose digits. Running sums are products with a triangle of ones.

Many short slices are seen as fewer, longer ones first, and combined in the end: long pieces of memory are read faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.blocks import ones
from eagerflow.kernels.machine.costs import Sums
from eagerflow.kernels.machine.threads import KEPT, each, get_num_threads, one_blas_thread
from eagerflow.kernels.reduce.vectors import column_sums, row_sums

__all__ = ["fold_of", "folded", "in_parts", "running_sums", "step_of", "sum_over", "sum_to", "sums_of_slices"]

_LONGEST = 4096  # numbers that are added up in one product


def folded(x: ndarray, axes: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Lengths (before, reduced, after) when `axes` are neighbours of a large contiguous float array, else None."""
    if x.size < Sums.SMALL or x.dtype.char not in "fd" or not x.flags.c_contiguous or not axes:
        return None
    first, last = axes[0], axes[-1]
    if list(axes) != list(range(first, last + 1)):
        return None
    shape = x.shape
    return math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])


def sum_over(x: ndarray, axes: tuple[int, ...]) -> Any:
    """The sum of a NumPy array over `axes` (from 0, in order), without them; None when NumPy's way is as good."""
    lengths = folded(x, axes)
    if lengths is None:
        return None
    before, count, after = lengths
    if after == 1 and (before == 1 or count > _LONGEST):
        return None  # NumPy adds long rows in pairs: as fast, and more exact
    found = in_parts(sums_of_slices, x.reshape(lengths), 0.1)
    return found.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :])


def in_parts(function: Callable[[Any], Any], slices: Any, nanoseconds: float, most: int | None = None) -> Any:
    """A reduction of (before, count, after) to (before, after), shared among threads, of `most` numbers at a time.

    What comes out for each of (before) must not depend on the others: the number of threads tells how they are shared.
    """
    before, step = len(slices), step_of(slices, most)
    if before <= step:
        with one_blas_thread:
            return function(slices)
    out = numpy.empty((before, slices.shape[2]), slices.dtype)

    def run(i: int) -> None:
        part = slice(i * step, (i + 1) * step)
        out[part] = function(slices[part]).reshape(-1, out.shape[1])

    each(run, -(-before // step), slices.size * nanoseconds / 1000)
    return out


def step_of(slices: Any, most: int | None = None) -> int:
    """How many of (before, count, after) to reduce at a time: one large piece for each thread, or of `most` numbers."""
    pieces = get_num_threads() if slices.size > Sums.PART else 1
    if most is not None:
        pieces = max(pieces, -(-slices.size // most))
    return max(1, -(-len(slices) // pieces))


def fold_of(count: int, after: int, numbers: int) -> int:
    """How many of `count` slices to see as one of that many numbers: a power of two which divides their number."""
    fold = 1
    while count % (2 * fold) == 0 and 2 * fold * after <= numbers:
        fold *= 2
    return fold


def sums_of_slices(x: ndarray) -> Any:
    """The sum over the middle axis of x (before, count, after). To be called where products have one thread."""
    before, count, after = x.shape
    if after == 1:
        return row_sums(x.reshape(before, count))
    fold = fold_of(count, after, Sums.SLICE) if count > Sums.MANY else 1
    if 1 < fold < count:
        longer = sums_of_slices(x.reshape(before, count // fold, fold * after))
        return _sums(longer.reshape(before, fold, after))
    whole = count // _LONGEST * _LONGEST
    if not whole or count == whole == _LONGEST:
        return _sums(x)
    parts = _sums(x[:, :whole].reshape(-1, _LONGEST, after)).reshape(before, -1, after)
    return parts.sum(axis=1) + _sums(x[:, whole:])


def _sums(x: ndarray) -> Any:
    """(before, count, after) to (before, after), in one product."""
    if x.shape[0] * x.shape[2] > KEPT:
        return ones(x.shape[1], x.dtype) @ x
    out = numpy.empty((x.shape[0], x.shape[2]), x.dtype)
    for i, part in enumerate(x):
        out[i] = column_sums(part)
    return out


def sum_to(g: ndarray, shape: Any) -> Any:
    """A gradient summed over the axes by which broadcasting lengthened `shape` in front, or `g` itself.

    Sums are made here that are faster as products: those of matrices, and of large arrays.
    """
    if g.__class__ is not numpy.ndarray or g.shape == shape:
        return g
    lead = g.ndim - len(shape)
    if g.size < Sums.SMALL:
        is_matrix = lead == 1 and g.ndim == 2 and g.shape[1:] == shape and g.dtype.char in "fd"
        return column_sums(g) if is_matrix else g
    if lead < 1 or g.shape[lead:] != shape:
        return g
    found = sum_over(g, tuple(range(lead)))
    return g if found is None else found


def running_sums(x: ndarray, axis: int, backwards: bool = False) -> Any:
    """Sums of all up to each element along an axis (or from it on); None when NumPy's way is as good.

    NumPy's goes along the axis for each element behind it; adding whole slices uses the processor's vectors.
    """
    lengths = folded(x, (axis,))
    if lengths is None or lengths[1] < 2:
        return None
    if lengths[2] == 1:
        found = _running_in_rows(x.reshape(lengths[:2]), backwards)
        return None if found is None else found.reshape(x.shape)
    if lengths[2] < Sums.WIDE:
        return None
    given = x.reshape(lengths)
    out = numpy.empty(lengths, x.dtype)
    if backwards:
        given, out = given[:, ::-1], out[:, ::-1]
    out[:, :1] = given[:, :1]
    for i in range(1, lengths[1]):
        numpy.add(out[:, i - 1], given[:, i], out=out[:, i])
    return (out[:, ::-1] if backwards else out).reshape(x.shape)


def _running_in_rows(rows: Any, backwards: bool) -> Any:
    """Running sums of rows: those of pieces of a row by a product, and the sums of the pieces before added.

    None where no such piece divides the row, and where sums aren't finite: they would reach all of a piece.
    """
    count, width = rows.shape
    size = next((k for k in range(min(width, Sums.TRIANGLE), 7 if width > 7 else 1, -1) if width % k == 0), 0)
    if not size:
        return None
    triangle = numpy.triu(numpy.ones((size, size), rows.dtype))
    triangle = triangle.T if backwards else triangle
    pieces, out, step = (rows.reshape(-1, size), numpy.empty((rows.size // size, size), rows.dtype), Sums.PART // size)

    def run(i: int) -> None:
        part = slice(i * step, (i + 1) * step)
        numpy.matmul(pieces[part], triangle, out=out[part])

    with numpy.errstate(over="ignore", invalid="ignore"):
        each(run, -(-len(pieces) // step), rows.size / 1000)
    last = out.reshape(count, -1, size)[:, :, 0 if backwards else -1]
    if not numpy.isfinite(last).all():
        return None
    if size < width:
        _add_carried(out.reshape(count, -1, size), last, backwards)
    return out.reshape(rows.shape)


def _add_carried(pieces: Any, last: Any, backwards: bool) -> None:
    """Add to each piece the sums of all before it."""
    if backwards:
        pieces, last = pieces[:, ::-1], last[:, ::-1]
    numpy.add(pieces[:, 1:], last[:, :-1].cumsum(axis=1)[..., None], out=pieces[:, 1:])
