"""Convolution over any number of axes on the CPU: windows gathered into matrices (im2col), block by block.

A block is some images or, of a large one, some of its windows along the first axis: as much as fits a cache with
its results. Every pixel's channels stay side by side; where they are few, windows are gathered tap by tap along
the rows of the image instead, which copies longer runs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.costs import Columns
from eagerflow.kernels.machine.parts import at_once, parts_of, sum_in_order
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each
from eagerflow.kernels.machine.views import copy_rows, strided
from eagerflow.kernels.matrices.tiled import tiled
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "input_gradient", "kernel_gradient"]


def _microseconds(multiply_adds: float) -> float:
    """That they take one thread with all that is around them, roughly."""
    return multiply_adds / (Columns.OF_PRODUCTS * speeds().products)


class Block(NamedTuple):
    """Some images, and a range of windows along their first axis."""

    images: slice
    windows: slice


class Plan(NamedTuple):
    """How one convolution's work is cut, which depends on the shapes alone."""

    geometry: Geometry
    groups: int
    width: int  # channels of one group
    filters: int  # of one group
    blocks: list[Block]

    @classmethod
    def of(cls, x: ndarray, filters: int, geometry: Geometry, groups: int) -> Plan:
        """For x (batch, *lengths, channels)."""
        return _plan(*x.shape[:: x.ndim - 1], x.itemsize, filters, geometry, groups, Columns.ROOM)

    @property
    def depth(self) -> int:
        """Numbers in one group's window."""
        return self.geometry.taps * self.width

    def is_pointwise(self) -> bool:
        """Whether windows are single pixels, side by side."""
        geometry = self.geometry
        return geometry.taps == 1 and set(geometry.strides) == {1} and not geometry.is_padded

    def microseconds(self, images: int) -> float:
        """Roughly, on one thread."""
        pixels = images * math.prod(self.geometry.outputs)
        return _microseconds(pixels * self.depth * self.filters * self.groups)

    def canvas(self, x: ndarray, block: Block) -> Any:
        """The block's part of x with zeros around it; a view where there is nothing to add."""
        geometry = self.geometry
        stride, reach = geometry.strides[0], (geometry.sizes[0] - 1) * geometry.dilation[0] + 1
        top = block.windows.start * stride - geometry.before[0]
        height = (block.windows.stop - block.windows.start - 1) * stride + reach
        inside = slice(max(0, min(top, geometry.lengths[0])), max(0, min(geometry.lengths[0], top + height)))
        x = x[block.images, inside]
        if x.shape[1:-1] == (height, *geometry.padded[1:]) and x.strides[-1] == x.itemsize:
            return x
        canvas = scratch("columns canvas", (len(x), height, *geometry.padded[1:], x.shape[-1]), x.dtype)
        canvas[...] = 0
        start = max(0, inside.start - top)
        canvas[:, start : start + x.shape[1]][geometry._replace(before=(0, *geometry.before[1:])).inner] = x
        return canvas

    def gather(self, x: ndarray, block: Block) -> Any:
        """The block's windows, (groups, windows, depth); may be a view of matrices that lie the other way round."""
        canvas = self.canvas(x, block)
        count = len(canvas) * (block.windows.stop - block.windows.start) * math.prod(self.geometry.outputs[1:])
        if self.is_pointwise() and self.groups == 1 and canvas.flags.c_contiguous:
            return canvas.reshape(1, count, self.width)
        pixels, taps = self._axes(canvas, block)
        channels = [(self.groups, self.width * canvas.itemsize), (self.width, canvas.itemsize)]
        by_taps = self._is_by_taps()
        order = [*taps, channels[1], *pixels] if by_taps else [*pixels, *taps, channels[1]]
        shape, strides = zip(channels[0], *order)
        flat = scratch("columns", (self.groups * count * self.depth,), canvas.dtype)
        shape, strides = _joined(shape, strides)
        copy_rows(strided(canvas, shape, strides), flat.reshape(shape))
        if by_taps:
            return flat.reshape(self.groups, self.depth, count).swapaxes(1, 2)
        return flat.reshape(self.groups, count, self.depth)

    def _is_by_taps(self) -> bool:
        """Whether rows of outputs, tap by tap, are longer runs than the windows' rows."""
        size, outputs = self.geometry.sizes[-1], self.geometry.outputs[-1]
        is_row = self.width == 1 and self.geometry.strides[-1] == 1 and size < outputs
        return is_row or size * self.width < Columns.SHORT_RUN

    def _axes(self, canvas: ndarray, block: Block) -> tuple[list[Any], list[Any]]:
        """(length, stride in bytes) of the axes of windows, and of those of their elements."""
        geometry, steps = self.geometry, canvas.strides[1:-1]
        outputs = (block.windows.stop - block.windows.start, *geometry.outputs[1:])
        pixels = [(o, s * step) for o, s, step in zip(outputs, geometry.strides, steps)]
        taps = [(k, d * step) for k, d, step in zip(geometry.sizes, geometry.dilation, steps)]
        return [(len(canvas), canvas.strides[0]), *pixels], taps

    def matrices(self, kernel: ndarray) -> Any:
        """(*sizes, width, groups * filters) as (groups, depth, filters)."""
        return kernel.reshape(self.depth, self.groups, self.filters).transpose(1, 0, 2)

    def rows(self, g: ndarray, block: Block) -> Any:
        """The block's part of an array like the output, as (groups, windows, filters)."""
        part = g[block.images, block.windows]
        return part.reshape(-1, self.groups, self.filters).transpose(1, 0, 2)


