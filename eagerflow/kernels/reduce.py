"""Sums and extremes of large NumPy arrays over neighbouring axes, where NumPy's own are slow.

NumPy adds up short rows one by one. A product with a vector of ones does the same several times faster; long sums
are cut, so that they don't lose digits. Running sums are products with a triangle of ones.

Short slices are seen as fewer, longer ones first, and combined in the end: long pieces of memory are read faster.
Extremes of short rows are those of the columns of a copy that lies the other way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.kernels.blocks import CHUNK, ones
from eagerflow.kernels.buffering import long_runs
from eagerflow.kernels.threads import KEPT, each, one_blas_thread, scratch
from eagerflow.kernels.vectors import column_sums, row_sums

__all__ = ["extreme_gradient", "extreme_over", "running_sums", "sum_over", "sum_to", "sums_of_slices"]

_SMALL = 4096  # numbers, below which NumPy's own ways have fewer calls
_WIDE = 256  # numbers in a slice from which adding slices pays
_LONGEST = 4096  # numbers that are added up in one product
_SLICE = 1024  # numbers in a slice that is read at full speed
_SHORT = 128  # numbers in a row, up to which its extreme is faster found in columns
_TRIANGLE = 48  # numbers in a row that are added up by one product
_RUN = 4096  # numbers in a slice with which broadcasting costs nothing
_COLD = 1 << 17  # numbers that are hardly in the second cache
_PART = 1 << 19  # numbers that one thread reduces at a time
_AT_ONCE = 1 << 18  # numbers that are looked through at once
_TIES = 64  # one of how many elements may be an extreme, for their gradients to be set one by one


def _folded(x: Any, axes: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Lengths (before, reduced, after) when `axes` are neighbours of a large contiguous float array, else None."""
    if x.size < _SMALL or x.dtype.name not in ("float32", "float64") or not x.flags.c_contiguous or not axes:
        return None
    first, last = axes[0], axes[-1]
    if list(axes) != list(range(first, last + 1)):
        return None
    shape = x.shape
    return math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])


def sum_over(x: Any, axes: tuple[int, ...]) -> Any:
    """The sum of a NumPy array over `axes` (from 0, in order), without them; None when NumPy's way is as good."""
    lengths = _folded(x, axes)
    if lengths is None:
        return None
    before, count, after = lengths
    if after == 1 and (before == 1 or count > _LONGEST):
        return None  # NumPy adds long rows in pairs: as fast, and more exact
    found = _in_parts(sums_of_slices, x.reshape(lengths), 0.1)
    return found.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :])


