"""Winograd's convolution of images, channels last: some tiles at a time, from their inputs to their outputs.

Transformed, the numbers of some tiles fit the second cache: (frequencies, tiles, channels), where a frequency begins a
line of the cache later than a power of two would have it, as caches keep few lines that are so far from each other.
Then each frequency's product is made in tiles of its own kind, whose sums stay in registers (`tiles.py`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.jit import WIDE, compiled, helper, inner_loop
from eagerflow.compiled.loops.tiles import tiles
from eagerflow.compiled.pieces import run
from eagerflow.compiled.transforms import INPUTS, OUTPUTS, SLOPES, transform_tile
from eagerflow.kernels.convolution.winograd.placing import looked_at
from eagerflow.kernels.machine.parts import parts_of, sum_in_order
from eagerflow.kernels.machine.processor import second_cache
from eagerflow.kernels.machine.scratch import scratch

__all__ = ["convolve", "is_fused", "transformed_kernel_gradient"]

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
            transform_tile(kind, tile, channels, values, (at, below, apart), x, (looks, line, channels))
        else:
            copy_patch(room, x, image, top, left, height, width, n, channels)
            transform_tile(kind, tile, channels, values, (at, below, apart), room, (0, n * channels, channels))


@helper
def _inputs(plan: Any) -> Any:
    return plan[0], plan[2] + 2, plan[4], plan[5], plan[8], plan[9]


@helper
def _slopes(plan: Any) -> Any:
    return plan[1], plan[2], plan[6], plan[7], 0, 0


@compiled(
    "x[all], weights[packed], out[found], values[seen], products[made], room[patch], plan: int64[numbers]",
    dtypes=("float32",),
)
def _winograd(
    x: Any, weights: Any, out: Any, values: Any, products: Any, room: Any, plan: Any, ends: Any, start: int, stop: int
) -> None:
    """The outputs of some tiles of all images.

    The weights lie as (frequencies, blocks of columns, channels, columns). A product is the sum of those of channels
    between the second of `ends` for the first, noisy frequencies, and between the first of them for the others.
    """
    channels, filters, tile, most, up, over = plan[0], plan[1], plan[2], plan[3], plan[6], plan[7]
    rows, cols, columns, noisy = plan[10], plan[11], plan[12], plan[13]
    apart, distance = most * channels + APART, most * filters + APART
    below, (coarse, fine) = (tile + 2) * distance, ends
    for first in range(start, stop, most):
        count = min(most, stop - first)
        transform_tiles(INPUTS, values, apart, x, room, first, count, _inputs(plan), plan)
        for frequency in range((tile + 2) * (tile + 2)):
            parts = fine if frequency < noisy else coarse
            for column in range(0, filters, columns):
                for some in range(len(parts) - 1):
                    sums = (some, channels, 1, 0, 1, 0, parts[some + 1] - parts[some], 1, columns)
                    to, looks = frequency * distance + column, frequency * apart + parts[some]
                    begin = (frequency * filters + column) * channels + parts[some] * columns
                    tiles(columns, count, columns, products, room, values, weights, (to, filters, looks, begin), sums)
        for number in range(count):
            image, row, col = _place(first + number, rows, cols)
            top, left, looks = row * tile, col * tile, number * filters
            if top + tile <= up and left + tile <= over:
                to = ((image * up + top) * over + left) * filters
                line = over * filters
                transform_tile(OUTPUTS, tile, filters, out, (to, line, filters), products, (looks, below, distance))
            else:
                line = tile * filters
                transform_tile(OUTPUTS, tile, filters, room, (0, line, filters), products, (looks, below, distance))
                put_patch(out, room, image, top, left, up, over, tile, filters)


@compiled(
    "x[all], g[found], out[weights], values[seen], slopes[met], room[patch], plan: int64[numbers]", dtypes=("float32",)
)
def _winograd_kernel_gradient(
    x: Any, g: Any, out: Any, values: Any, slopes: Any, room: Any, plan: Any, start: int, stop: int
) -> None:
    """What some tiles give to the gradient of the transformed weights, (frequencies, channels, filters)."""
    channels, filters, tile, most, columns = plan[0], plan[1], plan[2], plan[3], plan[12]
    apart, distance = most * channels + APART, most * filters + APART
    for first in range(start, stop, most):
        count = min(most, stop - first)
        transform_tiles(INPUTS, values, apart, x, room, first, count, _inputs(plan), plan)
        transform_tiles(SLOPES, slopes, distance, g, room, first, count, _slopes(plan), plan)
        sums = (first - start, 1, 1, 0, 1, 0, count, channels, filters)
        for frequency in range((tile + 2) * (tile + 2)):
            for column in range(0, filters, columns):
                to, begin = frequency * channels * filters + column, frequency * distance + column
                looks = frequency * apart
                tiles(columns, channels, columns, out, room, values, slopes, (to, filters, looks, begin), sums)


_FEWEST, _MOST = 24, 48  # tiles at a time: multiples of the rows of a product's tiles
_WEIGHTS = 1 << 21  # numbers of transformed weights, which are read again for each of these
_PIECES = 8  # of which threads find enough
_COST = 0.02  # nanoseconds of a multiply-add, with its share of the transforms
_UNIT = 8  # channels that a vector has at least


def is_fused(packs: Any) -> Any:
    """Whether the loops take such products; None where they don't."""
    fits = packs.products == packs.groups == 1 and packs.channels % _UNIT == packs.outputs % _UNIT == 0
    few = 36 * packs.channels * packs.outputs <= _WEIGHTS
    return (fits and few) or None


