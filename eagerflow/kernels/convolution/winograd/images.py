"""3x3 convolution of stride 1 by Winograd's minimal filtering, after Lavin & Gray 2015.

A tile of 6x6 inputs gives 4x4 outputs by 36 multiplications instead of 144; where tiles of 3x3 fit the images
better, 25 instead of 81 (see `minimal.py`). With many channels the multiplications become products of matrices,
(tiles, channels) @ (channels, filters), one for each "frequency". Transformed tiles lie as (tiles, 6, 6, channels);
each transform is two small products, one along each axis, which read and write the images' own rows in place. Of
groups with few channels several share a product, whose weights are zero but for the groups' own blocks: BLAS needs
columns.

Errors are about three times those of the plain sum, 5e-7 relative to the largest output in float32. A number far larger
than the others would spoil its whole tile, in all groups that share a product: images with such numbers are for the
caller to do in the plain way (see `outliers.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.base.variants import accelerated
from eagerflow.kernels.convolution.outliers import Look
from eagerflow.kernels.convolution.winograd.minimal import EXACT_TILE
from eagerflow.kernels.convolution.winograd.packs import Packs
from eagerflow.kernels.convolution.winograd.placing import put
from eagerflow.kernels.convolution.winograd.tiles import Tiling
from eagerflow.kernels.convolution.winograd.transforms import (
    input_gradients,
    outputs,
    transformed_gradients,
    transformed_inputs,
)
from eagerflow.kernels.machine.costs import Winograd
from eagerflow.kernels.machine.parts import parts_of, sum_in_order
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each, one_blas_thread
from eagerflow.kernels.matrices.pieces import multiply, multiply_rows
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["LARGEST_TILE", "convolve", "forward", "gradients", "is_fused", "kernel_gradient", "shares_gradients"]
__all__ += ["transformed_kernel_gradient"]

LARGEST_TILE = 4  # outputs along an axis


def forward(
    x: ndarray,
    kernel: ndarray,
    geometry: Geometry,
    finish: Callable[..., None] | None = None,
    groups: int = 1,
    look: Look | None = None,
) -> Any:
    """x (batch, height, width, channels), kernel (3, 3, channels per group, filters) -> (batch, *outputs, filters).

    Each block of outputs is looked at by `look`, where its inputs don't tell enough. Then `finish` gets it, contiguous,
    while it is in the cache; with a second array, that is where it goes.
    """
    out = numpy.empty((x.shape[0], *geometry.outputs, kernel.shape[-1]), x.dtype)
    packs = Packs.of(kernel.shape, groups)
    tiling = _tiling(len(x), geometry, packs)
    with numpy.errstate(invalid="ignore", over="ignore"):  # of infinities: the transforms subtract
        convolve(tiling, packs, x, packs.weights(kernel, tiling.tile), out, finish, look)
    return out


@accelerated("winograd")
def convolve(
    tiling: Tiling,
    packs: Packs,
    x: ndarray,
    weights: ndarray,
    out: ndarray,
    finish: Callable[..., None] | None,
    look: Look | None,
) -> bool:
    """Put the outputs of transformed weights into `out`."""
    blocks, filters = tiling.blocks(), out.shape[-1]
    parts, (noisy, finer) = tiling.parts(packs.channels), tiling.noisy(packs.channels)
    whole = tiling.band == tiling.rows  # images in a block

    def work(i: int) -> None:
        is_even = look is None or (whole and look.is_even(blocks[i].images))
        values = transformed_inputs(tiling, x, blocks[i])
        products = scratch("winograd y", (len(values), tiling.numbers, filters), x.dtype)
        if noisy:
            _multiply(packs, values[:, noisy:], weights[noisy:], products[:, noisy:], parts)
            _multiply(packs, values[:, :noisy], weights[:noisy], products[:, :noisy], finer)
        else:
            _multiply(packs, values, weights, products, parts)
        put(tiling, outputs(tiling, products, blocks[i]), out, blocks[i], finish, None if is_even else look)

    each(work, len(blocks), 2.25 * out.size * packs.channels / speeds().products)
    return True


def _multiply(packs: Packs, values: ndarray, weights: ndarray, products: Any, parts: list[slice]) -> None:
    """Transformed tiles times weights, both ways (tiles, frequencies, ...)."""
    given, found = packs.by_frequency(values), packs.by_frequency(products)
    if len(parts) == 1:
        numpy.matmul(given, weights, out=found)
        return
    if products.size > Winograd.LARGE:
        for i in numpy.ndindex(found.shape[:2]):
            multiply_rows(given[i], weights[i], found[i], parts)
        return
    spare = packs.by_frequency(scratch("winograd part", products.shape, products.dtype))
    multiply(given, weights, found, parts, spare)


def kernel_gradient(x: ndarray, g: ndarray, geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of the kernel, (3, 3, channels per group, filters)."""
    tiling, packs = _of_gradients(x, g, geometry, groups)
    with numpy.errstate(invalid="ignore", over="ignore"):
        return packs.kernel(transformed_kernel_gradient(tiling, packs, x, g))