def _in_parts(function: Callable[[Any], Any], slices: Any, nanoseconds: float) -> Any:
    """A reduction of (before, count, after) to (before, after), some of it at a time, shared among threads."""
    before, count, after = slices.shape
    step = max(1, _PART // (count * after))
    if before <= step:
        with one_blas_thread:
            return function(slices)
    out = numpy.empty((before, after), slices.dtype)

    def run(i: int) -> None:
        part = slice(i * step, (i + 1) * step)
        out[part] = function(slices[part]).reshape(-1, after)

    each(run, -(-before // step), slices.size * nanoseconds / 1000)
    return out


def _fold(count: int, after: int, numbers: int) -> int:
    """How many of `count` slices to see as one of that many numbers: a power of two which divides their number."""
    fold = 1
    while count % (2 * fold) == 0 and 2 * fold * after <= numbers:
        fold *= 2
    return fold


def sums_of_slices(x: Any) -> Any:
    """The sum over the middle axis of x (before, count, after). To be called where products have one thread."""
    before, count, after = x.shape
    if after == 1:
        return row_sums(x.reshape(before, count))
    fold = _fold(count, after, _SLICE) if x.size >= _COLD else 1
    if 1 < fold < count:
        longer = sums_of_slices(x.reshape(before, count // fold, fold * after))
        return _sums(longer.reshape(before, fold, after))
    whole = count // _LONGEST * _LONGEST
    if not whole or count == whole == _LONGEST:
        return _sums(x)
    parts = _sums(x[:, :whole].reshape(-1, _LONGEST, after)).reshape(before, -1, after)
    return parts.sum(axis=1) + _sums(x[:, whole:])


def _sums(x: Any) -> Any:
    """(before, count, after) to (before, after), in one product."""
    if x.shape[0] * x.shape[2] > KEPT:
        return ones(x.shape[1], x.dtype) @ x
    out = numpy.empty((x.shape[0], x.shape[2]), x.dtype)
    for i, part in enumerate(x):
        out[i] = column_sums(part)
    return out


def sum_to(g: Any, shape: Any) -> Any:
    """A gradient summed over the axes by which broadcasting lengthened `shape` in front, or `g` itself.

    Sums are made here that are faster as products: those of matrices, and of large arrays.
    """
    if g.__class__ is not numpy.ndarray or g.shape == shape:
        return g
    lead = g.ndim - len(shape)
    if g.size < _SMALL:
        return (
            column_sums(g)
            if lead == 1 and g.ndim == 2 and g.shape[1:] == shape and g.dtype.char in "fd"
            else g
        )
    if lead < 1 or g.shape[lead:] != shape:
        return g
    found = sum_over(g, tuple(range(lead)))
    return g if found is None else found


def extreme_over(x: Any, axes: tuple[int, ...], largest: bool) -> Any:
    """The maximum or minimum over `axes`; None when NumPy's way is as good."""
    lengths = _folded(x, axes)
    if lengths is None or lengths[1] < 2:
        return None
    choose = numpy.maximum if largest else numpy.minimum
    if lengths[2] == 1 and lengths[1] <= _SHORT:
        found = _extremes_of_rows(choose, x.reshape(lengths[:2]))
    elif lengths[2] >= 8:
        found = _in_parts(lambda part: _extremes_of_slices(choose, part), x.reshape(lengths), 0.2)
    else:
        return None
    return found.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :])


def _extremes_of_slices(choose: Any, slices: Any) -> Any:
    before, count, after = slices.shape
    fold = _fold(count, after, _SLICE)
    if 2 * fold * after > _SLICE and fold < count:
        slices = choose.reduce(slices.reshape(before, count // fold, fold * after), axis=1).reshape(
            before, fold, after
        )
    while slices.shape[1] > 1:
        half, odd = divmod(slices.shape[1], 2)
        smaller = choose(slices[:, :half], slices[:, half : 2 * half])
        if odd:
            choose(smaller[:, 0], slices[:, -1], out=smaller[:, 0])
        slices = smaller
    return slices


def _extremes_of_rows(choose: Any, rows: Any) -> Any:
    """Extremes of short rows. Up to 16 bytes of a row stay together when it is turned, which copies faster."""
    count, width = rows.shape
    together = (
        next(k for k in (16, 8, 4) if k % rows.itemsize == 0 and width * rows.itemsize % k == 0)
        // rows.itemsize
    )
    unit = {4: "float32", 8: "float64", 16: "complex128"}[together * rows.itemsize]
    step = max(1, CHUNK // width)
    out = numpy.empty(count, rows.dtype)

    def run(i: int) -> None:
        part, found = rows[i * step : (i + 1) * step], out[i * step : (i + 1) * step]
        turned = scratch("extremes turned", (width // together, len(part)), unit)
        turned[...] = part.view(unit).T
        few = choose.reduce(turned.view(rows.dtype), axis=0).reshape(len(part), together)
        found[...] = few[:, 0]
        for column in range(1, together):
            choose(found, few[:, column], out=found)

    each(run, -(-count // step), rows.size / 1000)
    return out


def extreme_gradient(g: Any, x: Any, extreme: Any, axes: tuple[int, ...]) -> Any:
    """The gradient `g` of the extremes over `axes` shared among the elements that are, the others 0.

    None when another way is as good: small arrays, many ties, NaN.
    """
    lengths = _folded(x, axes)
    if lengths is None or g.dtype != x.dtype:
        return None
    before, count, after = lengths
    if after == 1 or count < _TIES or count * after < _SMALL:
        return None
    fold = _fold(count, after, min(_RUN, count * after // 16))
    slices = x.reshape(before, count // fold, fold * after)
    found = numpy.tile(extreme.reshape(before, after), fold)[:, None]
    step = max(1, _AT_ONCE // (count * after))
    most = step * count * after // _TIES
    places: list[Any] = [()] * -(-before // step)

    def look(i: int) -> None:
        if len(places[0]) <= most:
            part = slices[i * step : (i + 1) * step]
            hits = scratch("extremes found", part.shape, bool)
            with long_runs():
                numpy.equal(part, found[i * step : (i + 1) * step], out=hits)
            places[i] = numpy.flatnonzero(hits)

    each(look, len(places), x.size / 2000)
    if any(len(place) > most for place in places):
        return None
    starts = numpy.arange(len(places)) * (step * count * after)
    at = numpy.concatenate(places) + numpy.repeat(starts, [len(place) for place in places])
    return _placed(g.reshape(-1), at, at // (count * after) * after + at % after, x)


def _placed(g: Any, at: Any, source: Any, x: Any) -> Any:
    """Zeros like x, but at some places equal shares of an element of g each."""
    hits = numpy.bincount(source, minlength=g.size)
    if not hits.all():
        return None
    out = numpy.zeros(x.shape, x.dtype)
    out.reshape(-1)[at] = (g / hits.astype(g.dtype))[source]
    return out


def running_sums(x: Any, axis: int, backwards: bool = False) -> Any:
    """Sums of all up to each element along an axis (or from it on); None when NumPy's way is as good.

    NumPy's goes along the axis for each element behind it; adding whole slices uses the processor's vectors.
    """
    lengths = _folded(x, (axis,))
    if lengths is None or lengths[1] < 2:
        return None
    if lengths[2] == 1:
        found = _running_in_rows(x.reshape(lengths[:2]), backwards)
        return None if found is None else found.reshape(x.shape)
    if lengths[2] < _WIDE:
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
    size = next((k for k in range(min(width, _TRIANGLE), 7 if width > 7 else 1, -1) if width % k == 0), 0)
    if not size:
        return None
    triangle = numpy.triu(numpy.ones((size, size), rows.dtype))
    triangle = triangle.T if backwards else triangle
    pieces, out, step = (
        rows.reshape(-1, size),
        numpy.empty((rows.size // size, size), rows.dtype),
        _PART // size,
    )

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
