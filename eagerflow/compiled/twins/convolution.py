"""Convolution of up to three axes, float32, where gathering windows would take longer than multiplying them."""

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

__all__ = ["applies", "convolve", "convolve_into", "convolve_kernel_gradient", "convolve_relu_gradients"]

_CANVAS = 1 << 16  # numbers that a band sees, where they are copied: they stay in the second cache
_OUTPUTS = 1 << 12  # numbers of a band whose gradients are read again for each element of the kernel
_WEIGHTS = 1 << 17  # numbers in a block of columns of the kernel, which are read again for each tile
_COST = 0.02  # nanoseconds of a multiply-add
_PIECE = 1 << 22  # multiply-adds of a piece
_PARTS = 16  # pieces at most
_TILE = 256  # numbers of the largest tile
_ROW = 256  # numbers that a bias is added to at once, at least: with fewer, vectors stay empty


def applies(shapes: Any) -> Any:
    """Whether the loops take such a convolution, and are fast."""
    usual = shapes.is_single and shapes.geometry.taps > 1 and shapes.multiply_adds > 0
    fits = _are_few(shapes.kernel, shapes.groups) and _are_known(shapes.geometry, shapes.groups)
    return usual and fits and loops.convolve.is_there("float32")


def _are_few(kernel_shape: tuple[int, ...], groups: int) -> bool:
    """Whether a block of the kernel's columns isn't too large to be read again and again."""
    return math.prod(kernel_shape[:-1]) * _columns(kernel_shape[-1] // groups) <= _WEIGHTS


def _are_known(geometry: Geometry, groups: int) -> bool:
    """Whether the loops know such windows: tiles go along three axes, of which volumes have none to spare."""
    return len(geometry.sizes) < 3 or (groups == 1 and geometry.dilation[-1] == 1)


def _columns(filters: int) -> int:
    """How many filters are computed at once."""
    if has_wide_vectors() and filters % 32 == 0:
        return 32
    return 16 if filters % 16 == 0 or filters % 16 > 8 else 8


def _of_volumes(geometry: Geometry) -> Geometry:
    """A geometry with three axes."""
    more = 3 - len(geometry.sizes)
    ones, zeros = (1,) * more, (0,) * more
    return Geometry(*[first + rest for first, rest in zip((ones, ones, ones, zeros, zeros, ones, ones), geometry)])


class _Plan:
    """How a convolution's work is cut, and all numbers that the loops want."""

    def __init__(
        self, x: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int, most: int = 1 << 62
    ) -> None:
        plan, channels = _of_volumes(geometry), x.shape[-1]
        self.filters = kernel_shape[-1] // groups
        self.columns = _columns(self.filters)
        thick, self.up, over = plan.outputs
        layers = plan.sizes[0]
        wide = (over - 1) * plan.strides[2] + effective(plan.sizes[2], plan.dilation[2])
        reach = effective(plan.sizes[1], plan.dilation[1])
        self.multiply_adds = len(x) * math.prod(plan.outputs) * math.prod(kernel_shape)
        shared = min(_PARTS, self.multiply_adds // _PIECE) // (len(x) * thick) + 1  # bands of a layer, for threads
        fits = (_CANVAS // (wide * channels * layers) - reach) // plan.strides[1] + 1
        self.lines = max(1, min(-(-self.up // shared), most // (over * kernel_shape[-1]), fits))
        deep = (self.lines - 1) * plan.strides[1] + reach
        self.bands = -(-self.up // self.lines)
        self.rows, count = len(x) * thick * self.up, len(x) * thick * self.bands  # of outputs, and bands
        self.cuts = pieces(count, self.multiply_adds // count, numbers=max(_PIECE, self.multiply_adds // _PARTS))
        room = -(-layers * deep * wide * channels // 16) * 16 if plan.is_padded else 0
        self.canvases = scratch("convolution canvases", (len(self.cuts), room), x.dtype)
        where = *plan.lengths, *plan.outputs, *plan.sizes, *plan.strides, *plan.dilation, *plan.before
        cut = groups, self.filters, self.columns, self.lines, deep, wide
        self.numbers = numpy.array((channels, *where, *cut), numpy.int64)

    def first_line(self, band: int) -> int:
        """Of a band, among the rows of outputs of all layers of all images."""
        return band // self.bands * self.up + band % self.bands * self.lines


def convolve(x: ndarray, kernel: ndarray, geometry: Geometry, groups: int = 1, finish: Any = None) -> Any:
    """(batch, *outputs, filters)."""
    out = numpy.empty((len(x), *geometry.outputs, kernel.shape[-1]), x.dtype)
    return out if _convolve(x, kernel, geometry, groups, out, [slice(None)] * x.ndim, finish) else None


def convolve_into(
    x: ndarray,
    kernel: ndarray,
    geometry: Geometry,
    groups: int,
    out: ndarray,
    targets: tuple[slice, ...],
    finish: Any = None,
) -> Any:
    """The same into some pixels of `out`; None where what follows isn't a bias of these filters."""
    if finish is not None and _bias_of(finish, out)[0] is None:
        return None
    return _convolve(x, kernel, geometry, groups, out, [slice(None), *targets, slice(None)], finish) or None


def _convolve(
    x: ndarray, kernel: ndarray, geometry: Geometry, groups: int, out: ndarray, targets: list[slice], finish: Any
) -> bool:
    """Whether the result was put where it belongs in `out`, which is contiguous."""
    target = out[tuple(targets)]
    if x.dtype != numpy.float32 or not _are_known(geometry, groups) or not target.size or not kernel.size:
        return False
    x = numpy.ascontiguousarray(x)
    plan = _Plan(x, kernel.shape, geometry, groups)
    first = (target.ctypes.data - out.ctypes.data) // out.itemsize
    apart = [step // out.itemsize for step in target.strides[:-1]]
    apart = [apart[0], *[0] * (4 - len(apart)), *apart[1:]]
    weights = _in_blocks(kernel, groups, plan.columns)
    rooms = scratch("convolution rooms", (len(plan.cuts), _TILE), x.dtype)
    row, relu = _bias_of(finish, out)
    flat = x.reshape(-1), weights.reshape(-1), out.reshape(-1), numpy.empty(0, x.dtype) if row is None else row
    work = loops.convolve.on(*flat, plan.canvases, rooms, plan.numbers, int(relu), first, *apart)
    if work is None:
        return False
    lines = out.reshape(plan.rows, -1) if finish is not None and row is None else out

    def piece(start: int, stop: int, number: int) -> None:
        work(start, stop, number)
        if finish is not None and row is None:
            finish(lines[plan.first_line(start) : plan.first_line(stop)])

    run(piece, plan.cuts, plan.multiply_adds * _COST)
    return True


def _bias_of(finish: Any, out: ndarray) -> tuple[Any, bool]:
    """The bias that `finish` adds, several times in a row, and whether relu follows; None where it's something else."""
    bias, relu = getattr(finish, "made_of", (None, False))
    if bias is None or bias.dtype != out.dtype or bias.shape != out.shape[-1:]:
        return None, False
    return numpy.tile(bias, -(-_ROW // bias.size)), relu


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
    found = _gradients(x, g, None, kernel_shape, geometry, groups)
    return None if found is None else found[0]


def convolve_relu_gradients(
    x: ndarray, g: ndarray, positive: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> Any:
    """The gradients of the kernel and of the bias: g is masked while it is in the cache."""
    fits = positive.dtype == g.dtype and positive.shape == g.shape
    return _gradients(x, g, positive, kernel_shape, geometry, groups) if fits else None


def _gradients(
    x: ndarray, g: ndarray, positive: Any, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int
) -> tuple[Any, Any] | None:
    """The gradients of the kernel and, where relu's outputs are given, of the bias."""
    filters = kernel_shape[-1] // groups
    if x.dtype != numpy.float32 or not g.size or filters % _columns(filters) or not _are_known(geometry, groups):
        return None
    x, g = numpy.ascontiguousarray(x), numpy.ascontiguousarray(g)
    kept = numpy.empty(0, g.dtype) if positive is None else numpy.ascontiguousarray(positive).reshape(-1)
    plan = _Plan(x, kernel_shape, geometry, groups, _OUTPUTS)
    parts, held = len(plan.cuts), plan.lines * geometry.outputs[-1] * kernel_shape[-1] if kept.size else 0
    sums = numpy.zeros((parts, math.prod(kernel_shape)), x.dtype)
    biases = numpy.zeros((parts, kernel_shape[-1]), "float64")
    rooms = scratch("convolution gradients", (parts, held), x.dtype)
    flat = x.reshape(-1), g.reshape(-1), kept
    work = loops.convolve_kernel_gradient.on(*flat, sums, biases, rooms, plan.canvases, plan.numbers)
    if work is None:
        return None
    run(work, plan.cuts, plan.multiply_adds * _COST)
    found = sums.sum(axis=0, dtype="float64").astype(x.dtype).reshape(kernel_shape)
    return found, biases.sum(axis=0).astype(x.dtype)
