"""Rows of images as runs of numbers, for depthwise convolution: all channels of all columns side by side."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.costs import Depthwise
from eagerflow.kernels.machine.parts import at_once
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.views import copy_rows, strided
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["Block", "Runs"]


class Block(NamedTuple):
    """Some images, or some rows of one."""

    images: slice
    rows: slice


def _three(values: tuple[int, ...], filler: int) -> tuple[int, int, int]:
    """One, two or three axes as three; rows first, columns last."""
    rank = len(values)
    if rank == 1:
        return filler, filler, values[0]
    return (values[0], filler, values[1]) if rank == 2 else (values[0], values[1], values[2])


def _clear(a: ndarray, axis: int, start: int, count: int) -> None:
    """Zeros along an axis but for `count` places from `start` on."""
    before = (slice(None),) * axis
    a[(*before, slice(0, start))] = 0
    a[(*before, slice(start + count, None))] = 0


class Runs:
    """How a depthwise convolution is cut, which depends on the shapes alone. Spatial axes are always three.

    Attributes:
        channels: how many there are.
        phases: the stride along the columns: by how many remainders they are sorted.
        sizes: of the kernel.
        blocks: pieces of work.
        ranges: first and last window of each run along the columns.
    """

    def __init__(self, x: ndarray, geometry: Geometry) -> None:
        self.channels = channels = x.shape[-1]
        self.sizes, self.dilation = _three(geometry.sizes, 1), _three(geometry.dilation, 1)
        self.strides, self.before = _three(geometry.strides, 1), _three(geometry.before, 0)
        self.lengths, self.outputs = _three(geometry.lengths, 1), _three(geometry.outputs, 1)
        self.padded = _three(geometry.padded, 1)
        self.phases = self.strides[2]
        rows, height, width = self.outputs
        step = max(1, min(rows, Depthwise.BLOCK // max(1, height * width * channels)))
        image = height * width * channels * rows
        work = len(x) * image * geometry.taps / speeds().einsum
        images = at_once(len(x), Depthwise.BLOCK // max(1, image), work)
        self.blocks = [
            Block(slice(i, min(len(x), i + images)), slice(j, min(rows, j + step)))
            for i in range(0, len(x), images)
            for j in range(0, rows, step)
        ]
        columns = max(1, Depthwise.RUNS // geometry.taps // channels)
        self.ranges = [(i, min(width, i + columns)) for i in range(0, width, columns)]

    def flat(self, a: ndarray) -> Any:
        """An array like the output with columns and channels as one axis: (batch, rows, height, run)."""
        return a.reshape(len(a), *self.outputs[:2], self.outputs[2] * self.channels)

    def three(self, a: ndarray) -> Any:
        """An array like the output, of any strides, with three spatial axes: a view."""
        missing = 5 - a.ndim
        return a[:, :, None] if missing == 1 else a[(slice(None), *[None] * missing)]

    def part(self, a: ndarray, block: Block, start: int, stop: int) -> Any:
        """A block's part of such an array, of the columns from start to stop."""
        return a[block.images, block.rows, :, start * self.channels : stop * self.channels]

    def repeated(self, kernel: ndarray) -> list[Any]:
        """For each phase its elements of the kernel (*sizes, channels), repeated along the longest run."""
        weights = kernel.reshape(*self.sizes, 1, self.channels)
        columns = self.ranges[0][1] if self.ranges else 0
        found = []
        for phase in range(min(self.phases, self.sizes[2])):
            part = weights[:, :, phase :: self.phases]
            shape = (*part.shape[:3], columns, self.channels)
            found.append(numpy.broadcast_to(part, shape).reshape(*shape[:3], columns * self.channels))
        return found

    def canvas(self, x: ndarray, block: Block) -> Any:
        """A block's inputs (images, rows, height, phases, columns, channels) with zeros around the image."""
        x = x.reshape(len(x), *self.lengths, self.channels)
        top = block.rows.start * self.strides[0] - self.before[0]
        reach = (self.sizes[0] - 1) * self.dilation[0] + 1
        rows = (block.rows.stop - block.rows.start - 1) * self.strides[0] + reach
        inside = slice(min(max(0, top), self.lengths[0]), max(0, min(self.lengths[0], top + rows)))
        x = x[block.images, inside]
        _, height, width = self.padded
        columns = -(-width // self.phases)
        shape = (len(x), rows, height, self.phases, columns, self.channels)
        canvas = scratch("depthwise canvas", shape, x.dtype)
        first, high = max(0, inside.start - top), self.before[1]
        _clear(canvas, 1, first, x.shape[1])
        target = canvas[:, first : first + x.shape[1]]
        _clear(target, 2, high, x.shape[2])
        target = target[:, :, high : high + x.shape[2]]
        for phase in range(self.phases):
            begin = (phase - self.before[2]) % self.phases
            columns_of = x[:, :, :, begin :: self.phases]
            start, line = (begin + self.before[2]) // self.phases, target[:, :, :, phase]
            _clear(line, 3, start, columns_of.shape[3])
            copy_rows(columns_of, line[:, :, :, start : start + columns_of.shape[3]])
        return canvas

    def windows(self, canvas: ndarray, block: Block, phase: int, start: int, stop: int) -> Any:
        """What each element of the kernel meets: (images, rows, height, *sizes of the phase, run)."""
        s0, s1, s2, _, s4, s5 = canvas.strides
        count = len(range(phase, self.sizes[2], self.phases))
        rows = block.rows.stop - block.rows.start
        shape = (len(canvas), rows, self.outputs[1], *self.sizes[:2], count, (stop - start) * self.channels)
        steps = (s0, s1 * self.strides[0], s2 * self.strides[1], s1 * self.dilation[0], s2 * self.dilation[1])
        return strided(canvas, shape, (*steps, s4 * self.dilation[2], s5), 0, 0, 0, phase, start)
