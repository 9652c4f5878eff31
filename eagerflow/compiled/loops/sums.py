"""The innermost loops of means over windows: over the channels of one pixel, or of two side by side.

All arrays are flat, and places in them are unsigned, as in `pixels.py`. Up to 3×3 pixels are added up in the plain
kernel's order, down each column and then along the columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import inner_loop

__all__ = ["add_one_pixel_times", "add_row_times", "one_pixel_times", "one_pixel_twice", "sum_of_four", "sum_of_nine"]
__all__ += ["sum_of_two"]

_at = np.uint64


@inner_loop
def one_pixel_times(out: Any, at: Any, x: Any, a: Any, weight: Any, n: Any) -> None:
    """A pixel times a weight."""
    for u in range(n):
        c = _at(u)
        out[at + c] = x[a + c] * weight


@inner_loop
def one_pixel_twice(out: Any, at: Any, x: Any, a: Any, weight: Any, n: Any) -> None:
    """The same, to two pixels side by side."""
    for u in range(n):
        c = _at(u)
        new = x[a + c] * weight
        out[at + c], out[at + n + c] = new, new


@inner_loop
def sum_of_two(out: Any, at: Any, x: Any, a: Any, b: Any, weight: Any, n: Any) -> None:
    """The sum of the pixels at a and b, times a weight."""
    for u in range(n):
        c = _at(u)
        out[at + c] = (x[a + c] + x[b + c]) * weight


@inner_loop
def sum_of_four(out: Any, at: Any, x: Any, a: Any, b: Any, weight: Any, n: Any) -> None:
    """The sum of the pixels at a and b and of those beside them, times a weight."""
    for u in range(n):
        c = _at(u)
        out[at + c] = ((x[a + c] + x[b + c]) + (x[a + n + c] + x[b + n + c])) * weight


@inner_loop
def sum_of_nine(out: Any, at: Any, x: Any, a: Any, b: Any, d: Any, weight: Any, n: Any) -> None:
    """The sum of three times three pixels, whose rows begin at a, b and d, times a weight."""
    two = n + n
    for u in range(n):
        c = _at(u)
        first, second = x[a + c] + x[b + c] + x[d + c], x[a + n + c] + x[b + n + c] + x[d + n + c]
        out[at + c] = (first + second + (x[a + two + c] + x[b + two + c] + x[d + two + c])) * weight


@inner_loop
def add_three_pixels_times(out: Any, at: Any, x: Any, a: Any, weight: Any, n: Any) -> None:
    """Three pixels side by side, times a weight, to what is there."""
    two = n + n
    for u in range(n):
        c = _at(u)
        out[at + c] += (x[a + c] + x[a + n + c] + x[a + two + c]) * weight


@inner_loop
def add_one_pixel_times(out: Any, at: Any, x: Any, a: Any, weight: Any, n: Any) -> None:
    """The same of one pixel."""
    for u in range(n):
        c = _at(u)
        out[at + c] += x[a + c] * weight


@inner_loop
def add_row_times(out: Any, at: Any, x: Any, a: Any, across: Any, weight: Any, n: Any) -> None:
    """The same of `across` pixels side by side."""
    for j in range(0, across - 2, 3):
        add_three_pixels_times(out, at, x, a + _at(j) * n, weight, n)
    for j in range(across - across % 3, across):
        add_one_pixel_times(out, at, x, a + _at(j) * n, weight, n)
