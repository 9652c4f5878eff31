"""3-D convolution with kernels of 3x3 in each layer by Winograd's convolution of images.

The layers of a volume lie side by side as the channels of one image, which is transformed once. Each layer of the
output is then a product with the channels of those layers that it sees, which are neighbours; all layers of the output
are transformed back together. Of a single volume PyTorch's sums are more exact than of several: it gets the more exact
tiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution.outliers import Look
from eagerflow.kernels.convolution.winograd.minimal import EXACT_TILE, tile_for
from eagerflow.kernels.convolution.winograd.packs import Packs
from eagerflow.kernels.convolution.winograd.tiles import Block, Tiling
from eagerflow.kernels.convolution.winograd.transforms import (
    input_gradients,
    outputs,
    transformed_gradients,
    transformed_inputs,
)
from eagerflow.kernels.machine.costs import Volumes, Winograd
from eagerflow.kernels.machine.parts import at_once, parts_of, sum_in_order
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each, one_blas_thread
from eagerflow.kernels.machine.views import copy_rows, strided
from eagerflow.kernels.matrices.pieces import multiply
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "gradients", "kernel_gradient", "shares_gradients", "tile_of"]

_AT_ONCE = 96  # channels of all layers that are added up in one go; PyTorch's own sums are longer here, too
_ROWS = 64  # tiles of several layers that are added up in one go, where one has fewer


def tile_of(n: int, geometry: Geometry) -> int:
    """Outputs of a tile along an axis, for a number of volumes."""
    return _tile(n, geometry.outputs)


def _tile(n: int, lengths: tuple[int, ...]) -> int:
    return EXACT_TILE if n == 1 else tile_for(lengths[1:])


class _Some(NamedTuple):
    """A block of the outputs: some volumes or, of a large one, some layers of it or a band of its tiles."""

    volumes: slice
    layers: slice
    first: int  # row of tiles
    rows: int


class _Plan(NamedTuple):
    """How the work is cut, which depends on the shapes alone."""

    geometry: Geometry
    tiling: Tiling  # of all layers of the output
    channels: int
    filters: int
    blocks: list[_Some]

    @classmethod
    def of(cls, n: int, geometry: Geometry, channels: int, filters: int) -> _Plan:
        """For a number of volumes."""
        inner = Geometry(*[values[1:] for values in geometry])
        tiling = Tiling.of(n, inner, channels, filters, tile=tile_of(n, geometry))
        plan = cls(geometry, tiling, channels, filters, [])
        layers, row = geometry.outputs[0], tiling.cols * tiling.numbers
        room = max(1, Volumes.ROOM // (row * max(plan.seen(1) * channels, filters)))  # rows of tiles, of one layer
        band = min(tiling.rows, room)
        while layers > 1 and band * row * max(plan.seen(layers) * channels, layers * filters) > Volumes.ROOM:
            layers = -(-layers // 2)
        most = Volumes.ROOM // (band * row * max(plan.seen(layers) * channels, layers * filters))
        volumes = at_once(n, most, plan.microseconds, Volumes.PIECE) if layers == geometry.outputs[0] else 1
        plan.blocks.extend(
            _Some(slice(i, min(n, i + volumes)), slice(j, min(geometry.outputs[0], j + layers)), k, rows)
            for i in range(0, n, volumes)
            for j in range(0, geometry.outputs[0], layers)
            for k in range(0, tiling.rows, band)
            for rows in [min(band, tiling.rows - k)]
        )
        return plan

    def seen(self, layers: int) -> int:
        """Layers of the input that a number of layers of the output see."""
        return (layers - 1) * self.geometry.strides[0] + self.geometry.sizes[0]

    @property
    def is_whole(self) -> bool:
        """Whether blocks are whole volumes."""
        return all(
            len(range(*some.layers.indices(self.geometry.outputs[0]))) == self.geometry.outputs[0]
            and some.rows == self.tiling.rows
            for some in self.blocks
        )

    @property
    def microseconds(self) -> float:
        """Roughly, on one thread."""
        tiles = self.tiling.n * self.tiling.rows * self.tiling.cols * self.geometry.outputs[0]
        work = tiles * self.tiling.numbers * self.geometry.sizes[0] * self.channels * self.filters
        return work / speeds().products

    def images(self, some: _Some) -> tuple[Tiling, Block]:
        """The block's layers as images of their own, which tiles cover exactly, and all of them."""
        n, tile = some.volumes.stop - some.volumes.start, self.tiling.tile
        given = (tile * some.rows, tile * self.tiling.cols)
        tiling = self.tiling._replace(
            n=n, lengths=(given[0] + 2, given[1] + 2), outputs=given, before=(0, 0), rows=some.rows
        )
        return tiling, Block(slice(0, n), 0, some.rows)

    def places(self, some: _Some) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """What the block sees of the volumes, and where that lies in its canvas: layers, rows, columns."""
        geometry, tile = self.geometry, self.tiling.tile
        starts = (some.layers.start * geometry.strides[0], tile * some.first, 0)
        tiling, _ = self.images(some)
        counts = (self.seen(some.layers.stop - some.layers.start), *tiling.lengths)
        seen, places = [], []
        for start, count, before, length in zip(starts, counts, geometry.before, geometry.lengths):
            low, high = max(0, start - before), min(length, start - before + count)
            seen.append(slice(low, max(low, high)))
            places.append(slice(low - start + before, max(low, high) - start + before))
        return tuple(seen), tuple(places)

    def values(self, x: ndarray, some: _Some) -> Any:
        """The block's inputs, transformed: (tiles, frequencies, layers * channels)."""
        (tiling, block), (seen, places) = self.images(some), self.places(some)
        layers = self.seen(some.layers.stop - some.layers.start)
        canvas = scratch("volumes x", (tiling.n, *tiling.lengths, layers, self.channels), x.dtype)
        given = x[(some.volumes, *seen)]
        if given.shape[1:4] != (layers, *tiling.lengths):
            canvas[...] = 0
        depth, rows, cols = places
        copy_rows(given.transpose(0, 2, 3, 1, 4), canvas[:, rows, cols, depth])
        return transformed_inputs(tiling, canvas.reshape(*canvas.shape[:3], -1), block)

    def slopes(self, g: ndarray, some: _Some) -> Any:
        """The block's gradients, transformed: (tiles, frequencies, layers * filters)."""
        tiling, block = self.images(some)
        given = self.part(g, some).transpose(0, 2, 3, 1, 4)
        canvas = scratch("volumes y", (tiling.n, *tiling.outputs, *given.shape[3:]), g.dtype)
        if given.shape != canvas.shape:
            canvas[...] = 0
        copy_rows(given, canvas[:, : given.shape[1], : given.shape[2]])
        return transformed_gradients(tiling, canvas.reshape(*canvas.shape[:3], -1), block)

    def part(self, a: ndarray, some: _Some) -> Any:
        """The block's part of an array like the output."""
        return a[some.volumes, some.layers, self.rows(some)]

    def rows(self, some: _Some) -> slice:
        """The rows of the output that are the block's."""
        first, last = (self.tiling.tile * n for n in (some.first, some.first + some.rows))
        return slice(first, min(self.geometry.outputs[1], last))

    def windows(self, values: ndarray) -> Any:
        """What each layer of the output sees: (frequencies, layers of the output, tiles, layers * channels), a view."""
        s0, s1, s2 = values.strides
        step = self.geometry.strides[0] * self.channels
        width = self.geometry.sizes[0] * self.channels
        count = (values.shape[2] - width) // step + 1
        return strided(values, (values.shape[1], count, len(values), width), (s1, step * s2, s0, s2))

    def by_layer(self, products: Any) -> Any:
        """(tiles, frequencies, layers * filters) as (frequencies, layers, tiles, filters), a view."""
        split = products.reshape(*products.shape[:2], -1, self.filters)
        return split.transpose(1, 2, 0, 3)

    def multiply(self, a: ndarray, b: ndarray, out: ndarray) -> None:
        """Stacks of products, (..., tiles, columns), summed in parts."""
        parts, spare = self.tiling.parts(a.shape[-1], _AT_ONCE), None
        if len(parts) > 1:
            spare = scratch("volumes part", (out.shape[-2], math.prod(out.shape[:-2]), out.shape[-1]), out.dtype)
            spare = spare.swapaxes(0, 1).reshape(out.shape)
        multiply(a, b, out, parts, spare)

    def weights(self, kernel: ndarray) -> Any:
        """Of a kernel (layers, 3, 3, ...): (frequencies, 1, layers * channels, filters)."""
        flat = kernel.transpose(1, 2, 0, 3, 4).reshape(3, 3, -1, kernel.shape[-1])
        return Packs.of(flat.shape, 1).weights(flat, self.tiling.tile)

    def kernel(self, sums: ndarray) -> Any:
        """The adjoint of `weights`."""
        layers = self.geometry.sizes[0]
        flat = Packs.of((layers * self.channels, self.filters), 1).kernel(sums[:, None])
        return flat.reshape(3, 3, layers, self.channels, self.filters).transpose(2, 0, 1, 3, 4)


