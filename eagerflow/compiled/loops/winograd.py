"""Winograd's convolution of images, channels last: some tiles at a time, from their inputs to their outputs.

Transformed, the numbers of some tiles fit the second cache: (frequencies, tiles, channels), where a frequency begins a
line of the cache later than a power of two would have it, as caches keep few lines that are so far from each other.
Then each frequency's product is made in tiles of its own kind, whose sums stay in registers (`tiles.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, helper, inner_loop
from eagerflow.compiled.loops.tiles import tiles
from eagerflow.compiled.loops.transforms import INPUTS, OUTPUTS, SLOPES, transform_tile

__all__ = ["winograd", "winograd_kernel_gradient"]

_at = np.uint64
APART = 16  # numbers, a line of the cache


@helper
def _place(number: Any, rows: Any, cols: Any) -> Any:
    """Image, row and column of a tile."""
    image = number // (rows * cols)
    rest = number - image * rows * cols
    return image, rest // cols, rest % cols


@inner_loop
def copy_patch(room: Any, x: Any, image: Any, top: Any, left: Any, height: Any, width: Any, n: Any, count: Any) -> None:
    """n×n pixels of an image from (top, left) on, of `count` numbers each, with zeros for what it hasn't."""
    for i in range(n):
        for j in range(n):
            h, w, to = top + i, left + j, _at((i * n + j) * count)
            if 0 <= h < height and 0 <= w < width:
                source = _at(((image * height + h) * width + w) * count)
                for u in range(count):
                    room[to + _at(u)] = x[source + _at(u)]
            else:
                for u in range(count):
                    room[to + _at(u)] = 0


@inner_loop
def put_patch(
    out: Any, room: Any, image: Any, top: Any, left: Any, height: Any, width: Any, n: Any, count: Any
) -> None:
    """Those of n×n pixels that an image has at (top, left)."""
    for i in range(min(n, height - top)):
        for j in range(min(n, width - left)):
            to, source = _at(((image * height + top + i) * width + left + j) * count), _at((i * n + j) * count)
            for u in range(count):
                out[to + _at(u)] = room[source + _at(u)]


@helper
def transform_tiles(
    kind: Any, values: Any, apart: Any, x: Any, room: Any, first: Any, count: Any, images: Any, plan: Any
) -> None:
    """So many tiles of images, of which a tile sees n×n pixels.

    The `images` are channels, n, height, width, and how many rows and columns of padding are in front.
    """
    channels, n, height, width, above, before = images
    tile, rows, cols = plan[2], plan[10], plan[11]
    below, line = (tile + 2) * apart, width * channels
    for number in range(count):
        image, row, col = _place(first + number, rows, cols)
        top, left, at = row * tile - above, col * tile - before, number * channels
        if top >= 0 and left >= 0 and top + n <= height and left + n <= width:
            looks = ((image * height + top) * width + left) * channels
            transform_tile(kind, tile, channels, values, at, below, apart, x, looks, line, channels)
        else:
            copy_patch(room, x, image, top, left, height, width, n, channels)
            transform_tile(kind, tile, channels, values, at, below, apart, room, 0, n * channels, channels)


@helper
def _inputs(plan: Any) -> Any:
    return plan[0], plan[2] + 2, plan[4], plan[5], plan[8], plan[9]


@helper
def _slopes(plan: Any) -> Any:
    return plan[1], plan[2], plan[6], plan[7], 0, 0


@compiled(
    "x[all], weights[packed], out[found], values[seen], products[made], room[patch], coarse: int64[ends], "
    "fine: int64[more], plan: int64[numbers]; start: int, stop: int",
    dtypes=("float32",),
)
def winograd(
    x: Any,
    weights: Any,
    out: Any,
    values: Any,
    products: Any,
    room: Any,
    coarse: Any,
    fine: Any,
    plan: Any,
    start: int,
    stop: int,
) -> None:
    """The outputs of some tiles of all images.

    The weights lie as (frequencies, blocks of columns, channels, columns). A product is the sum of those of channels
    between the ends in `coarse`, or in `fine`, for the first frequencies.
    """
    channels, filters, tile, most, up, over = plan[0], plan[1], plan[2], plan[3], plan[6], plan[7]
    rows, cols, columns, noisy = plan[10], plan[11], plan[12], plan[13]
    apart, beside = most * channels + APART, most * filters + APART
    below = (tile + 2) * beside
    for first in range(start, stop, most):
        count = min(most, stop - first)
        transform_tiles(INPUTS, values, apart, x, room, first, count, _inputs(plan), plan)
        for frequency in range((tile + 2) * (tile + 2)):
            ends = fine if frequency < noisy else coarse
            for column in range(0, filters, columns):
                for some in range(len(ends) - 1):
                    sums = (some, channels, 1, 0, 1, 0, ends[some + 1] - ends[some], 1, columns)
                    to, looks = frequency * beside + column, frequency * apart + ends[some]
                    begin = (frequency * filters + column) * channels + ends[some] * columns
                    tiles(columns, count, products, to, filters, columns, room, values, looks, weights, begin, sums)
        for number in range(count):
            image, row, col = _place(first + number, rows, cols)
            top, left, looks = row * tile, col * tile, number * filters
            if top + tile <= up and left + tile <= over:
                to = ((image * up + top) * over + left) * filters
                line = over * filters
                transform_tile(OUTPUTS, tile, filters, out, to, line, filters, products, looks, below, beside)
            else:
                line = tile * filters
                transform_tile(OUTPUTS, tile, filters, room, 0, line, filters, products, looks, below, beside)
                put_patch(out, room, image, top, left, up, over, tile, filters)


@compiled(
    "x[all], g[found], out[weights], values[seen], slopes[met], room[patch], plan: int64[numbers]; "
    "start: int, stop: int",
    dtypes=("float32",),
)
def winograd_kernel_gradient(
    x: Any, g: Any, out: Any, values: Any, slopes: Any, room: Any, plan: Any, start: int, stop: int
) -> None:
    """What some tiles give to the gradient of the transformed weights, (frequencies, channels, filters)."""
    channels, filters, tile, most, columns = plan[0], plan[1], plan[2], plan[3], plan[12]
    apart, beside = most * channels + APART, most * filters + APART
    for first in range(start, stop, most):
        count = min(most, stop - first)
        transform_tiles(INPUTS, values, apart, x, room, first, count, _inputs(plan), plan)
        transform_tiles(SLOPES, slopes, beside, g, room, first, count, _slopes(plan), plan)
        sums = (first - start, 1, 1, 0, 1, 0, count, channels, filters)
        for frequency in range((tile + 2) * (tile + 2)):
            for column in range(0, filters, columns):
                to, begin = frequency * channels * filters + column, frequency * beside + column
                looks = frequency * apart
                tiles(columns, channels, out, to, filters, columns, room, values, looks, slopes, begin, sums)
