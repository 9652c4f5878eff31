"""Maxima over windows of channels-last arrays and their gradient: pixel by pixel, all channels at once.

A maximum is one of the pixels that a window sees; the gradient at a pixel is the sum of what arrives at the windows
that see it, of which it was the maximum. Which they are is a box: a range along each of three axes, of which the first
ones have one place where an array has fewer of them.

All arrays are flat, and places in them are unsigned: of such Numba needn't ask whether they are counted from the end. A
NaN is larger than anything, and of equals the first is the one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.jit import compiled, helper, inner_loop
from eagerflow.compiled.pieces import LARGE, run_rows
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.threads import get_num_threads
from eagerflow.kernels.pooling.windowed import lie_apart
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["boxes_of_elements", "boxes_of_windows", "maximum", "maximum_gradient"]

_at = np.uint64


@inner_loop
def _better(best: Any, chosen: Any, new: Any, number: Any) -> Any:
    """The larger one of two, and its number."""
    wins = (not new <= best) & (best == best)
    return new if wins else best, number if wins else chosen


@inner_loop
def _one_maximum(out: Any, which: Any, at: Any, x: Any, a: Any, number: Any, n: Any) -> None:
    """Maxima so far, and which element of its window each is, with one more."""
    for u in range(n):
        c = _at(u)
        out[at + c], which[at + c] = _better(out[at + c], which[at + c], x[a + c], number)


@inner_loop
def _four_maxima(out: Any, which: Any, at: Any, x: Any, a: Any, b: Any, n: Any) -> None:
    """The same of 2×2, whose rows begin at a and b."""
    zero, one, two, three = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3)
    for u in range(n):
        c = _at(u)
        best, chosen = _better(x[a + c], zero, x[a + n + c], one)
        best, chosen = _better(best, chosen, x[b + c], two)
        out[at + c], which[at + c] = _better(best, chosen, x[b + n + c], three)


@inner_loop
def _put_where(out: Any, at: Any, g: Any, which: Any, a: Any, number: Any, n: Any) -> None:
    """The gradient of an output to a pixel, in those channels whose maximum it was: the window's element `number`."""
    zero = out.dtype.type(0)
    for u in range(n):
        c = _at(u)
        out[at + c] = g[a + c] if which[a + c] == number else zero


@inner_loop
def _put_where_twice(out: Any, at: Any, g: Any, which: Any, a: Any, number: Any, n: Any) -> None:
    """The same to two pixels side by side."""
    zero, other = out.dtype.type(0), np.uint8(number + 1)
    for u in range(n):
        c = _at(u)
        slope, chosen = g[a + c], which[a + c]
        out[at + c] = slope if chosen == number else zero
        out[at + n + c] = slope if chosen == other else zero


@inner_loop
def _add_where(out: Any, at: Any, g: Any, which: Any, a: Any, number: Any, n: Any) -> None:
    """The gradient of one more output to a pixel."""
    zero = out.dtype.type(0)
    for u in range(n):
        c = _at(u)
        out[at + c] += g[a + c] if which[a + c] == number else zero


@helper
def _row_of_boxes(seen: Any, line: Any, layers: Any, rows: Any) -> Any:
    """Of a row of pixels: its image, its places in the table of boxes , and where these begin and end."""
    layer, row = line // rows % layers, layers + line % rows
    return line // (layers * rows), layer, row, seen[layer, 0], seen[layer, 1], seen[row, 0], seen[row, 1]


