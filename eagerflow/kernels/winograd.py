"""3x3 convolution of stride 1 by Winograd's minimal filtering F(4x4, 3x3), after Lavin & Gray 2015.

A tile of 6x6 inputs gives 4x4 outputs, Y = A' [(G g G') * (B' d B)] A: 36 multiplications instead of 144. With
many channels the multiplications become 36 products of matrices, (tiles, channels) @ (channels, filters), one for
each "frequency". Transformed tiles lie as (tiles, 6, 6, channels); each transform is two small products, one along
each axis, which read and write the images' own rows in place. Of groups with few channels several share a product,
whose weights are zero but for the groups' own blocks: BLAS needs columns.

Errors are about five times those of the plain sum: 1e-6 relative to the largest output in float32. An infinity or
NaN spoils its whole tile, in all groups that share a product.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.kernels.geometry import Geometry
from eagerflow.kernels.packs import Packs
from eagerflow.kernels.parts import parts_of, sum_in_order
from eagerflow.kernels.scratch import scratch
from eagerflow.kernels.threads import each, one_blas_thread
from eagerflow.kernels.tiles import REACH, TILE, Block, Tiling
from eagerflow.kernels.views import strided

__all__ = ["forward", "gradients", "kernel_gradient", "shares_gradients", "suits"]

_LEAST_CHANNELS = 16  # with fewer the transforms cost more than they save
_B = [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]]  # fmt: skip
_A = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
INPUT, OUTPUT = numpy.array(_B, "float32"), numpy.array(_A, "float32")
BACK = numpy.ascontiguousarray(INPUT.T)
PER_MICROSECOND = 50_000  # multiply-adds, for deciding about threads


def suits(kernel_shape: tuple[int, ...], dtype: Any, geometry: Geometry, groups: int) -> bool:
    """Whether this algorithm applies, and is the faster one."""
    return (
        geometry.sizes == (3, 3)
        and geometry.strides == geometry.dilation == (1, 1)
        and dtype == numpy.float32
        and min(kernel_shape[-2] * groups, kernel_shape[-1]) >= _LEAST_CHANNELS
        and max(*geometry.before, *geometry.after) <= 2
        and min(geometry.outputs) >= 3
    )


def forward(
    x: Any, kernel: Any, geometry: Geometry, finish: Callable[[Any], None] | None = None, groups: int = 1
) -> Any:
    """x (batch, height, width, channels), kernel (3, 3, channels per group, filters) -> (batch, *outputs, filters).

    `finish` gets each block of outputs, contiguous, while it is in the cache.
    """
    filters = kernel.shape[-1]
    out = numpy.empty((x.shape[0], *geometry.outputs, filters), x.dtype)
    packs = Packs.of(kernel.shape, groups)
    tiling = _tiling(len(x), geometry, packs)
    blocks, weights = tiling.blocks(), packs.weights(kernel)

    def work(i: int) -> None:
        values = _transformed_inputs(tiling, x, blocks[i])
        products = scratch("winograd y", (len(values), REACH * REACH, filters), x.dtype)
        numpy.matmul(packs.by_frequency(values), weights, out=packs.by_frequency(products))
        _outputs(tiling, products, out, blocks[i])
        if finish is not None:
            finish(tiling.rows_of(out, blocks[i]))

    with numpy.errstate(invalid="ignore"):  # of infinities: the transforms subtract
        each(work, len(blocks), 2.25 * out.size * packs.channels / PER_MICROSECOND)
    return out


def kernel_gradient(x: Any, g: Any, geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of the kernel, (3, 3, channels per group, filters)."""
    return _gradients(x, g, None, geometry, groups)[1]


def gradients(x: Any, g: Any, kernel: Any, geometry: Geometry, groups: int = 1) -> tuple[Any, Any]:
    """The gradients of x and of the kernel, which share the transformed gradients of the output."""
    return _gradients(x, g, kernel, geometry, groups)