@accelerated("winograd")
def transformed_kernel_gradient(tiling: Tiling, packs: Packs, x: ndarray, g: ndarray) -> Any:
    """The gradient of the transformed weights: (frequencies, products, channels, outputs)."""
    return _gradients(tiling, packs, x, g)[1]


def gradients(
    x: ndarray, g: ndarray, kernel: ndarray, geometry: Geometry, groups: int = 1, look: Look | None = None
) -> tuple[Any, Any]:
    """The gradients of x, looked at, and of the kernel, which share the transformed gradients of the output."""
    tiling, packs = _of_gradients(x, g, geometry, groups)
    with numpy.errstate(invalid="ignore", over="ignore"):
        dx, sums = _gradients(tiling, packs, x, g, kernel, look)
        return dx, packs.kernel(sums)


def shares_gradients(kernel_shape: tuple[int, ...], geometry: Geometry, groups: int) -> bool:
    """Whether `gradients` is faster than both alone: when the gradient of x alone would have many more tiles."""
    packs = Packs.of(kernel_shape, groups)
    tiling = _tiling(1, geometry, packs)
    if packs.groups > 1 or is_fused(packs):
        return False
    alone = math.prod([-(-n // tiling.tile) for n in geometry.lengths])
    return tiling.band == tiling.rows and alone > Winograd.SHARED * tiling.rows * tiling.cols


@accelerated("winograd")
def is_fused(packs: Packs) -> bool:
    """Whether transforms and products are one compiled kernel."""
    return False


def _of_gradients(x: ndarray, g: ndarray, geometry: Geometry, groups: int) -> tuple[Tiling, Packs]:
    packs = Packs.of((x.shape[-1] // groups, g.shape[-1]), groups)
    return _tiling(len(x), geometry, packs, tile=EXACT_TILE if packs.groups > 1 else 0), packs


def _gradients(
    tiling: Tiling, packs: Packs, x: ndarray, g: ndarray, kernel: ndarray | None = None, look: Look | None = None
) -> tuple[Any, Any]:
    """The gradient of x, where there is a kernel, and of the transformed weights."""
    few = packs.groups > 1  # channels, of which plain sums are the most exact
    blocks = tiling.blocks()
    shape = (tiling.numbers, packs.products, packs.channels, packs.outputs)
    parts = parts_of(len(blocks), math.prod(shape))
    sums = (numpy.empty if blocks else numpy.zeros)((len(parts), *shape), x.dtype)
    dx = None if kernel is None else numpy.empty(x.shape, x.dtype)
    weights = None
    if kernel is not None:  # copied: BLAS takes half as long again for a second matrix that lies the other way round
        weights = numpy.ascontiguousarray(packs.weights(kernel, tiling.tile).swapaxes(-1, -2))
    filters_at_once = tiling.parts(packs.outputs)

    def work(i: int) -> None:
        for number, block in enumerate(blocks[parts[i]]):
            values = transformed_inputs(tiling, x, block)
            slopes = transformed_gradients(tiling, g, block)
            product = scratch("winograd w", sums.shape[1:], x.dtype) if number else sums[i]
            given, met = packs.by_frequency(values).swapaxes(-1, -2), packs.by_frequency(slopes)
            if few:
                some, spare = tiling.parts(len(values)), scratch("winograd part", product.shape, x.dtype)
                multiply(given, met, product, some, spare)
            else:
                numpy.matmul(given, met, out=product)
            if number:
                numpy.add(sums[i], product, out=sums[i])
            if dx is not None and weights is not None:
                _multiply(packs, slopes, weights, values, filters_at_once)
                input_gradients(tiling, values, dx, block)
                if look is not None:
                    look.take(dx, block.images)

    with one_blas_thread:
        each(work, len(parts), 2.25 * g.size * packs.channels / speeds().products)
        return dx, sum_in_order(sums)


def _tiling(n: int, geometry: Geometry, packs: Packs, tile: int = 0) -> Tiling:
    return Tiling.of(n, geometry, packs.channels, packs.outputs, packs.products, tile)
