"""Batch normalization over the rows of a matrix (positions, channels): one pass for the sums, one for the result."""

from __future__ import annotations

from typing import Any

from eagerflow.compiled.kernel import compiled

__all__ = ["column_sums", "gradient_sums", "mixed_columns", "scaled_columns"]


@compiled("x[rows, n], about[n], sums[parts, two, n]; start: int, stop: int, part: int")
def column_sums(x: Any, about: Any, sums: Any, start: int, stop: int, part: int) -> None:
    """Per column the sums of x - about and of its square, of some rows, into a part of `sums`."""
    n = x.shape[1]
    first, second = sums[part, 0], sums[part, 1]
    for i in range(start, stop):
        row = x[i]
        for j in range(n):
            away = row[j] - about[j]
            first[j] += away
            second[j] += away * away


@compiled("x[rows, n], about[n], factor[n], shift[n], out[rows, n]; start: int, stop: int")
def scaled_columns(x: Any, about: Any, factor: Any, shift: Any, out: Any, start: int, stop: int) -> None:
    """out = (x - about) factor + shift, for some rows."""
    n = x.shape[1]
    for i in range(start, stop):
        row, found = x[i], out[i]
        for j in range(n):
            found[j] = (row[j] - about[j]) * factor[j] + shift[j]


@compiled("g[rows, n], x[rows, n], about[n], sums[parts, two, n]; start: int, stop: int, part: int")
def gradient_sums(g: Any, x: Any, about: Any, sums: Any, start: int, stop: int, part: int) -> None:
    """Per column the sums of g and of g (x - about), of some rows, into a part of `sums`."""
    n = x.shape[1]
    first, second = sums[part, 0], sums[part, 1]
    for i in range(start, stop):
        slope, row = g[i], x[i]
        for j in range(n):
            d = slope[j]
            first[j] += d
            second[j] += d * (row[j] - about[j])


@compiled("g[rows, n], x[rows, n], about[n], on_g[n], on_x[n], constant[n], out[rows, n]; start: int, stop: int")
def mixed_columns(
    g: Any, x: Any, about: Any, on_g: Any, on_x: Any, constant: Any, out: Any, start: int, stop: int
) -> None:
    """out = g on_g + (x - about) on_x + constant, for some rows."""
    n = x.shape[1]
    for i in range(start, stop):
        slope, row, found = g[i], x[i], out[i]
        for j in range(n):
            found[j] = slope[j] * on_g[j] + (row[j] - about[j]) * on_x[j] + constant[j]
