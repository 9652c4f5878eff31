"""Adding rows at places that may come several times, as the gradient of looking rows up needs it.

`numpy.add.at` is fast in one dimension only. Here rows are sorted by place. The first of each place is copied, which
is all for most of them where there are many places. The others are added place by place at once, one row after the
other where these are few, else in halves: the second half of them onto the first, and again, so that a place which
comes a thousand times takes ten rounds. The order of the additions depends on the places alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.costs import Scatter

__all__ = ["add_at", "add_rows"]


def add_at(shape: tuple[int, ...], axis: int, places: ndarray, g: ndarray) -> Any:
    """Zeros of `shape` with `g` added at `places` along `axis`.

    Args:
        shape: of the result.
        axis: the axis that `places` index.
        places: integers of any shape, from minus the axis' length up to it.
        g: of `shape` with the axis replaced by those of `places`.

    Raises:
        IndexError: for a place outside.
    """
    length = shape[axis]
    _check(places, length)
    before, width = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    flat = places.reshape(-1).astype(numpy.intp)
    if flat.size and int(flat.min()) < 0:
        flat += length * (flat < 0)
    if before != 1:
        flat = (numpy.arange(before)[:, None] * length + flat).reshape(-1)
    out = numpy.zeros(shape, g.dtype)
    add_rows(flat, g.reshape(flat.size, width), out.reshape(before * length, width))
    return out


def _check(places: ndarray, length: int) -> None:
    if places.size and not -length <= int(places.min()) <= int(places.max()) < length:
        raise IndexError(f"an index from {int(places.min())} to {int(places.max())} into an axis of {length}")


def add_rows(places: ndarray, rows: Any, out: ndarray) -> None:
    """Add `rows` (n, width) to the zeros in `out` (count, width) at `places` (n,), which go from 0 to count - 1."""
    count, width = out.shape
    if width < Scatter.NARROW:
        flat = (places[:, None] * width + numpy.arange(width)).reshape(-1)
        numpy.add.at(out.reshape(-1), flat, rows.reshape(-1))
    elif places.size:
        keys = places.astype(numpy.uint16) if count <= 1 << 16 else places  # 16 bits are sorted by counting
        order = keys.argsort(kind="stable")
        places = places.take(order)
        starts = _starts(places)
        counts = _lengths(starts, places.size)
        _put(out, places.take(starts), rows.take(order.take(starts), axis=0))
        if int(counts.max()) <= Scatter.ROUNDS:
            _add_in_rounds(places, starts, counts, order, rows, out)
        else:
            others = numpy.delete(numpy.arange(places.size), starts)
            onto, summed = _sums(places.take(others), rows.take(order.take(others), axis=0))
            summed += out.take(onto, axis=0)
            _put(out, onto, summed)


def _add_in_rounds(places: ndarray, starts: Any, counts: Any, order: Any, rows: Any, out: ndarray) -> None:
    """Add the second row of each place, then the third, and so on; `rows` by `order` go to the sorted `places`."""
    for k in range(1, int(counts.max())):
        several = (counts > k).nonzero()[0]
        starts, counts = starts.take(several), counts.take(several)
        onto = places.take(starts)
        summed = rows.take(order.take(starts + k), axis=0)
        summed += out.take(onto, axis=0)
        _put(out, onto, summed)


def _starts(places: ndarray) -> Any:
    """Where in the sorted places another one begins."""
    other = numpy.empty(places.size, bool)
    other[:1] = True
    numpy.not_equal(places[1:], places[:-1], out=other[1:])
    return other.nonzero()[0]


def _lengths(starts: Any, end: int) -> Any:
    """How far it is from each start to the next, and from the last one to the end."""
    lengths = numpy.empty_like(starts)
    numpy.subtract(starts[1:], starts[:-1], out=lengths[:-1])
    lengths[-1:] = end - starts[-1:]
    return lengths


def _put(out: ndarray, places: ndarray, rows: Any) -> None:
    """`out[places] = rows`, each row copied as one thing: in half the time."""
    whole = f"V{out.shape[1] * out.itemsize}"
    if out.flags.c_contiguous and rows.flags.c_contiguous and not out.dtype.hasobject:
        out, rows = out.view(whole)[:, 0], rows.view(whole)[:, 0]
    out[places] = rows


def _sums(places: ndarray, rows: Any) -> tuple[Any, Any]:
    """Each of the sorted places once, and the sum of its rows, which may be overwritten."""
    starts = _starts(places)
    left = _lengths(starts, places.size)  # how many rows of each place are still to be added up
    first = starts
    while True:
        several = left > 1
        if not several.any():
            break
        first, left = first[several], left[several]
        half = (left + 1) // 2
        moved = left - half
        # Row k + half of each place goes onto row k, for k below `moved`.
        within = numpy.arange(int(moved.sum())) - numpy.repeat(numpy.cumsum(moved) - moved, moved)
        onto = numpy.repeat(first, moved) + within
        summed = rows.take(onto, axis=0)
        summed += rows.take(onto + numpy.repeat(half, moved), axis=0)
        _put(rows, onto, summed)
        left = half
    return places.take(starts), rows.take(starts, axis=0)