def forward(
    x: ndarray,
    kernel: ndarray,
    geometry: Geometry,
    finish: Callable[[Any], None] | None = None,
    look: Look | None = None,
) -> Any:
    """x (batch, depth, height, width, channels), kernel (*sizes, channels, filters) -> (batch, *outputs, filters)."""
    out = numpy.empty((len(x), *geometry.outputs, kernel.shape[-1]), x.dtype)
    plan = _Plan.of(len(x), geometry, *kernel.shape[-2:])
    weights = plan.weights(kernel)

    def work(i: int) -> None:
        some = plan.blocks[i]
        values = plan.values(x, some)
        layers = some.layers.stop - some.layers.start
        products = scratch("winograd y", (*values.shape[:2], layers * plan.filters), x.dtype)
        plan.multiply(plan.windows(values), weights, plan.by_layer(products))
        tiling, block = plan.images(some)
        place = outputs(tiling, products, block)
        target = plan.part(out, some)
        found = place.reshape(*place.shape[:3], layers, plan.filters)
        copy_rows(found[:, : target.shape[2], : target.shape[3]].transpose(0, 3, 1, 2, 4), target)
        if look is not None:
            look.take(out, some.volumes, some.layers, plan.rows(some))
        if finish is not None:
            for part in _pieces(target):
                finish(part)

    with numpy.errstate(invalid="ignore", over="ignore"):  # of infinities: the transforms subtract
        each(work, len(plan.blocks), plan.microseconds)
    return out


