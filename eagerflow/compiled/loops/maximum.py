"""Maxima over windows of images and their gradient, channels last: pixel by pixel, all channels at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled
from eagerflow.compiled.loops.pixels import add_where, fetch_soon, one_maximum, three_maxima

__all__ = ["maximum", "maximum_gradient"]

_at = np.uint64


_PLAN = "channels: int, height: int, width: int, up: int, over: int, rows: int, cols: int, "
_PLAN += "step: int, side: int, apart: int, beside: int, above: int, left: int"


@compiled(f"x[all], out[found], which: uint8[found], {_PLAN}; start: int, stop: int", apart=True)
def maximum(
    x: Any,
    out: Any,
    which: Any,
    channels: int,
    height: int,
    width: int,
    up: int,
    over: int,
    rows: int,
    cols: int,
    step: int,
    side: int,
    apart: int,
    beside: int,
    above: int,
    left: int,
    start: int,
    stop: int,
) -> None:
    """The maxima of some rows of all images' rows, and which element of its window each is: the first of equals."""
    n = _at(channels)
    for u in range(start * over * channels, stop * over * channels):
        out[_at(u)], which[_at(u)] = -np.inf, 0
    for line in range(start, stop):
        image, top = line // up, line % up * step - above
        for p in range(over):
            for h in range(top + rows, top + rows + step):  # what the next row of outputs sees first
                fetch_soon(x, ((image * height + h) * width + p * side) * channels, side * channels)
            for i in range(rows):
                h, j = top + i * apart, 0
                if h < 0 or h >= height:
                    continue
                while j < cols:
                    w, at, number = p * side - left + j * beside, _at(line * over + p) * n, np.uint8(i * cols + j)
                    a = _at((image * height + h) * width + w) * n
                    if w >= 0 and j + 2 < cols and w + 2 * beside < width:
                        three_maxima(out, which, at, x, a, _at(beside) * n, number, n)
                        j += 3
                        continue
                    if 0 <= w < width:
                        one_maximum(out, which, at, x, a, number, n)
                    j += 1


@compiled(f"g[found], which: uint8[found], d_x[all], {_PLAN}; start: int, stop: int", apart=True)
def maximum_gradient(
    g: Any,
    which: Any,
    d_x: Any,
    channels: int,
    height: int,
    width: int,
    up: int,
    over: int,
    rows: int,
    cols: int,
    step: int,
    side: int,
    apart: int,
    beside: int,
    above: int,
    left: int,
    start: int,
    stop: int,
) -> None:
    """The gradient of some images, where `which` says from which element of its window each maximum came."""
    n, room = _at(channels), height * width * channels
    for u in range(start * room, stop * room):
        d_x[_at(u)] = 0
    for line in range(start * up, stop * up):
        image, top = line // up, line % up * step - above
        for i in range(rows):
            h = top + i * apart
            if h < 0 or h >= height:
                continue
            for p in range(over):
                for j in range(cols):
                    w = p * side - left + j * beside
                    if 0 <= w < width:
                        at = _at((image * height + h) * width + w) * n
                        add_where(d_x, at, g, which, _at(line * over + p) * n, np.uint8(i * cols + j), n)
