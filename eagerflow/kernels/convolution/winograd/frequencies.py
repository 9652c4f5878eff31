"""Winograd's convolution of few tiles with many channels: threads share its products by frequency.

Blocks of tiles would be too few for threads, and each would read all weights. So all tiles are transformed first, then
come the products, one for each frequency, then the outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution.outliers import Look
from eagerflow.kernels.convolution.winograd.packs import Packs
from eagerflow.kernels.convolution.winograd.placing import put
from eagerflow.kernels.convolution.winograd.tiles import Tiling
from eagerflow.kernels.convolution.winograd.transforms import outputs, transformed_gradients, transformed_inputs
from eagerflow.kernels.machine.costs import Winograd
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each
from eagerflow.kernels.matrices.pieces import multiply_rows

__all__ = ["forward", "kernel_gradient", "suits"]


def suits(tiling: Tiling, packs: Packs) -> bool:
    """Whether this is the better way."""
    tiles = tiling.n * tiling.rows * tiling.cols
    work = tiling.numbers * tiles * packs.channels * packs.outputs / speeds().products
    return packs.products == 1 and work > Winograd.LEAST_PRODUCTS and len(tiling.blocks()) < Winograd.BLOCKS


class _Pieces:
    """The tiles of all images, cut for their transforms."""

    def __init__(self, tiling: Tiling) -> None:
        images, band = -(-tiling.images // Winograd.PIECES), tiling.band
        if tiling.n == 1:
            band = -(-band // Winograd.PIECES)
        self.tiling = tiling._replace(images=images, band=band)
        self.blocks = self.tiling.blocks()
        ends = numpy.cumsum([math.prod(tiling.shape(block)) for block in self.blocks])
        self.places = [slice(start, end) for start, end in zip([0, *ends], ends)]
        self.tiles = int(ends[-1])

    def transformed(self, name: str, transform: Callable[..., Any], a: ndarray) -> Any:
        """All of `a`, transformed: (frequencies, tiles, channels), a view."""
        found = scratch(name, (self.tiles, self.tiling.numbers, a.shape[-1]), a.dtype)
        each(lambda i: transform(self.tiling, a, self.blocks[i], found[self.places[i]]), len(self.blocks), _time(found))
        return found.swapaxes(0, 1)


def _time(a: ndarray) -> float:
    """Of a transform, in microseconds."""
    return a.size * 12 / speeds().products


def _multiply(a: ndarray, b: ndarray, out: ndarray, parts: Sequence[slice] = (slice(None),)) -> None:
    """The products of matrices, frequency by frequency, summed in parts."""

    def work(i: int) -> None:
        if len(parts) > 1:
            multiply_rows(a[i], b[i], out[i], parts)
        else:
            numpy.matmul(a[i], b[i], out=out[i])

    each(work, len(a), a.size * b.shape[-1] / speeds().products)


def forward(
    tiling: Tiling,
    x: ndarray,
    weights: ndarray,
    out: ndarray,
    parts: Sequence[slice],
    finish: Callable[..., None] | None = None,
    look: Look | None = None,
) -> None:
    """Fill `out` (batch, *outputs, filters); weights are (frequencies, 1, channels, filters), summed in parts."""
    pieces = _Pieces(tiling)
    values = pieces.transformed("frequencies x", transformed_inputs, x)
    products = scratch("frequencies y", (pieces.tiles, tiling.numbers, out.shape[-1]), x.dtype)
    _multiply(values, weights[:, 0], products.swapaxes(0, 1), parts)

    def work(i: int) -> None:
        block = pieces.blocks[i]
        put(pieces.tiling, outputs(pieces.tiling, products[pieces.places[i]], block), out, block, finish, look)

    each(work, len(pieces.blocks), _time(products))


def kernel_gradient(tiling: Tiling, x: ndarray, g: ndarray) -> Any:
    """The gradient of the transformed weights, (frequencies, channels, filters)."""
    pieces = _Pieces(tiling)
    values = pieces.transformed("frequencies x", transformed_inputs, x)
    slopes = pieces.transformed("frequencies y", transformed_gradients, g)
    found = numpy.empty((tiling.numbers, x.shape[-1], g.shape[-1]), x.dtype)
    _multiply(values.swapaxes(1, 2), slopes, found)
    return found