def _pieces(a: ndarray) -> Iterator[Any]:
    """Contiguous parts of a block (volumes, layers, rows, cols, filters)."""
    if a.flags.c_contiguous:
        yield a
    else:
        for volume in a:
            yield from [volume] if volume.flags.c_contiguous else volume


def kernel_gradient(x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry) -> Any:
    """The gradient of the kernel, (*sizes, channels, filters)."""
    return _gradients(x, g, None, kernel_shape, geometry)[1]


def gradients(x: ndarray, g: ndarray, kernel: ndarray, geometry: Geometry, look: Look | None = None) -> tuple[Any, Any]:
    """The gradients of x, looked at, and of the kernel, which share the transformed gradients of the output."""
    return _gradients(x, g, kernel, kernel.shape, geometry, look)


def shares_gradients(n: int, kernel_shape: tuple[int, ...], geometry: Geometry) -> bool:
    """Whether `gradients` is faster than both alone: when the gradient of x alone would multiply far more."""
    plan = _Plan.of(n, geometry, *kernel_shape[-2:])
    (depth, *lengths), tile = geometry.lengths, _tile(n, geometry.lengths)
    alone = depth * math.prod([-(-n // tile) * (tile + 2) for n in lengths])
    ours = geometry.outputs[0] * plan.tiling.rows * plan.tiling.cols * plan.tiling.numbers
    return geometry.strides[0] == 1 and plan.is_whole and alone > Winograd.SHARED * ours


def _gradients(
    x: ndarray,
    g: ndarray,
    kernel: ndarray | None,
    kernel_shape: tuple[int, ...],
    geometry: Geometry,
    look: Look | None = None,
) -> tuple[Any, Any]:
    plan = _Plan.of(len(x), geometry, *kernel_shape[-2:])
    shape = (plan.tiling.numbers, geometry.sizes[0] * plan.channels, plan.filters)
    parts = parts_of(len(plan.blocks), math.prod(shape))
    sums = numpy.zeros((len(parts), *shape), x.dtype)
    dx = None if kernel is None else numpy.empty(x.shape, x.dtype)
    back = None if kernel is None else plan.weights(kernel[::-1].swapaxes(3, 4))

    def work(i: int) -> None:
        for some in plan.blocks[parts[i]]:
            values, slopes = plan.values(x, some), plan.slopes(g, some)
            _add_products(plan, values, slopes, sums[i])
            if dx is not None and back is not None:
                _multiply_back(plan, slopes, back, values)
                _put_gradients(plan, values, dx, some)
                if look is not None:
                    look.take(dx, some.volumes)

    with numpy.errstate(invalid="ignore", over="ignore"), one_blas_thread:
        each(work, len(parts), plan.microseconds)
        return dx, plan.kernel(sum_in_order(sums))


def _add_products(plan: _Plan, values: ndarray, slopes: ndarray, sums: ndarray) -> None:
    """Add the block's gradients of the transformed weights, those of some layers at a time."""
    windows, given = plan.windows(values), plan.by_layer(slopes)
    (count, layers, tiles, width), found = windows.shape, scratch("volumes w", sums.shape, sums.dtype)
    step = max(1, _ROWS // tiles)
    for start in range(0, layers, step):
        some = slice(start, min(layers, start + step))
        met, arrived = windows[:, some], given[:, some]
        if step == 1:
            met, arrived = met[:, 0], arrived[:, 0]
        else:
            rows = met.shape[1] * tiles
            met = _in_one_piece("columns", met).reshape(count, rows, width)
            arrived = _in_one_piece("volumes b", arrived).reshape(count, rows, plan.filters)
        numpy.matmul(met.swapaxes(1, 2), arrived, out=found)
        numpy.add(sums, found, out=sums)


def _in_one_piece(name: str, a: ndarray) -> Any:
    copied = scratch(name, a.shape, a.dtype)
    copy_rows(a, copied)
    return copied


def _multiply_back(plan: _Plan, slopes: ndarray, weights: ndarray, values: ndarray) -> None:
    """The gradients of the transformed inputs (tiles, frequencies, layers * channels), of whole volumes.

    The weights' layers lie backwards, with channels for filters.
    """
    reach, filters, channels = plan.geometry.sizes[0], plan.filters, plan.channels
    count, given = plan.geometry.outputs[0], slopes.swapaxes(0, 1)
    target = values.reshape(*values.shape[:2], -1, channels).transpose(1, 2, 0, 3)
    if count >= reach:  # layers that all of the kernel's meet
        s0, s1, s2 = slopes.strides
        shape = (slopes.shape[1], count - reach + 1, len(slopes), reach * filters)
        windows = strided(slopes, shape, (s1, filters * s2, s0, s2))
        plan.multiply(windows, weights, target[:, reach - 1 : count])
    for layer in range(target.shape[1]):
        first, last = max(0, layer - reach + 1), min(count - 1, layer)
        if last - first + 1 < reach:
            of_kernel = slice((first - layer + reach - 1) * filters, (last - layer + reach) * filters)
            met = given[..., first * filters : (last + 1) * filters]
            plan.multiply(met, weights[:, 0, of_kernel], target[:, layer])


def _put_gradients(plan: _Plan, values: ndarray, dx: ndarray, some: _Some) -> None:
    """Transform the gradients of the inputs back, into the volumes."""
    (tiling, block), (seen, places) = plan.images(some), plan.places(some)
    canvas = scratch("volumes x", (tiling.n, *tiling.lengths, values.shape[-1]), dx.dtype)
    input_gradients(tiling, values, canvas, block)
    depth, rows, cols = places
    found = canvas.reshape(*canvas.shape[:3], -1, plan.channels)[:, rows, cols, depth].transpose(0, 3, 1, 2, 4)
    target = dx[some.volumes]
    if found.shape != target.shape:  # no window sees the rest
        target[...] = 0
    copy_rows(found, target[(slice(None), *seen)])
