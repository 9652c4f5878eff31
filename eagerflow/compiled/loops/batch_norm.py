"""Batch normalization, channels last: one pass over the numbers for the sums, one for the result.

Arrays are flat. What there is per channel comes for a row of numbers, which is a pixel's channels, or those of some
pixels where they are few; the last row may be shorter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, inner_loop
from eagerflow.compiled.loops.pixels import fetch_page, fetch_soon

__all__ = ["gradient_sums", "mixed_rows", "row_sums", "scaled_rows"]

_at = np.uint64
_AHEAD = 2048  # numbers: as far ahead memory is asked for


@inner_loop
def add_four_rows(first: Any, second: Any, x: Any, at: Any, about: Any, n: Any) -> None:
    """x - about and its square, of four rows, to sums."""
    for u in range(n):
        j = _at(u)
        a, center = at + j, about[j]
        x0, x1, x2, x3 = x[a] - center, x[a + n] - center, x[a + n + n] - center, x[a + n + n + n] - center
        first[j] += (x0 + x1) + (x2 + x3)
        second[j] += (x0 * x0 + x1 * x1) + (x2 * x2 + x3 * x3)


@inner_loop
def add_one_row(first: Any, second: Any, x: Any, at: Any, about: Any, n: Any) -> None:
    """The same of one row."""
    for u in range(n):
        j = _at(u)
        away = x[at + j] - about[j]
        first[j] += away
        second[j] += away * away


@compiled("x[all], about[n], sums[parts, two, n], rows: int; start: int, stop: int", apart=True)
def row_sums(x: Any, about: Any, sums: Any, rows: int, start: int, stop: int) -> None:
    """The sums of x - about and of its square, of so many rows each, into some parts of `sums`."""
    n = about.size
    for part in range(start, stop):
        first, second = sums[part, 0], sums[part, 1]
        i, end = part * rows * n, min((part + 1) * rows * n, x.size)
        while i + 4 * n <= end:
            fetch_soon(x, i + _AHEAD, 4 * n)
            add_four_rows(first, second, x, _at(i), about, _at(n))
            i += 4 * n
        while i < end:
            add_one_row(first, second, x, _at(i), about, _at(min(n, end - i)))
            i += n


@inner_loop
def scaled_row(out: Any, x: Any, at: Any, about: Any, factor: Any, shift: Any, n: Any) -> None:
    """out = (x - about) factor + shift of one row."""
    for u in range(n):
        j = _at(u)
        out[at + j] = (x[at + j] - about[j]) * factor[j] + shift[j]


@inner_loop
def positive_row(out: Any, x: Any, at: Any, about: Any, factor: Any, shift: Any, n: Any) -> None:
    """The same, but 0 where that is negative."""
    zero = out.dtype.type(0)
    for u in range(n):
        j = _at(u)
        made = (x[at + j] - about[j]) * factor[j] + shift[j]
        out[at + j] = zero if made < zero else made


@compiled("x[all], about[n], factor[n], shift[n], out[all], relu: int; start: int, stop: int", apart=True)
def scaled_rows(x: Any, about: Any, factor: Any, shift: Any, out: Any, relu: int, start: int, stop: int) -> None:
    """out = (x - about) factor + shift, for some rows; with `relu` the positive part of it."""
    n = about.size
    end = min(stop * n, x.size)
    for i in range(start * n, end, n):
        fetch_page(x, i, n)
        if relu:
            positive_row(out, x, _at(i), about, factor, shift, _at(min(n, end - i)))
        else:
            scaled_row(out, x, _at(i), about, factor, shift, _at(min(n, end - i)))


@inner_loop
def add_slopes(first: Any, second: Any, g: Any, x: Any, at: Any, about: Any, n: Any) -> None:
    """g and g (x - about), of a row, to sums."""
    for u in range(n):
        j = _at(u)
        slope = g[at + j]
        first[j] += slope
        second[j] += slope * (x[at + j] - about[j])


@compiled("g[all], x[all], about[n], sums[parts, two, n], rows: int; start: int, stop: int", apart=True)
def gradient_sums(g: Any, x: Any, about: Any, sums: Any, rows: int, start: int, stop: int) -> None:
    """The sums of g and of g (x - about), of so many rows each, into some parts of `sums`."""
    n = about.size
    for part in range(start, stop):
        first, second = sums[part, 0], sums[part, 1]
        begin, end = part * rows * n, min((part + 1) * rows * n, x.size)
        for i in range(begin, end, n):
            fetch_page(g, i, n)
            fetch_page(x, i, n)
            add_slopes(first, second, g, x, _at(i), about, _at(min(n, end - i)))


@inner_loop
def mixed_row(out: Any, g: Any, x: Any, at: Any, about: Any, on_g: Any, on_x: Any, constant: Any, n: Any) -> None:
    """out = g on_g + (x - about) on_x + constant of one row."""
    for u in range(n):
        j = _at(u)
        out[at + j] = g[at + j] * on_g[j] + (x[at + j] - about[j]) * on_x[j] + constant[j]


@compiled("g[all], x[all], about[n], on_g[n], on_x[n], constant[n], out[all]; start: int, stop: int", apart=True)
def mixed_rows(
    g: Any, x: Any, about: Any, on_g: Any, on_x: Any, constant: Any, out: Any, start: int, stop: int
) -> None:
    """out = g on_g + (x - about) on_x + constant, for some rows."""
    n = about.size
    end = min(stop * n, x.size)
    for i in range(start * n, end, n):
        fetch_page(g, i, n)
        fetch_page(x, i, n)
        mixed_row(out, g, x, _at(i), about, on_g, on_x, constant, _at(min(n, end - i)))
