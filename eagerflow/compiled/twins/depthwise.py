"""Depthwise convolution of images, of one filter per channel."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import depthwise as loops
from eagerflow.compiled.objects import lanes
from eagerflow.compiled.pieces import pieces, run, run_rows
from eagerflow.kernels.machine.threads import scratch
from eagerflow.ops.windows.geometry import Geometry, effective

__all__ = ["forward", "input_gradient", "kernel_gradient"]

_FEWEST = 4  # channels: with fewer, each pixel's loop costs more than its numbers
_PIXELS = 4096  # whose products are added up in the arrays' own type
_COST = 0.02  # nanoseconds for a number and an element of the kernel
_GATHERED = 0.3  # for a number of an image whose gradient comes of strides
_PARTS, _LINES = 16, 16  # parts at most; products in the time that other kernels take for a number


def _takes(given: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry) -> bool:
    fits = len(geometry.sizes) == 2 and kernel_shape[-1] == 1 and kernel_shape[-2] >= _FEWEST
    return fits and 0 not in (given.size, *geometry.lengths, *geometry.outputs, *kernel_shape)


def _plan(geometry: Geometry) -> tuple[int, ...]:
    return *geometry.strides, *geometry.dilation, *geometry.before


def _places(geometry: Geometry) -> tuple[int, ...]:
    return *geometry.lengths, *geometry.outputs, *geometry.sizes, *_ring(geometry)


def _ring(geometry: Geometry) -> tuple[int, int]:
    """How many rows of how many pixels windows see; kernels of 4 columns may look at those of 6."""
    cols, side, beside = geometry.sizes[1], geometry.strides[1], geometry.dilation[1]
    seen = (geometry.outputs[1] - 1) * side + (-(-cols // 3) * 3 - 1) * beside + 1
    return effective(geometry.sizes[0], geometry.dilation[0]), max(seen, geometry.lengths[1] + geometry.before[1])


def forward(x: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """(batch, *outputs, channels)."""
    if not _takes(x, kernel.shape, geometry):
        return None
    channels, out = x.shape[-1], numpy.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    lines, (deep, wide) = len(x) * geometry.outputs[0], _ring(geometry)
    cuts = _cuts(lines, out.size * geometry.taps)
    rings = _rings(len(cuts), deep * wide * channels, x.dtype)
    packed, at_once = _packed(kernel, geometry)
    flat = x.reshape(-1), kernel.reshape(-1), packed, out.reshape(-1)
    work = loops.depthwise.on(*flat, rings, channels, at_once, *_places(geometry), *_plan(geometry))
    if work is None:
        return None
    run(work, cuts, out.size * geometry.taps * _COST)
    return out


def _packed(kernel: ndarray, geometry: Geometry) -> tuple[ndarray, int]:
    """The kernel as `taps` takes it, and for how many channels at once; nothing where its shape isn't among them."""
    channels, at_once = kernel.shape[2], lanes()
    square = kernel.shape[:2] in ((3, 3), (5, 5)) and geometry.strides in ((1, 1), (2, 2))
    if not square or geometry.dilation != (1, 1):
        return numpy.empty(0, kernel.dtype), 0
    while at_once > channels:
        at_once //= 2
    by_taps = kernel.reshape(-1, channels)
    begun = [*range(0, channels - at_once, at_once), channels - at_once]
    packed = scratch("depthwise kernel", (len(begun), len(by_taps), at_once), kernel.dtype)
    for block, first in zip(packed, begun):
        block[:] = by_taps[:, first : first + at_once]
    return packed.reshape(-1), at_once


def _cuts(lines: int, products: int) -> list[slice]:
    """Some lines after the other, in few parts, since each copies what its first line sees."""
    return pieces(lines, min(products // lines // _LINES, (_PARTS << 16) // lines) + 1)


def _rings(parts: int, room: int, dtype: Any) -> Any:
    """Room for the rings of all parts, each at the beginning of a cache line."""
    return scratch("depthwise rings", (parts, -(-room // 16) * 16), dtype)


def input_gradient(g: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """The gradient of the images."""
    if not _takes(g, kernel.shape, geometry):
        return None
    if geometry.strides == (1, 1):  # a convolution with the kernel turned around
        turned = numpy.ascontiguousarray(kernel[::-1, ::-1])
        return forward(g, turned, _backwards(geometry))
    channels, out = g.shape[-1], numpy.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    flat = g.reshape(-1), kernel.reshape(-1), out.reshape(-1)
    work = loops.depthwise_strided_image_gradient.on(*flat, channels, *_places(geometry), *_plan(geometry))
    if work is None:
        return None
    run_rows(work, len(out) * out.shape[1], out.shape[2] * channels, out.size * _GATHERED)
    return out


def _backwards(geometry: Geometry) -> Geometry:
    """Of the outputs' gradient, whose windows are what the outputs saw of."""
    reach = [effective(size, apart) - 1 for size, apart in zip(geometry.sizes, geometry.dilation)]
    before = tuple([most - pad for most, pad in zip(reach, geometry.before)])
    after = tuple([most - pad for most, pad in zip(reach, geometry.after)])
    return geometry._replace(before=before, after=after, lengths=geometry.outputs, outputs=geometry.lengths)


def kernel_gradient(x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry) -> Any:
    """The gradient of the kernel, in its shape."""
    if not _takes(x, kernel_shape, geometry):
        return None
    channels, (rows, cols), (deep, wide) = x.shape[-1], geometry.sizes, _ring(geometry)
    lines = len(g) * geometry.outputs[0]
    cuts = pieces(lines, 1, max(1, _PIXELS // geometry.outputs[1]))
    groups = -(-cols // 3)
    sums = numpy.zeros((3, len(cuts), rows * groups * channels), x.dtype)
    rings = _rings(len(cuts), deep * wide * channels, x.dtype)
    flat = x.reshape(-1), g.reshape(-1), *sums
    work = loops.depthwise_kernel_gradient.on(*flat, rings, channels, *_places(geometry), *_plan(geometry))
    if work is None:
        return None
    run(work, cuts, g.size * geometry.taps * _COST)
    total = sums.sum(axis=1, dtype="float64").reshape(3, rows, groups, channels)
    return total.transpose(1, 2, 0, 3).reshape(rows, 3 * groups, channels)[:, :cols, :, None].astype(x.dtype)