def _columns(filters: int) -> int:
    """How many filters are computed at once."""
    return 32 if WIDE and filters % 32 == 0 else 16 if filters % 16 == 0 else 8


def _tiles(numbers: int, channels: int, filters: int) -> int:
    """How many at a time: what is transformed should fit the second cache, but all weights are read for them."""
    fits = second_cache() // (4 * numbers * (channels + filters))
    return _FEWEST if fits < _MOST else _MOST


def _shared(tiling: Any) -> Any:
    """In smaller blocks, if threads would find too few."""
    of_image, most = tiling.rows * tiling.cols, -(-tiling.n // _PIECES)
    if of_image < _MOST or tiling.n >= _PIECES or tiling.band < tiling.rows:
        return tiling._replace(images=min(tiling.images, max(most, -(-_MOST // of_image))))
    band = max(-(-tiling.rows * tiling.n // _PIECES), -(-_MOST // tiling.cols))
    return tiling._replace(images=1, band=min(tiling.rows, band))


def _plan(tiling: Any, channels: int, filters: int, noisy: int = 0) -> Any:
    """All numbers that the loops want."""
    places = *tiling.lengths, *tiling.outputs, *tiling.before, tiling.rows, tiling.cols
    tiles = _tiles(tiling.numbers, channels, filters)
    return np.array((channels, filters, tiling.tile, tiles, *places, _columns(filters), noisy), np.int64)


def _rooms(tiling: Any, channels: int, filters: int) -> Any:
    """A thread's own: for transformed inputs, for what they are multiplied by or give, and for a tile at the edge."""
    tiles = _tiles(tiling.numbers, channels, filters)
    sizes = [tiling.numbers * (tiles * n + APART) for n in (channels, filters)]
    sizes.append(tiling.numbers * max(channels, filters))
    return [scratch(f"winograd {name}", (size,), np.dtype("float32")) for name, size in zip("xyr", sizes)]


def _ends(parts: list[slice]) -> Any:
    return np.array([0, *[part.stop for part in parts]], np.int64)


def _cuts(tiling: Any, blocks: list[Any]) -> list[slice]:
    """The tiles of blocks."""
    of_image = tiling.rows * tiling.cols
    firsts = [block.images.start * of_image + block.first * tiling.cols for block in blocks]
    return [slice(first, first + math.prod(tiling.shape(block))) for first, block in zip(firsts, blocks)]


def convolve(tiling: Any, packs: Any, x: ndarray, weights: Any, out: ndarray, finish: Any, look: Any) -> Any:
    """True when all outputs are where they belong."""
    if is_fused(packs) is None or x.dtype != np.float32 or not x.flags.aligned or not out.size:
        return None
    channels, filters, columns = packs.channels, packs.outputs, _columns(packs.outputs)
    tiling, x = _shared(tiling), np.ascontiguousarray(x)
    blocks = tiling.blocks()
    cuts, (noisy, finer) = _cuts(tiling, blocks), tiling.noisy(channels)
    kernel = weights.reshape(-1, channels, filters // columns, columns).swapaxes(1, 2)
    ends, plan = (_ends(tiling.parts(channels)), _ends(finer)), _plan(tiling, channels, filters, noisy)
    flat = x.reshape(-1), np.ascontiguousarray(kernel).reshape(-1), out.reshape(-1)
    whole = tiling.band == tiling.rows  # images in a block

    def piece(start: int, stop: int, number: int) -> None:
        is_even = look is None or (whole and look.is_even(blocks[number].images))
        tiles: Any = _winograd.on(*flat, *_rooms(tiling, channels, filters), plan, ends)
        tiles(start, stop)
        looked_at(tiling, out, blocks[number], finish, None if is_even else look)

    run(piece, cuts, 2.25 * out.size * channels * _COST)
    return True


def transformed_kernel_gradient(tiling: Any, packs: Any, x: ndarray, g: ndarray) -> Any:
    """The gradient of the transformed weights, (frequencies, 1, channels, filters)."""
    if is_fused(packs) is None or x.dtype != np.float32 or not (x.flags.aligned and g.flags.aligned and g.size):
        return None
    channels, filters, x, g = packs.channels, packs.outputs, np.ascontiguousarray(x), np.ascontiguousarray(g)
    tiling = _shared(tiling)
    cuts = _cuts(tiling, tiling.blocks())
    parts = parts_of(len(cuts), tiling.numbers * channels * filters)
    shared = [slice(cuts[part][0].start, cuts[part][-1].stop) for part in parts]
    sums = np.empty((len(shared), tiling.numbers * channels * filters), x.dtype)
    plan = _plan(tiling, channels, filters)

    def work(start: int, stop: int, part: int) -> None:
        flat = x.reshape(-1), g.reshape(-1), sums[part]
        tiles: Any = _winograd_kernel_gradient.on(*flat, *_rooms(tiling, channels, filters), plan)
        tiles(start, stop)

    run(work, shared, 2.25 * g.size * channels * _COST)
    return sum_in_order(sums).reshape(tiling.numbers, 1, channels, filters)
