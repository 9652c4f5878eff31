"""Maxima over windows of channels-last arrays and their gradient: pixel by pixel, all channels at once.

A maximum is one of the pixels that a window sees; the gradient at a pixel is the sum of what arrives at the windows
that see it, of which it was the maximum. `boxes.py` says which.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled
from eagerflow.compiled.loops.chosen import (
    add_where,
    four_maxima,
    nine_maxima,
    one_maximum,
    put_where,
    put_where_of_four,
    put_where_of_two,
    put_where_twice,
    three_maxima,
    two_maxima,
)
from eagerflow.compiled.loops.pixels import SHAPES, row_of_boxes

__all__ = ["maximum", "maximum_gradient"]

_at = np.uint64


@compiled(
    f"x[all], out[found], which: uint8[found], seen: int64[places, four], {SHAPES}, "
    "thick: int, tall: int, broad: int; start: int, stop: int",
    apart=True,
)
def maximum(
    x: Any,
    out: Any,
    which: Any,
    seen: Any,
    channels: int,
    deep: int,
    high: int,
    wide: int,
    layers: int,
    rows: int,
    cols: int,
    thick: int,
    tall: int,
    broad: int,
    start: int,
    stop: int,
) -> None:
    """The maxima of some rows of all images' rows, and which element of its window each is."""
    n, down, taps = _at(channels), _at(wide * channels), thick * tall * broad
    for line in range(start, stop):
        image, layer, row, d, d_end, h, h_end = row_of_boxes(seen, line, layers, rows)
        first_line, lines = (image * deep + d) * high + h, (d_end - d) * (h_end - h)
        for p in range(cols):
            column = layers + rows + p
            w, w_end = seen[column, 0], seen[column, 1]
            at, a, across = _at(line * cols + p) * n, _at(first_line * wide + w) * n, w_end - w
            if lines * across == taps and d_end - d == 1:
                if lines == 2 and across == 2:
                    four_maxima(out, which, at, x, a, a + down, n)
                    continue
                if lines == 3 and across == 3:
                    nine_maxima(out, which, at, x, a, a + down, a + down + down, n)
                    continue
                if taps == 2:
                    two_maxima(out, which, at, x, a, a + (n if across == 2 else down), n)
                    continue
            for u in range(channels):
                out[at + _at(u)], which[at + _at(u)] = -np.inf, 0
            for z in range(d_end - d):
                for y in range(h_end - h):
                    b = _at(((image * deep + d + z) * high + h + y) * wide + w) * n
                    number = ((seen[layer, 2] + z) * tall + seen[row, 2] + y) * broad + seen[column, 2]
                    for j in range(0, across - 2, 3):
                        three_maxima(out, which, at, x, b + _at(j) * n, np.uint8(number + j), n)
                    for j in range(across - across % 3, across):
                        one_maximum(out, which, at, x, b + _at(j) * n, np.uint8(number + j), n)


@compiled(
    f"g[found], which: uint8[found], d_x[all], seen: int64[places, four], {SHAPES}, "
    "tall: int, broad: int, leap: int, step: int, side: int; start: int, stop: int",
    apart=True,
)
def maximum_gradient(
    g: Any,
    which: Any,
    d_x: Any,
    seen: Any,
    channels: int,
    deep: int,
    high: int,
    wide: int,
    layers: int,
    rows: int,
    cols: int,
    tall: int,
    broad: int,
    leap: int,
    step: int,
    side: int,
    start: int,
    stop: int,
) -> None:
    """The gradient of some rows of all images' rows: the sum of what arrives at the maxima that come from a pixel."""
    n, down = _at(channels), _at(wide * channels)
    for line in range(start, stop):
        image, layer, row, d, d_end, h, h_end = row_of_boxes(seen, line, layers, rows)
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
                    put_where_twice(d_x, at, g, which, a, np.uint8(number), n)
                    p += 1
                else:
                    put_where(d_x, at, g, which, a, np.uint8(number), n)
                continue
            if d_end - d == 1 and lines == 2 and across == 2:
                other = np.uint8(number - step * broad)
                put_where_of_four(d_x, at, g, which, a, np.uint8(number), a + down, other, np.uint8(side), n)
                continue
            if d_end - d == 1 and lines * across == 2:
                b, other = a + (n if across == 2 else down), number - (side if across == 2 else step * broad)
                put_where_of_two(d_x, at, g, which, a, np.uint8(number), b, np.uint8(other), n)
                continue
            for u in range(channels):
                d_x[at + _at(u)] = 0
            for z in range(d_end - d):
                for y in range(h_end - h):
                    b = _at(((image * deep + d + z) * high + h + y) * wide + w) * n
                    one = number - (z * leap * tall + y * step) * broad
                    for j in range(across):
                        add_where(d_x, at, g, which, b + _at(j) * n, np.uint8(one - j * side), n)