@functools.lru_cache(maxsize=256)
def _plan(n: int, channels: int, itemsize: int, filters: int, geometry: Geometry, groups: int, room: int) -> Plan:
    """For n images; `room` is that of a block, in bytes."""
    outputs = geometry.outputs
    line = math.prod(outputs[1:]) * (geometry.taps * channels + filters) * itemsize
    rows = max(1, min(outputs[0], room // max(1, line)))
    work = _microseconds(n * math.prod(outputs) * geometry.taps * channels * filters / groups)
    images = at_once(n, room // max(1, line * outputs[0]), work)
    blocks = [
        Block(slice(i, min(n, i + images)), slice(j, min(outputs[0], j + rows)))
        for i in range(0, n, images)
        for j in range(0, outputs[0], rows)
    ]
    return Plan(geometry, groups, channels // groups, filters // groups, blocks)


def _joined(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same numbers in the same order, with the last axes as one where they lie side by side."""
    while len(shape) > 1 and strides[-2] == shape[-1] * strides[-1]:
        shape, strides = (*shape[:-2], shape[-2] * shape[-1]), (*strides[:-2], strides[-1])
    return shape, strides


def forward(
    x: ndarray, kernel: ndarray, geometry: Geometry, groups: int = 1, finish: Callable[[Any], None] | None = None
) -> Any:
    """(batch, *outputs, filters). `finish` gets each block of outputs, contiguous, while it is in the cache."""
    out = numpy.empty((len(x), *geometry.outputs, kernel.shape[-1]), x.dtype)
    if not out.size:
        return out
    plan = Plan.of(x, kernel.shape[-1], geometry, groups)
    matrices = plan.matrices(kernel)

    def work(i: int) -> None:
        block = plan.blocks[i]
        columns, target = (plan.gather(x, block), plan.rows(out, block))  # a view: images are whole, or there is one
        for group in range(groups):
            tiled(columns[group], matrices[group], target[group])
        if finish is not None:
            finish(out[block.images, block.windows])

    each(work, len(plan.blocks), plan.microseconds(len(x)))
    return out


def kernel_gradient(x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of the kernel, (*sizes, channels per group, filters)."""
    if not g.size:
        return numpy.zeros(kernel_shape, g.dtype)
    plan = Plan.of(x, kernel_shape[-1], geometry, groups)
    size = math.prod(kernel_shape)
    parts = parts_of(len(plan.blocks), size)
    sums = numpy.zeros((len(parts), groups, plan.depth, plan.filters), g.dtype)

    def work(i: int) -> None:
        product = scratch("columns w", sums.shape[1:], g.dtype)
        for block in plan.blocks[parts[i]]:
            columns, given = plan.gather(x, block), plan.rows(g, block)
            for group in range(groups):
                tiled(columns[group].T, given[group], product[group])
            numpy.add(sums[i], product, out=sums[i])

    each(work, len(parts), plan.microseconds(len(x)))
    return sum_in_order(sums).transpose(1, 0, 2).reshape(kernel_shape)


def input_gradient(g: ndarray, kernel: ndarray, geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of x: each window's share of it, added where the window lies (col2im), image by image."""
    channels = kernel.shape[-2] * groups
    out = numpy.empty((len(g), *geometry.lengths, channels), g.dtype)
    if not out.size:
        return out
    if not g.size:
        out[...] = 0
        return out
    filters, taps, pixels = kernel.shape[-1], geometry.taps, math.prod(geometry.outputs)
    line = pixels * (taps * channels + filters) * g.itemsize
    work_in_all = _microseconds(len(g) * pixels * taps * channels * filters / groups)
    images = at_once(len(g), Columns.ROOM // line, work_in_all)
    matrices = kernel.reshape(-1, groups, filters // groups).transpose(1, 2, 0)

    def work(i: int) -> None:
        block = slice(i * images, (i + 1) * images)
        part = g[block]
        if channels == 1:
            _add_by_taps(part.reshape(-1, filters), matrices[0], geometry, out[block])
            return
        rows = part.reshape(-1, groups, filters // groups).transpose(1, 0, 2)
        columns = scratch("columns", (groups, rows.shape[1], taps * channels // groups), g.dtype)
        for group in range(groups):
            tiled(rows[group], matrices[group], columns[group])
        _scatter(columns, geometry, out[block])

    each(work, -(-len(g) // images), work_in_all)
    return out


def _add_by_taps(rows: Any, matrix: Any, geometry: Geometry, out: ndarray) -> None:
    """The same for one channel: (windows, filters) @ (filters, taps), which lie tap by tap in rows of the image."""
    columns = scratch("columns", (geometry.taps, len(rows)), rows.dtype)
    tiled(rows, matrix, columns.T)
    _scatter(columns.T, geometry, out)


def _scatter(columns: ndarray, geometry: Geometry, out: ndarray) -> None:
    """Add windows (..., images * outputs, taps * width), of one group or several, up into out."""
    channels = out.shape[-1]
    groups = len(columns) if columns.ndim > 2 else 1
    canvas = out
    if geometry.is_padded or groups > 1 or not out.flags.c_contiguous:
        canvas = scratch("columns canvas", (len(out), *geometry.padded, channels), out.dtype)
    canvas[...] = 0
    windows = columns.reshape(groups, len(out), *geometry.outputs, geometry.taps, channels // groups)
    by_group = numpy.moveaxis(canvas.reshape(*canvas.shape[:-1], groups, -1), -2, 0)
    for tap, place in enumerate(geometry.tap_places()):
        target = by_group[(slice(None), *place)]
        target += windows[..., tap, :]
    if canvas is not out:
        out[...] = canvas[geometry.inner]