def shares_gradients(kernel_shape: tuple[int, ...], geometry: Geometry, groups: int) -> bool:
    """Whether `gradients` is faster than both alone: when the gradient of x alone would have many more tiles."""
    tiling = _tiling(1, geometry, Packs.of(kernel_shape, groups))
    alone = math.prod([-(-n // TILE) for n in geometry.lengths])
    return tiling.band == tiling.rows and alone > 1.3 * tiling.rows * tiling.cols


def _gradients(x: Any, g: Any, kernel: Any, geometry: Geometry, groups: int) -> tuple[Any, Any]:
    channels, filters = x.shape[-1], g.shape[-1]
    packs = Packs.of((channels // groups, filters), groups)
    tiling = _tiling(len(x), geometry, packs)
    blocks = tiling.blocks()
    parts = parts_of(len(blocks), REACH * REACH * packs.products * packs.channels * packs.outputs)
    sums = numpy.zeros((len(parts), REACH * REACH, packs.products, packs.channels, packs.outputs), x.dtype)
    dx = None if kernel is None else numpy.empty(x.shape, x.dtype)
    weights = None if kernel is None else packs.weights(kernel).swapaxes(-1, -2)

    def work(i: int) -> None:
        for block in blocks[parts[i]]:
            values = _transformed_inputs(tiling, x, block)
            slopes = _transformed_gradients(tiling, g, block)
            product = scratch("winograd w", sums.shape[1:], x.dtype)
            numpy.matmul(packs.by_frequency(values).swapaxes(-1, -2), packs.by_frequency(slopes), out=product)
            numpy.add(sums[i], product, out=sums[i])
            if dx is not None and weights is not None:
                numpy.matmul(packs.by_frequency(slopes), weights, out=packs.by_frequency(values))
                _input_gradients(tiling, values, dx, block)

    with numpy.errstate(invalid="ignore"), one_blas_thread:
        each(work, len(parts), 2.25 * g.size * packs.channels / PER_MICROSECOND)
        return dx, packs.kernel(sum_in_order(sums))


def _tiling(n: int, geometry: Geometry, packs: Packs) -> Tiling:
    return Tiling.of(n, geometry, packs.channels, packs.outputs, packs.products)


def _transformed_inputs(tiling: Tiling, x: Any, block: Block) -> Any:
    """The block's tiles of inputs, transformed: (tiles, 36, channels)."""
    canvas, (n, rows, cols) = tiling.canvas(x, block), tiling.shape(block)
    channels, (s0, s1, s2, s3) = x.shape[-1], canvas.strides
    lines = canvas.shape[1]
    spans = strided(canvas, (n, lines, cols, REACH, channels), (s0, s1, TILE * s2, s2, s3))
    across = scratch("winograd across", (n, lines, cols, REACH, channels), x.dtype)
    numpy.matmul(INPUT, spans, out=across)
    s0, s1, s2, _, s4 = across.strides
    stacks = strided(across, (n, rows, cols, REACH, REACH * channels), (s0, TILE * s1, s2, s1, s4))
    values = scratch("winograd x", (n * rows * cols, REACH * REACH, channels), x.dtype)
    numpy.matmul(INPUT, stacks, out=values.reshape(stacks.shape))
    return values


def _outputs(tiling: Tiling, products: Any, out: Any, block: Block) -> None:
    """Transform the products (tiles, 36, filters) to outputs, into their place."""
    tiles, filters = len(products), products.shape[-1]
    down = scratch("winograd down", (tiles, TILE, REACH * filters), out.dtype)
    numpy.matmul(OUTPUT, products.reshape(tiles, REACH, REACH * filters), out=down)
    cells, place = tiling.cells(out, block)
    numpy.matmul(OUTPUT, down.reshape(*tiling.shape(block), TILE, REACH, filters), out=cells)
    if place is not None:
        tiling.crop(place, out, block)


def _transformed_gradients(tiling: Tiling, g: Any, block: Block) -> Any:
    """The adjoint of `_outputs`: the block's gradients as (tiles, 36, filters)."""
    cells, filters = tiling.filled_cells(g, block), g.shape[-1]
    tiles = cells.shape[0] * cells.shape[1] * cells.shape[2]
    across = scratch("winograd down", (tiles, TILE, REACH * filters), g.dtype)
    numpy.matmul(OUTPUT.T, cells, out=across.reshape(*cells.shape[:4], REACH, filters))
    slopes = scratch("winograd y", (tiles, REACH, REACH * filters), g.dtype)
    numpy.matmul(OUTPUT.T, across, out=slopes)
    return slopes.reshape(tiles, REACH * REACH, filters)


def _input_gradients(tiling: Tiling, slopes: Any, dx: Any, block: Block) -> None:
    """The adjoint of `_transformed_inputs`: (tiles, 36, channels) to the images of a block, in which tiles overlap.

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
