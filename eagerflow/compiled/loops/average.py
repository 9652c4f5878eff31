"""Means over windows of channels-last arrays and their gradient: sums over boxes of pixels, all channels at once.

A mean sums over the pixels that a window sees, a gradient over the windows that see a pixel; `boxes.py` says which.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled
from eagerflow.compiled.loops.pixels import SHAPES, row_of_boxes
from eagerflow.compiled.loops.sums import (
    add_one_pixel_times,
    add_row_times,
    one_pixel_times,
    one_pixel_twice,
    sum_of_four,
    sum_of_nine,
    sum_of_two,
)

__all__ = ["average"]

_at = np.uint64


@compiled(
    f"x[all], out[found], seen: int64[places, four], counts: int64[lengths], taps: int, {SHAPES}; "
    "start: int, stop: int",
    apart=True,
)
def average(
    x: Any,
    out: Any,
    seen: Any,
    counts: Any,
    taps: int,
    channels: int,
    deep: int,
    high: int,
    wide: int,
    layers: int,
    rows: int,
    cols: int,
    start: int,
    stop: int,
) -> None:
    """Some rows of the means where `taps` is 0; otherwise of the gradient, of windows of so many elements."""
    n, down, real = _at(channels), _at(wide * channels), out.dtype.type
    for line in range(start, stop):
        image, layer, row, d, d_end, h, h_end = row_of_boxes(seen, line, layers, rows)
        lines, p = (d_end - d) * (h_end - h), 0
        while p < cols:
            column = layers + rows + p
            w, w_end = seen[column, 0], seen[column, 1]
            at, a = _at(line * cols + p) * n, _at(((image * deep + d) * high + h) * wide + w) * n
            count, across = lines * (w_end - w), w_end - w
            weight, alike = real(1) / real(taps if taps else count), True
            if taps:  # whether all windows that see the pixel see as many others
                alike = seen[layer, 3] + seen[row, 3] + seen[column, 3] == 3
            p += 1
            if alike and count == 1:
                if p < cols and seen[column + 1, 0] == w and seen[column + 1, 1] == w_end and seen[column + 1, 3] == 1:
                    one_pixel_twice(out, at, x, a, weight, n)
                    p += 1
                else:
                    one_pixel_times(out, at, x, a, weight, n)
                continue
            if alike and d_end - d == 1:
                if count == 2:
                    sum_of_two(out, at, x, a, a + (n if across == 2 else down), weight, n)
                    continue
                if count == 4 and across == 2:
                    sum_of_four(out, at, x, a, a + down, weight, n)
                    continue
                if count == 9 and across == 3:
                    sum_of_nine(out, at, x, a, a + down, a + down + down, weight, n)
                    continue
            for u in range(channels):
                out[at + _at(u)] = 0
            for z in range(d, d_end):
                for y in range(h, h_end):
                    b = _at(((image * deep + z) * high + y) * wide + w) * n
                    if alike:
                        add_row_times(out, at, x, b, across, weight, n)
                        continue
                    for j in range(across):
                        weight = real(1) / real(counts[z] * counts[deep + y] * counts[deep + high + w + j])
                        add_one_pixel_times(out, at, x, b + _at(j) * n, weight, n)
