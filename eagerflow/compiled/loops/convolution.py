"""Convolution of images, channels last: products of what windows see with the kernel, without a copy of each window.

A window's row lies side by side in its image, so rows of outputs are products of matrices whose rows overlap. Some
rows of outputs are a band; what a band sees is copied where padding belongs around it. All arrays are flat, but for
the axis of parts. The kernel lies in blocks of columns: see `twins/convolution.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, helper, inner_loop
from eagerflow.compiled.loops.pixels import fetch_soon
from eagerflow.compiled.loops.tiles import tiles

__all__ = ["convolve", "convolve_kernel_gradient"]

_at = np.uint64


@helper
def _first(plan: Any) -> Any:
    """Channels, the images' lengths, the outputs', the kernel's, and strides."""
    return plan[0], plan[1], plan[2], plan[3], plan[4], plan[5], plan[6], plan[7], plan[8]


@helper
def _last(plan: Any) -> Any:
    """Dilation, padding in front; groups, filters of each and how many at once; a band's outputs and canvas."""
    return plan[9], plan[10], plan[11], plan[12], plan[13], plan[14], plan[15], plan[16], plan[17], plan[18]


@inner_loop
def copy_band(
    canvas: Any, x: Any, image: Any, top: Any, height: Any, row: Any, deep: Any, wide: Any, lead: Any
) -> None:
    """`deep` rows of an image from `top` on, with zeros for what it hasn't: a row has `row` numbers, there `wide`."""
    count = min(row, wide - lead)
    for r in range(deep):
        h, to = top + r, _at(r * wide)
        if 0 <= h < height:
            source = _at((image * height + h) * row)
            for u in range(lead):
                canvas[to + _at(u)] = 0
            for u in range(count):
                canvas[to + _at(lead + u)] = x[source + _at(u)]
            for u in range(lead + count, wide):
                canvas[to + _at(u)] = 0
        else:
            for u in range(wide):
                canvas[to + _at(u)] = 0


@compiled(
    "x[all], weights[packed], out[found], canvases[parts, seen], rooms[parts, tile], plan: int64[numbers], "
    "first_out: int, of_image: int, of_line: int, of_pixel: int; start: int, stop: int, part: int",
    dtypes=("float32",),
)
def convolve(
    x: Any,
    weights: Any,
    out: Any,
    canvases: Any,
    rooms: Any,
    plan: Any,
    first_out: int,
    of_image: int,
    of_line: int,
    of_pixel: int,
    start: int,
    stop: int,
    part: int,
) -> None:
    """The result, for some bands of all images' bands: its images, lines and pixels lie that far from each other."""
    channels, height, width, up, over, rows, cols, step, side = _first(plan)
    apart, beside, above, left, groups, filters, columns, lines, deep, wide = _last(plan)
    bands, each, blocks = -(-up // lines), channels // groups, -(-filters // columns)
    taps, joined = rows * cols * each, groups == 1 and beside == 1
    across, run = (1, cols * each) if joined else (cols, each)
    canvas, padded, room = canvases[part], canvases.shape[1] > 0, rooms[part]
    for number in range(start, stop):
        image, first = number // bands, number % bands * lines
        last, seen, length = min(up, first + lines), x, width * channels
        begin = (image * height + first * step) * length
        if padded:
            seen, length, begin = canvas, wide * channels, 0
            copy_band(canvas, x, image, first * step - above, height, width * channels, deep, length, left * channels)
        sums = (0, side * channels, rows, apart * length, across, beside * channels, run, 1, columns)
        calls, done = groups * blocks * (last - first), 0
        next_band, coming = (
            (image * height + (first + lines) * step) * width * channels,
            lines * step * width * channels,
        )
        for group in range(groups):
            for block in range(blocks):
                lanes, kernel = min(columns, filters - block * columns), (group * blocks + block) * taps * columns
                for line in range(first, last):
                    soon, done = coming * done // calls, done + 1
                    fetch_soon(x, next_band + soon, coming * done // calls - soon)
                    to = first_out + image * of_image + line * of_line + group * filters + block * columns
                    looks = begin + (line - first) * step * length + group * each
                    tiles(columns, over, out, to, of_pixel, lanes, room, seen, looks, weights, kernel, sums)


@compiled(
    "x[all], g[found], gradients[parts, taps], canvases[parts, seen], plan: int64[numbers]; "
    "start: int, stop: int, part: int",
    dtypes=("float32",),
)
def convolve_kernel_gradient(
    x: Any, g: Any, gradients: Any, canvases: Any, plan: Any, start: int, stop: int, part: int
) -> None:
    """What some bands add to the gradient of the kernel, in the kernel's own order, into a part of `gradients`."""
    channels, height, width, up, over, rows, cols, step, side = _first(plan)
    apart, beside, above, left, groups, filters, columns, lines, deep, wide = _last(plan)
    many, bands, each = groups * filters, -(-up // lines), channels // groups
    joined = groups == 1 and beside == 1
    across, run = (1, cols * each) if joined else (cols, each)
    canvas, padded, out = canvases[part], canvases.shape[1] > 0, gradients[part]
    for number in range(start, stop):
        image, first = number // bands, number % bands * lines
        last, seen, length = min(up, first + lines), x, width * channels
        begin = (image * height + first * step) * length
        if padded:
            seen, length, begin = canvas, wide * channels, 0
            copy_band(canvas, x, image, first * step - above, height, width * channels, deep, length, left * channels)
        sums = (1, 1, last - first, step * length, 1, 0, over, side * channels, many)
        for group in range(groups):
            for block in range(0, filters, columns):
                of_g = (image * up + first) * over * many + group * filters + block
                for i in range(rows):
                    for j in range(across):
                        to = (i * cols + j) * each * many + group * filters + block
                        looks = begin + i * apart * length + j * beside * channels + group * each
                        tiles(columns, run, out, to, many, columns, out, seen, looks, g, of_g, sums)
