"""Maxima and minima over the middle axis of arrays (samples, rows, columns), and where they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, inner_loop
from eagerflow.compiled.loops.pixels import fetch_soon

__all__ = ["extremes_with_places"]

_at = np.uint64
_AHEAD = 2048  # numbers: as far ahead memory is asked for


@inner_loop
def largest_of_rows(best: Any, first: Any, last: Any, to: Any, x: Any, a: Any, b: Any, rows: Any, sign: Any) -> None:
    """`best` with rows at a and b, and the numbers of the first and the last row that have it; NaN beats all."""
    one, other = rows
    for u in range(b - a):
        c = _at(u)
        new, more, old = sign * x[a + c], sign * x[b + c], best[to + c]
        wins = (more > new) | ((more != more) & (new == new))
        begin, end = other if wins else one, other if (more >= new) | wins else one
        new = more if wins else new
        wins = (new > old) | ((new != new) & (old == old))
        first[to + c] = begin if wins else first[to + c]
        last[to + c] = end if (new >= old) | wins else last[to + c]
        best[to + c] = new if wins else old


@compiled(
    "x[all], out[n], first: int32[n], last: int32[n], rows: int, columns: int, sign: float; start: int, stop: int"
)
def extremes_with_places(
    x: Any, out: Any, first: Any, last: Any, rows: int, columns: int, sign: float, start: int, stop: int
) -> None:
    """The maxima (with a sign of -1: the minima) of some samples; NaN is larger than anything."""
    real = x.dtype.type(sign)
    for sample in range(start, stop):
        for u in range(sample * columns, (sample + 1) * columns):
            out[u], first[u], last[u] = real * x[sample * rows * columns + u - sample * columns], 0, 0
        for row in range(rows % 2, rows, 2):  # the first one comes twice where their number is even
            at = (sample * rows + row) * columns
            fetch_soon(x, at + _AHEAD, 2 * columns)
            pair = np.int32(row), np.int32(row + 1)
            largest_of_rows(out, first, last, _at(sample * columns), x, _at(at), _at(at + columns), pair, real)
        for u in range(sample * columns, (sample + 1) * columns):
            out[u] *= real
