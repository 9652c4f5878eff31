"""Sums and extremes of large NumPy arrays over neighbouring axes, where NumPy's own are slow.

NumPy adds up short rows one by one. A product with a vector of ones does the same several times faster; long sums
are cut, so that they don't lose digits. Extremes are taken half against half.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow.kernels.blocks import ones
from eagerflow.kernels.threads import one_blas_thread

__all__ = ["extreme_over", "running_sums", "sum_over", "sum_to"]

_SMALL = 4096  # numbers, below which NumPy's own ways have fewer calls
_WIDE = 256  # numbers in a slice from which adding slices pays
_LONGEST = 4096  # numbers that are added up in one product


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
    with one_blas_thread:
        found = _sums(x.reshape(lengths), before, count, after)
    return found.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :])


def _sums(x: Any, before: int, count: int, after: int) -> Any:
    if after == 1:
        return x.reshape(before, count) @ ones(count, x.dtype)
    whole = count // _LONGEST * _LONGEST
    if not whole or count == whole == _LONGEST:
        return ones(count, x.dtype) @ x
    parts = ones(_LONGEST, x.dtype) @ x[:, :whole].reshape(before, -1, _LONGEST, after)
    return parts.sum(axis=1) + ones(count - whole, x.dtype) @ x[:, whole:]


def sum_to(g: Any, shape: Any) -> Any:
    """A gradient summed over the axes by which broadcasting lengthened `shape` in front, if it is large; else `g`."""
    if g.__class__ is not numpy.ndarray or g.shape == shape or g.size < _SMALL:
        return g
    lead = g.ndim - len(shape)
    if lead < 1 or g.shape[lead:] != shape:
        return g
    found = sum_over(g, tuple(range(lead)))
    return g if found is None else found


def extreme_over(x: Any, axes: tuple[int, ...], largest: bool) -> Any:
    """The maximum or minimum over `axes` that aren't the last; None when NumPy's way is as good."""
    lengths = _folded(x, axes)
    if lengths is None or lengths[2] < 8 or lengths[1] < 2:
        return None
    choose = numpy.maximum if largest else numpy.minimum
    rows = x.reshape(lengths)
    while rows.shape[1] > 1:
        half, odd = divmod(rows.shape[1], 2)
        smaller = choose(rows[:, :half], rows[:, half : 2 * half])
        if odd:
            choose(smaller[:, 0], rows[:, -1], out=smaller[:, 0])
        rows = smaller
    return rows.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :])


def running_sums(x: Any, axis: int, backwards: bool = False) -> Any:
    """Sums of all up to each element along an axis (or from it on); None when NumPy's way is as good.

    NumPy's goes along the axis for each element behind it; adding whole slices uses the processor's vectors.
    """
    lengths = _folded(x, (axis,))
    if lengths is None or lengths[2] < _WIDE:
        return None
    given = x.reshape(lengths)
    out = numpy.empty(lengths, x.dtype)
    if backwards:
        given, out = given[:, ::-1], out[:, ::-1]
    out[:, :1] = given[:, :1]
    for i in range(1, lengths[1]):
        numpy.add(out[:, i - 1], given[:, i], out=out[:, i])
    return (out[:, ::-1] if backwards else out).reshape(x.shape)
