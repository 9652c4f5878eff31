"""Convolution of few channels on the CPU: windows gathered in long pieces from planes, one per channel.

With few channels side by side, gathering windows pixel by pixel copies tiny pieces. So every channel of a block is
laid out as a plane of its own, its rows and columns sorted by their remainder of the strides; what one element of the
kernel meets is then a single piece of a plane, all windows of the image, and some more between the ends of rows
that are dropped afterwards.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow.kernels.convolution.geometry import Geometry
from eagerflow.kernels.machine.buffering import long_runs
from eagerflow.kernels.machine.parts import at_once, parts_of, sum_in_order
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.threads import each
from eagerflow.kernels.machine.views import strided
from eagerflow.kernels.matrices.tiled import tiled

__all__ = ["forward", "input_gradient", "kernel_gradient", "suits"]

_ROOM = 1 << 21  # bytes of a block's columns and results
_LARGEST = 1 << 22  # bytes of one image's
_SHORT_RUN = 64  # numbers side by side below which planes are the better way
_PER_MICROSECOND = 30_000  # multiply-adds


def suits(kernel_shape: tuple[int, ...], geometry: Geometry, groups: int) -> bool:
    """Whether this is the fastest way."""
    *_, width, filters = kernel_shape
    line = (geometry.taps * width * groups + filters) * math.prod(geometry.outputs) * 4
    return (
        len(geometry.sizes) <= 2
        and geometry.taps > 1
        and geometry.sizes[-1] * width < _SHORT_RUN
        and line <= _LARGEST
        and 0 not in geometry.outputs
    )


def _two(values: tuple[int, ...], filler: int) -> tuple[int, int]:
    return (values[0], values[1]) if len(values) == 2 else (filler, values[0])


class _Planes:
    """How the work is cut, and where the pieces lie; by the shapes alone."""

    def __init__(
        self, n: int, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int, size: int
    ) -> None:
        self.groups, self.width, self.filters = groups, kernel_shape[-2], kernel_shape[-1] // groups
        self.sizes, self.strides = _two(geometry.sizes, 1), _two(geometry.strides, 1)
        self.dilation, self.before = _two(geometry.dilation, 1), _two(geometry.before, 0)
        self.lengths, self.outputs = _two(geometry.lengths, 1), _two(geometry.outputs, 1)
        padded = _two(geometry.padded, 1)
        rows, self.cols = (-(-n // s) for n, s in zip(padded, self.strides))
        self.rows = rows + 1  # a spare one, into which the last row's pieces reach
        self.taps = geometry.taps
        self.piece = self.outputs[0] * self.cols  # what one element of the kernel meets in one image
        line = self.piece * (self.taps * groups * self.width + groups * self.filters) * size
        self.microseconds = n * self.piece * self.depth * self.filters * groups / _PER_MICROSECOND
        images = at_once(n, _ROOM // line, self.microseconds)
        self.blocks = [slice(i, min(n, i + images)) for i in range(0, n, images)]

    @property
    def depth(self) -> int:
        """Numbers in one group's window."""
        return self.taps * self.width

    def empty(self, images: int, dtype: Any) -> Any:
        """Zeroed planes (channels, *strides, images, rows, cols)."""
        shape = (self.groups * self.width, *self.strides, images, self.rows, self.cols)
        planes = scratch("planes", shape, dtype)
        planes[...] = 0
        return planes

    def pixels(self, planes: Any, x: Any) -> Iterator[tuple[Any, Any]]:
        """Pairs of what belongs together in planes and in x (images, *lengths, channels), both channels first."""
        x = x.reshape(len(x), *self.lengths, x.shape[-1])
        for phase in itertools.product(*map(range, self.strides)):
            begin = [(p - b) % s for p, b, s in zip(phase, self.before, self.strides)]
            part = x[:, begin[0] :: self.strides[0], begin[1] :: self.strides[1]].transpose(3, 0, 1, 2)
            top, left = ((a + b) // s for a, b, s in zip(begin, self.before, self.strides))
            place = planes[:, phase[0], phase[1]]
            yield place[:, :, top : top + part.shape[2], left : left + part.shape[3]], part

    def pieces(self, planes: Any) -> Iterator[Any]:
        """For each element of the kernel what it meets: (groups, width, images, piece)."""
        s0, _, _, s3, _, s5 = planes.strides
        shape = (self.groups, self.width, planes.shape[3], self.piece)
        for place in itertools.product(*map(range, self.sizes)):
            (row, below), (col, right) = (
                divmod(k * d, s) for k, d, s in zip(place, self.dilation, self.strides)
            )
            steps = (self.width * s0, s0, s3, s5)
            yield strided(planes, shape, steps, 0, below, right, 0, row, col)

    def gather(self, x: Any) -> Any:
        """(groups, depth, images * piece)."""
        planes = self.empty(len(x), x.dtype)
        for place, part in self.pixels(planes, x):
            place[...] = part
        columns = scratch("columns", (self.groups, self.taps, self.width, len(x), self.piece), x.dtype)
        for tap, piece in enumerate(self.pieces(planes)):
            columns[:, tap] = piece
        return columns.reshape(self.groups, self.depth, len(x) * self.piece)

    def spread(self, g: Any) -> Any:
        """An array like the output with zeros where pieces go on behind the rows: (groups, images * piece, filters)."""
        found = scratch("planes y", (len(g), self.outputs[0], self.cols, g.shape[-1]), g.dtype)
        found[:, :, self.outputs[1] :] = 0
        found[:, :, : self.outputs[1]] = g.reshape(len(g), *self.outputs, g.shape[-1])
        return found.reshape(len(g) * self.piece, self.groups, self.filters).transpose(1, 0, 2)

    def matrices(self, kernel: Any) -> Any:
        """(groups, depth, filters)."""
        return kernel.reshape(self.depth, self.groups, self.filters).transpose(1, 0, 2)


def forward(x: Any, kernel: Any, geometry: Geometry, groups: int = 1) -> Any:
    """(batch, *outputs, filters)."""
    planes = _Planes(len(x), kernel.shape, geometry, groups, x.itemsize)
    out = numpy.empty((len(x), *geometry.outputs, kernel.shape[-1]), x.dtype)
    matrices, places = planes.matrices(kernel), out.reshape(len(x), *planes.outputs, kernel.shape[-1])

    def work(i: int) -> None:
        block = planes.blocks[i]
        columns = planes.gather(x[block])
        shape = (len(x[block]), planes.outputs[0], planes.cols, kernel.shape[-1])
        found = scratch("planes y", shape, x.dtype)
        rows = found.reshape(-1, groups, planes.filters)
        for group in range(groups):
            tiled(columns[group].T, matrices[group], rows[:, group])
        places[block] = found[:, :, : planes.outputs[1]]

    with long_runs():
        each(work, len(planes.blocks), planes.microseconds)
    return out


def kernel_gradient(
    x: Any, g: Any, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> Any:
    """The gradient of the kernel, (*sizes, channels per group, filters)."""
    planes = _Planes(len(x), kernel_shape, geometry, groups, x.itemsize)
    parts = parts_of(len(planes.blocks), math.prod(kernel_shape))
    sums = numpy.zeros((len(parts), groups, planes.depth, planes.filters), g.dtype)

    def work(i: int) -> None:
        product = scratch("planes w", sums.shape[1:], g.dtype)
        for block in planes.blocks[parts[i]]:
            columns, given = planes.gather(x[block]), planes.spread(g[block])
            for group in range(groups):
                tiled(columns[group], given[group], product[group])
            numpy.add(sums[i], product, out=sums[i])

    with long_runs():
        each(work, len(parts), planes.microseconds)
    return sum_in_order(sums).transpose(1, 0, 2).reshape(kernel_shape)


def input_gradient(g: Any, kernel: Any, geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of x: each element's share of it, added to the piece of a plane that it met."""
    planes = _Planes(len(g), kernel.shape, geometry, groups, g.itemsize)
    out = numpy.empty((len(g), *geometry.lengths, groups * planes.width), g.dtype)
    matrices = planes.matrices(kernel)

    def work(i: int) -> None:
        block = planes.blocks[i]
        given = planes.spread(g[block])
        columns = scratch("columns", (groups, planes.depth, given.shape[1]), g.dtype)
        for group in range(groups):
            tiled(matrices[group], given[group].T, columns[group])
        images = len(g[block])
        shares = columns.reshape(groups, planes.taps, planes.width, images, planes.piece)
        canvas = planes.empty(images, g.dtype)
        for tap, piece in enumerate(planes.pieces(canvas)):
            piece += shares[:, tap]
        for place, part in planes.pixels(canvas, out[block]):
            part[...] = place

    with long_runs():
        each(work, len(planes.blocks), planes.microseconds)
    return out
