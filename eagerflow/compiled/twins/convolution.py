"""Convolution of one or two axes, float32, where gathering windows would take longer than multiplying them."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import convolution as loops
from eagerflow.compiled.objects import has_wide_vectors
from eagerflow.compiled.pieces import pieces, run
from eagerflow.kernels.machine.threads import scratch
from eagerflow.ops.windows.geometry import Geometry, effective

__all__ = ["applies", "convolve", "convolve_into", "convolve_kernel_gradient"]

_CANVAS = 1 << 16  # numbers that a band sees, where they are copied: they stay in the second cache
_OUTPUTS = 1 << 12  # numbers of a band whose gradients are read again for each element of the kernel
_WEIGHTS = 1 << 17  # numbers in a block of columns of the kernel, which are read again for each tile
_COST = 0.02  # nanoseconds of a multiply-add
_PIECE = 1 << 22  # multiply-adds of a piece
_PARTS = 16  # pieces at most
_TILE = 256  # numbers of the largest tile


def applies(shapes: Any) -> Any:
    """Whether the loops take such a convolution, and are fast."""
    usual = shapes.is_single and shapes.geometry.taps > 1 and shapes.multiply_adds > 0
    return usual and _fits(shapes.kernel, shapes.groups) and loops.convolve.is_there("float32")


def _fits(kernel_shape: tuple[int, ...], groups: int) -> bool:
    """Whether the axes are few, and a block of the kernel's columns isn't too large to be read again and again."""
    weights = math.prod(kernel_shape[:-1]) * _columns(kernel_shape[-1] // groups)
    return len(kernel_shape) <= 4 and weights <= _WEIGHTS


def _columns(filters: int) -> int:
    """How many filters are computed at once."""
    if has_wide_vectors() and filters % 32 == 0:
        return 32
    return 16 if filters % 16 == 0 or filters % 16 > 8 else 8


def _of_images(geometry: Geometry) -> Geometry:
    """A geometry with two axes."""
    if len(geometry.sizes) == 2:
        return geometry
    ones, zeros = (1,), (0,)
    return Geometry(*[first + rest for first, rest in zip((ones, ones, ones, zeros, zeros, ones, ones), geometry)])


class _Plan:
    """How a convolution's work is cut, and all numbers that the loops want."""

    def __init__(
        self, x: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int, most: int = 1 << 62
    ) -> None:
        plan, channels = _of_images(geometry), x.shape[-1]
        self.filters = kernel_shape[-1] // groups
        self.columns = _columns(self.filters)
        self.up, over = plan.outputs
        wide = (over - 1) * plan.strides[1] + effective(plan.sizes[1], plan.dilation[1])
        reach = effective(plan.sizes[0], plan.dilation[0])
        self.multiply_adds = len(x) * math.prod(plan.outputs) * math.prod(kernel_shape)
        shared = min(_PARTS, self.multiply_adds // _PIECE) // len(x) + 1  # bands of an image, for threads
        fits = (_CANVAS // (wide * channels) - reach) // plan.strides[0] + 1
        self.lines = max(1, min(-(-self.up // shared), most // (over * kernel_shape[-1]), fits))
        deep = (self.lines - 1) * plan.strides[0] + reach
        self.bands = -(-self.up // self.lines)
        count = len(x) * self.bands
        self.cuts = pieces(count, self.multiply_adds // count, numbers=max(_PIECE, self.multiply_adds // _PARTS))
        room = -(-deep * wide * channels // 16) * 16 if plan.is_padded else 0
        self.canvases = scratch("convolution canvases", (len(self.cuts), room), x.dtype)
        where = *plan.lengths, *plan.outputs, *plan.sizes, *plan.strides, *plan.dilation, *plan.before
        cut = groups, self.filters, self.columns, self.lines, deep, wide
        self.numbers = numpy.array((channels, *where, *cut), numpy.int64)

    def first_line(self, band: int) -> int:
        """Of a band, among the rows of outputs of all images."""
        return band // self.bands * self.up + band % self.bands * self.lines


def convolve(x: ndarray, kernel: ndarray, geometry: Geometry, groups: int = 1, finish: Any = None) -> Any:
    """(batch, *outputs, filters)."""
    out = numpy.empty((len(x), *geometry.outputs, kernel.shape[-1]), x.dtype)
    return out if _convolve(x, kernel, geometry, groups, out, [slice(None)] * x.ndim, finish) else None


def convolve_into(
    x: ndarray, kernel: ndarray, geometry: Geometry, groups: int, out: ndarray, targets: tuple[slice, ...]
) -> Any:
    """The same into some pixels of `out`."""
    return _convolve(x, kernel, geometry, groups, out, [slice(None), *targets, slice(None)], None) or None


def _convolve(
    x: ndarray, kernel: ndarray, geometry: Geometry, groups: int, out: ndarray, targets: list[slice], finish: Any
) -> bool:
    """Whether the result was put where it belongs in `out`, which is contiguous."""
    target = out[tuple(targets)]
    if x.dtype != numpy.float32 or not target.size or not kernel.size:
        return False
    x = numpy.ascontiguousarray(x)
    plan = _Plan(x, kernel.shape, geometry, groups)
    first = (target.ctypes.data - out.ctypes.data) // out.itemsize
    apart = [step // out.itemsize for step in target.strides[:-1]]
    apart = apart if len(apart) == 3 else [apart[0], 0, apart[1]]
    weights = _in_blocks(kernel, groups, plan.columns)
    rooms = scratch("convolution rooms", (len(plan.cuts), _TILE), x.dtype)
    flat = x.reshape(-1), weights.reshape(-1), out.reshape(-1)
    work = loops.convolve.on(*flat, plan.canvases, rooms, plan.numbers, first, *apart)
    if work is None:
        return False
    lines = out.reshape(len(x) * plan.up, -1) if finish is not None else out

    def piece(start: int, stop: int, number: int) -> None:
        work(start, stop, number)
        if finish is not None:
            finish(lines[plan.first_line(start) : plan.first_line(stop)])

    run(piece, plan.cuts, plan.multiply_adds * _COST)
    return True


def _in_blocks(kernel: ndarray, groups: int, columns: int) -> Any:
    """(*sizes, width, groups * filters) as (groups, blocks, taps, columns): what is missing of the last block is 0."""
    filters = kernel.shape[-1] // groups
    blocks = -(-filters // columns)
    split = kernel.reshape(-1, groups, filters)
    if filters % columns:
        split = numpy.pad(split, ((0, 0), (0, 0), (0, -filters % columns)))
    return numpy.ascontiguousarray(split.reshape(-1, groups, blocks, columns).transpose(1, 2, 0, 3))


def convolve_kernel_gradient(
    x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> Any:
    """The gradient of the kernel, in its shape."""
    filters = kernel_shape[-1] // groups
    if x.dtype != numpy.float32 or not g.size or filters % _columns(filters):
        return None
    x, g = numpy.ascontiguousarray(x), numpy.ascontiguousarray(g)
    plan = _Plan(x, kernel_shape, geometry, groups, _OUTPUTS)
    sums = numpy.zeros((len(plan.cuts), math.prod(kernel_shape)), x.dtype)
    work = loops.convolve_kernel_gradient.on(x.reshape(-1), g.reshape(-1), sums, plan.canvases, plan.numbers)
    if work is None:
        return None
    run(work, plan.cuts, plan.multiply_adds * _COST)
    return sums.sum(axis=0, dtype="float64").astype(x.dtype).reshape(kernel_shape)