@compiled("x[all], out[found], which: uint8[found], seen: int64[places, three]", noalias=True)
def _maximum(x: Any, out: Any, which: Any, seen: Any, channels: int, shape: Any, start: int, stop: int) -> None:
    """The maxima of some rows of all images' rows, and which element of its window each is.

    The shape is the lengths of the array, of the maxima and of windows, three each.
    """
    deep, high, wide, layers, rows, cols, thick, tall, broad = shape
    n, down, taps = _at(channels), _at(wide * channels), thick * tall * broad
    for line in range(start, stop):
        image, layer, row, d, d_end, h, h_end = _row_of_boxes(seen, line, layers, rows)
        first_line, lines = (image * deep + d) * high + h, (d_end - d) * (h_end - h)
        for p in range(cols):
            column = layers + rows + p
            w, w_end = seen[column, 0], seen[column, 1]
            at, a, across = _at(line * cols + p) * n, _at(first_line * wide + w) * n, w_end - w
            if lines * across == taps and d_end - d == 1 and lines == across == 2:
                _four_maxima(out, which, at, x, a, a + down, n)
                continue
            for u in range(channels):
                out[at + _at(u)], which[at + _at(u)] = -np.inf, 0
            for z in range(d_end - d):
                for y in range(h_end - h):
                    b = _at(((image * deep + d + z) * high + h + y) * wide + w) * n
                    number = ((seen[layer, 2] + z) * tall + seen[row, 2] + y) * broad + seen[column, 2]
                    for j in range(across):
                        _one_maximum(out, which, at, x, b + _at(j) * n, np.uint8(number + j), n)


@compiled("g[found], which: uint8[found], d_x[all], seen: int64[places, three]", noalias=True)
def _maximum_gradient(
    g: Any, which: Any, d_x: Any, seen: Any, channels: int, shape: Any, start: int, stop: int
) -> None:
    """The gradient of some rows of all images' rows: the sum of what arrives at the maxima that come from a pixel.

    The shape is the lengths of the maxima and of the array, those of windows but the first, and strides.
    """
    deep, high, wide, layers, rows, cols, tall, broad, leap, step, side = shape
    n = _at(channels)
    for line in range(start, stop):
        image, layer, row, d, d_end, h, h_end = _row_of_boxes(seen, line, layers, rows)
        first_line, lines = (image * deep + d) * high + h, (d_end - d) * (h_end - h)
        of_row = (seen[layer, 2] * tall + seen[row, 2]) * broad
        p = 0
        while p < cols:
            column = layers + rows + p
            w, w_end = seen[column, 0], seen[column, 1]
            at, a, across = _at(line * cols + p) * n, _at(first_line * wide + w) * n, w_end - w
            number = of_row + seen[column, 2]
            p += 1
            if lines == 1 and across == 1:
                if p < cols and seen[column + 1, 0] == w and seen[column + 1, 1] == w_end:
                    _put_where_twice(d_x, at, g, which, a, np.uint8(number), n)
                    p += 1
                else:
                    _put_where(d_x, at, g, which, a, np.uint8(number), n)
                continue
            for u in range(channels):
                d_x[at + _at(u)] = 0
            for z in range(d_end - d):
                for y in range(h_end - h):
                    b = _at(((image * deep + d + z) * high + h + y) * wide + w) * n
                    one = number - (z * leap * tall + y * step) * broad
                    for j in range(across):
                        _add_where(d_x, at, g, which, b + _at(j) * n, np.uint8(one - j * side), n)


def _three(lengths: tuple[int, ...]) -> tuple[int, ...]:
    """Lengths of three axes."""
    return (*(1,) * (3 - len(lengths)), *lengths)


@lru_cache(maxsize=256)
def boxes_of_windows(geometry: Geometry) -> Any:
    """Which elements each window sees.

    Of each place along the first axis, then along the second and the third one: where the box begins and ends, and the
    number, along the axis, of the window's element that comes first in it.

    >>> from eagerflow.ops.windows.geometry import window_geometry
    >>> boxes_of_windows(window_geometry((5,), (3,), 2, "same"))[2:].tolist()
    [[0, 2, 1], [1, 4, 0], [3, 5, 0]]
    """
    seen = []
    for axis in range(len(geometry.sizes)):
        first, begin, end = _windows(geometry, axis)
        seen.append(np.stack([begin, end, begin - first], 1))
    return _joined(seen)


