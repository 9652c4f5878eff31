"""The transforms of a Winograd convolution, F(4x4, 3x3), and their adjoints, on blocks of tiles."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.kernels.scratch import scratch
from eagerflow.kernels.tiles import REACH, TILE, Block, Tiling
from eagerflow.kernels.views import strided

__all__ = ["input_gradients", "outputs", "transformed_gradients", "transformed_inputs"]

_B = [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]]  # fmt: skip
_A = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
INPUT, OUTPUT = numpy.array(_B, "float32"), numpy.array(_A, "float32")
BACK = numpy.ascontiguousarray(INPUT.T)


def transformed_inputs(tiling: Tiling, x: Any, block: Block, values: Any = None) -> Any:
    """The block's tiles of inputs, transformed, in `values` or scratch: (tiles, 36, channels)."""
    canvas, (n, rows, cols) = tiling.canvas(x, block), tiling.shape(block)
    channels, (s0, s1, s2, s3) = x.shape[-1], canvas.strides
    lines = canvas.shape[1]
    spans = strided(canvas, (n, lines, cols, REACH, channels), (s0, s1, TILE * s2, s2, s3))
    across = scratch("winograd across", (n, lines, cols, REACH, channels), x.dtype)
    numpy.matmul(INPUT, spans, out=across)
    s0, s1, s2, _, s4 = across.strides
    stacks = strided(across, (n, rows, cols, REACH, REACH * channels), (s0, TILE * s1, s2, s1, s4))
    if values is None:
        values = scratch("winograd x", (n * rows * cols, REACH * REACH, channels), x.dtype)
    numpy.matmul(INPUT, stacks, out=values.reshape(stacks.shape))
    return values


def outputs(tiling: Tiling, products: Any, out: Any, block: Block) -> None:
    """Transform the products (tiles, 36, filters) to outputs, into their place."""
    tiles, filters = len(products), products.shape[-1]
    down = scratch("winograd down", (tiles, TILE, REACH * filters), out.dtype)
    numpy.matmul(OUTPUT, products.reshape(tiles, REACH, REACH * filters), out=down)
    cells, place = tiling.cells(out, block)
    numpy.matmul(OUTPUT, down.reshape(*tiling.shape(block), TILE, REACH, filters), out=cells)
    if place is not None:
        tiling.crop(place, out, block)


def transformed_gradients(tiling: Tiling, g: Any, block: Block, slopes: Any = None) -> Any:
    """The adjoint of `outputs`: the block's gradients, in `slopes` or scratch, as (tiles, 36, filters)."""
    cells, filters = tiling.filled_cells(g, block), g.shape[-1]
    tiles = cells.shape[0] * cells.shape[1] * cells.shape[2]
    across = scratch("winograd down", (tiles, TILE, REACH * filters), g.dtype)
    numpy.matmul(OUTPUT.T, cells, out=across.reshape(*cells.shape[:4], REACH, filters))
    if slopes is None:
        slopes = scratch("winograd y", (tiles, REACH * REACH, filters), g.dtype)
    numpy.matmul(OUTPUT.T, across, out=slopes.reshape(tiles, REACH, REACH * filters))
    return slopes


def input_gradients(tiling: Tiling, slopes: Any, dx: Any, block: Block) -> None:
    """The adjoint of `transformed_inputs`: (tiles, 36, channels) to the images of a block, in which tiles overlap.

    Along each axis the first four of a tile's six rows are written to their place, the others added to the next tile's.
    """
    (n, rows, cols), channels = tiling.shape(block), dx.shape[-1]
    lines = TILE * rows + REACH - TILE
    stacks = slopes.reshape(n, rows, cols, REACH, REACH * channels)
    across = scratch("winograd across", (n, lines, cols, REACH * channels), dx.dtype)
    places = across[:, : TILE * rows].reshape(n, rows, TILE, cols, -1).swapaxes(2, 3)
    numpy.matmul(BACK[:TILE], stacks, out=places)
    rest = scratch("winograd rest", (n, rows, cols, REACH - TILE, REACH * channels), dx.dtype)
    numpy.matmul(BACK[TILE:], stacks, out=rest)
    _add_rest(across, rest.swapaxes(2, 3), 1)
    canvas, inside = tiling.uncovered(dx, block)
    spans = across.reshape(n, lines, cols, REACH, channels)
    numpy.matmul(BACK[:TILE], spans, out=canvas[:, :, : TILE * cols].reshape(n, lines, cols, TILE, channels))
    rest = scratch("winograd rest", (n, lines, cols, REACH - TILE, channels), dx.dtype)
    numpy.matmul(BACK[TILE:], spans, out=rest)
    _add_rest(canvas, rest, 2)
    if inside is not None:
        dx[block.images] = canvas[inside]


def _add_rest(a: Any, rest: Any, axis: int) -> None:
    """Add the last two rows of each tile to the first two of the next; there is none behind the last."""
    count, before = rest.shape[axis], (slice(None),) * axis
    a[(*before, slice(TILE * count, None))] = rest[(*before, -1)]
    inner = a[(*before, slice(TILE, TILE * count))]
    tiles = inner.reshape(*inner.shape[:axis], count - 1, TILE, *inner.shape[axis + 1 :])
    target = tiles[(*before, slice(None), slice(0, REACH - TILE))]
    target += rest[(*before, slice(0, -1))]
