"""Maxima and minima over the middle axis of arrays (samples, rows, columns), and where they are.

A sample's maxima come first, then their places: two short loops, of which the second reads what the first has left in
the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, inner_loop
from eagerflow.compiled.loops.pixels import fetch_soon

__all__ = ["extremes_with_places"]

_at = np.uint64
_AHEAD = 2048  # numbers: as far ahead memory is asked for


@inner_loop
def largest_of_four_rows(best: Any, to: Any, x: Any, a: Any, n: Any, sign: Any) -> None:
    """`best` with four rows of n columns from place a on. Of NaN and a number it is either."""
    two, three = n + n, n + n + n
    for u in range(n):
        c = _at(u)
        p, q, r, s = sign * x[a + c], sign * x[a + n + c], sign * x[a + two + c], sign * x[a + three + c]
        pair, other, old = p if p > q else q, r if r > s else s, best[to + c]
        four = pair if pair > other else other
        best[to + c] = four if four > old else old


@inner_loop
def largest_of_rows(best: Any, to: Any, x: Any, a: Any, n: Any, sign: Any) -> None:
    """The same with one row."""
    for u in range(n):
        c = _at(u)
        new, old = sign * x[a + c], best[to + c]
        best[to + c] = new if new > old else old


@inner_loop
def places_in_four_rows(
    place: Any, times: Any, best: Any, to: Any, x: Any, a: Any, n: Any, row: Any, one: Any, sign: Any
) -> None:
    """Adds to each column's `place` the numbers of those of four rows that aren't below `best`, and their count."""
    two, three, none = n + n, n + n + n, one - one
    for u in range(n):
        c = _at(u)
        top = best[to + c]
        p = none if sign * x[a + c] < top else one
        q = none if sign * x[a + n + c] < top else one
        r = none if sign * x[a + two + c] < top else one
        s = none if sign * x[a + three + c] < top else one
        found = (p + q) + (r + s)
        times[to + c] += found
        place[to + c] += found * row + (q + r + r) + (s + s + s)


@inner_loop
def places_in_row(
    place: Any, times: Any, best: Any, to: Any, x: Any, a: Any, n: Any, row: Any, one: Any, sign: Any
) -> None:
    """The same of one row."""
    none = one - one
    for u in range(n):
        c = _at(u)
        found = none if sign * x[a + c] < best[to + c] else one
        times[to + c] += found
        place[to + c] += found * row


@compiled("x[all], out[n], place[n], times[n], rows: int, columns: int, sign: float; start: int, stop: int", apart=True)
def extremes_with_places(
    x: Any, out: Any, place: Any, times: Any, rows: int, columns: int, sign: float, start: int, stop: int
) -> None:
    """The maxima (with a sign of -1: the minima) of some samples, their rows, and in how many rows each is.

    A column with NaN never says one: NaN isn't below anything, nor is what is found beside it.
    """
    real, n = x.dtype.type(sign), _at(columns)
    one = x.dtype.type(1)  # rows are counted in floats, as Numba adds integers in 64 bits
    for sample in range(start, stop):
        begin, to = sample * rows * columns, _at(sample * columns)
        for u in range(n):
            c = _at(u)
            out[to + c], place[to + c], times[to + c] = real * x[_at(begin) + c], 0, 0
        row = 1
        while row + 4 <= rows:
            at = begin + row * columns
            fetch_soon(x, at + _AHEAD, 4 * columns)
            largest_of_four_rows(out, to, x, _at(at), n, real)
            row += 4
        while row < rows:
            largest_of_rows(out, to, x, _at(begin + row * columns), n, real)
            row += 1
        row = 0
        while row + 4 <= rows:
            number = x.dtype.type(row)
            places_in_four_rows(place, times, out, to, x, _at(begin + row * columns), n, number, one, real)
            row += 4
        while row < rows:
            places_in_row(place, times, out, to, x, _at(begin + row * columns), n, x.dtype.type(row), one, real)
            row += 1
        for u in range(n):
            out[to + _at(u)] *= real