@lru_cache(maxsize=256)
def boxes_of_elements(geometry: Geometry) -> Any:
    """Which windows see each element, in the same way.

    >>> from eagerflow.ops.windows.geometry import window_geometry
    >>> boxes_of_elements(window_geometry((5,), (3,), 2, "same"))[2:].tolist()
    [[0, 1, 1], [0, 2, 2], [1, 2, 1], [1, 3, 2], [2, 3, 1]]
    """
    seen = []
    for axis, (size, stride, length) in enumerate(zip(geometry.sizes, geometry.strides, geometry.lengths)):
        first, _, _ = _windows(geometry, axis)
        place = np.arange(length)
        since = np.searchsorted(first, place - size, side="right")
        until = np.searchsorted(first, place, side="right")
        seen.append(np.stack([since, until, place + geometry.before[axis] - since * stride], 1))
    return _joined(seen)


def _windows(geometry: Geometry, axis: int) -> tuple[Any, Any, Any]:
    """Where the windows along an axis begin, and between which elements of the array they lie."""
    first = np.arange(geometry.outputs[axis]) * geometry.strides[axis] - geometry.before[axis]
    return first, np.maximum(first, 0), np.minimum(first + geometry.sizes[axis], geometry.lengths[axis])


def _joined(seen: list[Any]) -> Any:
    """One table, with a row for each of the axes that the array hasn't."""
    missing = 3 - len(seen)
    return np.concatenate([np.array([[0, 1, 0]] * missing, "int64").reshape(missing, 3), *seen]).astype("int64")


_FEWEST = 4  # channels: with fewer, each pixel's loop costs more than its numbers
_MOST = 4  # elements that take as long as a pass along an axis for one of them, where places aren't asked for
_SHARED = 36  # elements of windows that overlap, up to which a gradient is summed faster than by NumPy's `add.at`
_COST = 0.15  # nanoseconds for a number


def _takes(a: ndarray, geometry: Geometry) -> bool:
    fits = a.shape[-1] >= _FEWEST and geometry.taps <= 256 and max(geometry.dilation) == 1
    return fits and 0 not in (a.size, *geometry.outputs)


def maximum(x: ndarray, geometry: Geometry, keep: bool) -> Any:
    """The maxima, and (where `keep`) which element of its window each of them is."""
    if not _takes(x, geometry) or not (keep or geometry.taps <= _MOST * sum(geometry.sizes)):
        return None
    out = np.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    which = np.empty(out.shape, "uint8") if keep else scratch("pooling numbers", out.shape, "uint8")
    flat = np.ascontiguousarray(x).reshape(-1), out.reshape(-1), which.reshape(-1)
    shape = *_three(geometry.lengths), *_three(geometry.outputs), *_three(geometry.sizes)
    work = _maximum.on(*flat, boxes_of_windows(geometry), x.shape[-1], shape)
    return None if work is None else (_run_lines(work, x, out), which if keep else None)


def maximum_gradient(g: ndarray, which: ndarray, geometry: Geometry) -> Any:
    """The gradient of `x`: what arrives at a maximum goes to the element that it came from."""
    if not _takes(g, geometry) or not (geometry.taps <= _SHARED or lie_apart(geometry)):
        return None
    out = np.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    flat = np.ascontiguousarray(g).reshape(-1), which.reshape(-1), out.reshape(-1)
    shape = *_three(geometry.outputs), *_three(geometry.lengths), *_three(geometry.sizes)[1:], *_three(geometry.strides)
    work = _maximum_gradient.on(*flat, boxes_of_elements(geometry), g.shape[-1], shape)
    return None if work is None else _run_lines(work, g, out)


def _run_lines(work: Any, x: ndarray, out: ndarray) -> ndarray:
    """`out`, whose rows of pixels, (images, *lengths, channels), the work makes of `x`.

    What a pixel becomes depends on no other one, so one thread takes them all in one call.
    """
    lines, numbers = out.size // (out.shape[-2] * out.shape[-1]), max(x.size, out.size)
    if get_num_threads() == 1:
        work(0, lines)
    else:
        run_rows(work, lines, numbers // lines, numbers * _COST, numbers=LARGE)
    return out
