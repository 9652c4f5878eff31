"""Adding rows at places that may come several times, as the gradient of looking rows up needs it.

`numpy.add.at` is fast in one dimension only. Here rows are sorted by place, and the rows of each place added up in
halves: the second half of them onto the first, and again, so that a place which comes a thousand times takes ten
rounds. The order of the additions depends on the places alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

__all__ = ["add_at", "add_rows"]

_NARROW = 8  # numbers in a row, below which numbers are added one by one


def add_at(shape: tuple[int, ...], axis: int, places: Any, g: Any) -> Any:
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
    if before > 1:
        flat = (numpy.arange(before)[:, None] * length + flat).reshape(-1)
    out = numpy.zeros(shape, g.dtype)
    add_rows(flat, g.reshape(flat.size, width), out.reshape(before * length, width))
    return out


def _check(places: Any, length: int) -> None:
    if places.size and not -length <= int(places.min()) <= int(places.max()) < length:
        raise IndexError(f"an index from {int(places.min())} to {int(places.max())} into an axis of {length}")


def add_rows(places: Any, rows: Any, out: Any) -> None:
    """Add `rows` (n, width) to the zeros in `out` (count, width) at `places` (n,), which go from 0 to count - 1."""
    count, width = out.shape
    if width < _NARROW:
        flat = (places[:, None] * width + numpy.arange(width)).reshape(-1)
        numpy.add.at(out.reshape(-1), flat, rows.reshape(-1))
    elif places.size:
        unique, summed = _sums(places, rows, count)
        out[unique] = summed


def _sums(places: Any, rows: Any, count: int) -> tuple[Any, Any]:
    """Each place once, and the sum of its rows."""
    keys = places.astype(numpy.uint16) if count <= 1 << 16 else places  # 16 bits are sorted by counting
    order = keys.argsort(kind="stable")
    keys = keys[order]
    starts = numpy.flatnonzero(numpy.concatenate([[True], keys[1:] != keys[:-1]]))
    rows = rows.take(order, axis=0)
    left = numpy.diff(starts, append=keys.size)  # how many rows of each place are still to be added up
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
        rows[onto] += rows.take(onto + numpy.repeat(half, moved), axis=0)
        left = half
    return places[order[starts]], rows.take(starts, axis=0)
