"""The innermost loops of maxima and their gradients: over the channels of one pixel, or of two side by side.

All arrays are flat, and places in them are unsigned, as in `pixels.py`. A NaN is larger than anything, and of
equals the first is the one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import inner_loop

__all__ = ["add_where", "four_maxima", "nine_maxima", "one_maximum", "put_where", "put_where_of_four"]
__all__ += ["put_where_of_two", "put_where_twice", "three_maxima", "two_maxima"]

_at = np.uint64


@inner_loop
def better(best: Any, chosen: Any, new: Any, number: Any) -> Any:
    """The larger one of two, and its number."""
    wins = (not new <= best) & (best == best)
    return new if wins else best, number if wins else chosen


@inner_loop
def best_of_three(best: Any, chosen: Any, x: Any, a: Any, apart: Any, number: Any) -> Any:
    """The same with three more, that lie `apart`."""
    best, chosen = better(best, chosen, x[a], number)
    best, chosen = better(best, chosen, x[a + apart], np.uint8(number + 1))
    return better(best, chosen, x[a + apart + apart], np.uint8(number + 2))


@inner_loop
def one_maximum(out: Any, which: Any, at: Any, x: Any, a: Any, number: Any, n: Any) -> None:
    """Maxima so far, and which element of its window each is, with one more."""
    for u in range(n):
        c = _at(u)
        out[at + c], which[at + c] = better(out[at + c], which[at + c], x[a + c], number)


@inner_loop
def three_maxima(out: Any, which: Any, at: Any, x: Any, a: Any, number: Any, n: Any) -> None:
    """The same with three more, side by side."""
    for u in range(n):
        c = _at(u)
        out[at + c], which[at + c] = best_of_three(out[at + c], which[at + c], x, a + c, n, number)


@inner_loop
def two_maxima(out: Any, which: Any, at: Any, x: Any, a: Any, b: Any, n: Any) -> None:
    """The maxima of windows of two elements, which lie at a and b."""
    one = np.uint8(1)
    for u in range(n):
        c = _at(u)
        out[at + c], which[at + c] = better(x[a + c], np.uint8(0), x[b + c], one)


@inner_loop
def four_maxima(out: Any, which: Any, at: Any, x: Any, a: Any, b: Any, n: Any) -> None:
    """The same of 2×2, whose rows begin at a and b."""
    zero, one, two, three = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3)
    for u in range(n):
        c = _at(u)
        best, chosen = better(x[a + c], zero, x[a + n + c], one)
        best, chosen = better(best, chosen, x[b + c], two)
        out[at + c], which[at + c] = better(best, chosen, x[b + n + c], three)


@inner_loop
def nine_maxima(out: Any, which: Any, at: Any, x: Any, a: Any, b: Any, d: Any, n: Any) -> None:
    """The same of 3×3."""
    zero, one, two, three, six = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3), np.uint8(6)
    for u in range(n):
        c = _at(u)
        best, chosen = better(x[a + c], zero, x[a + n + c], one)
        best, chosen = better(best, chosen, x[a + n + n + c], two)
        best, chosen = best_of_three(best, chosen, x, b + c, n, three)
        out[at + c], which[at + c] = best_of_three(best, chosen, x, d + c, n, six)


@inner_loop
def put_where(out: Any, at: Any, g: Any, which: Any, a: Any, number: Any, n: Any) -> None:
    """The gradient of an output to a pixel, in those channels whose maximum it was: the window's element `number`."""
    zero = out.dtype.type(0)
    for u in range(n):
        c = _at(u)
        out[at + c] = g[a + c] if which[a + c] == number else zero


@inner_loop
def put_where_twice(out: Any, at: Any, g: Any, which: Any, a: Any, number: Any, n: Any) -> None:
    """The same to two pixels side by side."""
    zero, other = out.dtype.type(0), np.uint8(number + 1)
    for u in range(n):
        c = _at(u)
        slope, chosen = g[a + c], which[a + c]
        out[at + c] = slope if chosen == number else zero
        out[at + n + c] = slope if chosen == other else zero


@inner_loop
def put_where_of_two(out: Any, at: Any, g: Any, which: Any, a: Any, number: Any, b: Any, other: Any, n: Any) -> None:
    """The same of two outputs, at a and b, to a pixel that is `number` in the one and `other` in the other."""
    zero = out.dtype.type(0)
    for u in range(n):
        c = _at(u)
        first = g[a + c] if which[a + c] == number else zero
        out[at + c] = first + (g[b + c] if which[b + c] == other else zero)


@inner_loop
def put_where_of_four(
    out: Any, at: Any, g: Any, which: Any, a: Any, number: Any, b: Any, other: Any, apart: Any, n: Any
) -> None:
    """The same of two outputs and those beside them, of which the pixel is the element `apart` before."""
    zero, third, fourth = out.dtype.type(0), np.uint8(number - apart), np.uint8(other - apart)
    for u in range(n):
        c = _at(u)
        first = g[a + c] if which[a + c] == number else zero
        first = first + (g[a + n + c] if which[a + n + c] == third else zero)
        first = first + (g[b + c] if which[b + c] == other else zero)
        out[at + c] = first + (g[b + n + c] if which[b + n + c] == fourth else zero)


@inner_loop
def add_where(out: Any, at: Any, g: Any, which: Any, a: Any, number: Any, n: Any) -> None:
    """The gradient of one more output to a pixel."""
    zero = out.dtype.type(0)
    for u in range(n):
        c = _at(u)
        out[at + c] += g[a + c] if which[a + c] == number else zero
