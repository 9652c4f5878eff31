"""The transforms of a Winograd convolution and their adjoints, on blocks of tiles.

Transformed tiles have `tiling.numbers` numbers for each channel, 25 or 36: called frequencies.

A block's arrays don't fit the second cache all at once. So what is done with gives its memory to what comes next, under
one name of scratch: "winograd x" holds the transformed inputs, then half transformed outputs; "winograd y" half
transformed inputs, then products, or transformed gradients of the output, and then the outputs.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution.winograd.minimal import minimal
from eagerflow.kernels.convolution.winograd.tiles import Block, Tiling
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.views import strided

__all__ = ["input_gradients", "outputs", "transformed_gradients", "transformed_inputs"]


def transformed_inputs(tiling: Tiling, x: ndarray, block: Block, values: ndarray | None = None) -> Any:
    """The block's tiles of inputs, transformed, in `values` or scratch: (tiles, frequencies, channels)."""
    canvas, (n, rows, cols) = tiling.canvas(x, block), tiling.shape(block)
    matrix, tile, reach = minimal(tiling.tile).input, tiling.tile, tiling.reach
    channels, (s0, s1, s2, s3) = x.shape[-1], canvas.strides
    lines = canvas.shape[1]
    spans = strided(canvas, (n, lines, cols, reach, channels), (s0, s1, tile * s2, s2, s3))
    across = scratch("winograd y", (n, lines, cols, reach, channels), x.dtype)
    numpy.matmul(matrix, spans, out=across)
    s0, s1, s2, _, s4 = across.strides
    stacks = strided(across, (n, rows, cols, reach, reach * channels), (s0, tile * s1, s2, s1, s4))
    if values is None:
        values = scratch("winograd x", (n * rows * cols, tiling.numbers, channels), x.dtype)
    numpy.matmul(matrix, stacks, out=values.reshape(stacks.shape))
    return values


def outputs(tiling: Tiling, products: Any, block: Block) -> Any:
    """Transform the products (tiles, frequencies, filters) to the block's outputs, in scratch.

    Written to where they belong, in small pieces, they would take twice as long: that isn't in the cache.

    Returns:
        (images, rows, columns, filters) of whole tiles, the last of which may reach over the edge.
    """
    matrix, tile, reach = minimal(tiling.tile).output, tiling.tile, tiling.reach
    tiles, filters = len(products), products.shape[-1]
    n, rows, cols = tiling.shape(block)
    down = scratch("winograd x", (tiles, tile, reach * filters), products.dtype)
    numpy.matmul(matrix, products.reshape(tiles, reach, reach * filters), out=down)
    found = scratch("winograd y", (n, rows, tile, cols, tile, filters), products.dtype)
    numpy.matmul(matrix, down.reshape(n, rows, cols, tile, reach, filters).swapaxes(2, 3), out=found)
    return found.reshape(n, tile * rows, tile * cols, filters)


def transformed_gradients(tiling: Tiling, g: ndarray, block: Block, slopes: ndarray | None = None) -> Any:
    """The adjoint of `outputs`: the block's gradients, in `slopes` or scratch, as (tiles, frequencies, filters)."""
    matrix, reach = minimal(tiling.tile).output.T, tiling.reach
    cells, filters = tiling.filled_cells(g, block), g.shape[-1]
    tiles = cells.shape[0] * cells.shape[1] * cells.shape[2]
    across = scratch("winograd w", (tiles, tiling.tile, reach * filters), g.dtype)
    numpy.matmul(matrix, cells, out=across.reshape(*cells.shape[:4], reach, filters))
    if slopes is None:
        slopes = scratch("winograd y", (tiles, tiling.numbers, filters), g.dtype)
    numpy.matmul(matrix, across, out=slopes.reshape(tiles, reach, reach * filters))
    return slopes


def input_gradients(tiling: Tiling, slopes: ndarray, dx: ndarray, block: Block) -> None:
    """The adjoint of `transformed_inputs`: (tiles, frequencies, channels) to a block's images, in which tiles overlap.

    The first of a tile's rows are written to their place, the last two added to the next tile's.
    """
    (n, rows, cols), channels = tiling.shape(block), dx.shape[-1]
    matrix, tile, reach = minimal(tiling.tile).back, tiling.tile, tiling.reach
    lines = tile * rows + reach - tile
    stacks = slopes.reshape(n, rows, cols, reach, reach * channels)
    across = scratch("winograd y", (n, lines, cols, reach * channels), dx.dtype)
    places = across[:, : tile * rows].reshape(n, rows, tile, cols, -1).swapaxes(2, 3)
    numpy.matmul(matrix[:tile], stacks, out=places)
    rest = scratch("winograd w", (n, rows, cols, reach - tile, reach * channels), dx.dtype)
    numpy.matmul(matrix[tile:], stacks, out=rest)
    _add_rest(across, rest.swapaxes(2, 3), tile)
    canvas, inside = tiling.uncovered(dx, block)
    spans = across.reshape(n, lines, cols, reach, channels)
    numpy.matmul(matrix[:tile], spans[:, :, 0], out=canvas[:, :, :tile])
    numpy.matmul(matrix[tile:], spans[:, :, -1], out=canvas[:, :, tile * cols :])
    if cols > 1:  # along the rows, what a tile and the one before it give lies side by side: one product adds it up
        pairs = strided(spans, (n, lines, cols - 1, 2 * reach, channels), spans.strides)
        inner = canvas[:, :, tile : tile * cols].reshape(n, lines, cols - 1, tile, channels)
        numpy.matmul(minimal(tile).back_of_pair, pairs, out=inner)
    if inside is not None:
        dx[block.images] = canvas[inside]


def _add_rest(a: ndarray, rest: Any, tile: int) -> None:
    """Add the last rows (images, tiles, rows, ...) of each tile to the first of the next; none is behind the last."""
    count, over = rest.shape[1:3]
    a[:, tile * count :] = rest[:, -1]
    inner = a[:, tile : tile * count]
    tiles = inner.reshape(len(inner), count - 1, tile, *inner.shape[2:])
    target = tiles[:, :, :over]
    target += rest[:, :-1]
