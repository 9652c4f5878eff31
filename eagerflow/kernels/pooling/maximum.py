"""Maxima over windows of channels-last arrays, on the CPU some images at a time.

Which element was the maximum is found in reading order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.base.variants import accelerated
from eagerflow.kernels.machine.costs import Pooling
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.views import copy_rows, strided
from eagerflow.kernels.pooling.windowed import (
    along,
    canvas_of,
    covers,
    in_blocks,
    lie_apart,
    put_back,
    reduce_windows,
    room_for,
    takes,
)
from eagerflow.ops.windows import pooling as plain_pooling
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["maximum", "maximum_gradient"]


@accelerated("maximum")
def maximum(x: ndarray, geometry: Geometry, keep: bool) -> tuple[Any, Any]:
    """The maxima, and (where `keep`) which element of its window each of them is: the first of equals.

    A NaN is larger than anything, and the first of them is the one.
    """
    if not takes(x) or (keep and geometry.taps > 256):
        return plain_pooling.maximum(numpy, x, geometry, keep)
    out = numpy.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    which = numpy.empty(out.shape, "uint8") if keep else None

    places = list(geometry.tap_places())
    find = _by_axes if math.prod(geometry.sizes) > math.prod(geometry.strides) else _by_planes

    def work(block: slice) -> None:
        canvas = canvas_of(x[block], geometry, -math.inf)
        if which is None:
            reduce_windows(numpy.maximum, canvas, geometry, out[block])
        else:
            find(canvas, geometry, out[block], which[block])
            _find_nan(canvas, places, out[block], which[block])

    in_blocks(work, len(x), x[0].size, x.itemsize, geometry.taps)
    return out, which


def _by_planes(canvas: ndarray, geometry: Geometry, out: ndarray, which: ndarray) -> None:
    """What lies at each place of the windows is copied to one piece of memory; then axis after axis."""
    planes = _planes(canvas, geometry)
    step, numbers = 1, None
    for axis in range(len(geometry.sizes) - 1, -1, -1):
        places = [(*(slice(None),) * axis, i) for i in range(geometry.sizes[axis])]
        candidates = [planes[place] for place in places]
        known = None if numbers is None else [numbers[place] for place in places]
        shape = candidates[0].shape
        planes = scratch(f"pooling maxima {axis}", shape, out.dtype) if axis else out
        numbers = scratch(f"pooling numbers {axis}", shape, "uint8") if axis else which
        _choose(candidates, known, step, planes, numbers)
        step *= geometry.sizes[axis]


def _planes(canvas: ndarray, geometry: Geometry) -> Any:
    """All windows, (*sizes, images, *outputs, channels), in scratch."""
    windows = _windows(canvas, geometry)
    found = scratch("columns", windows.shape, canvas.dtype)
    copy_rows(windows, found)
    return found


def _windows(canvas: ndarray, geometry: Geometry) -> Any:
    """The same as a view."""
    shape = (*geometry.sizes, len(canvas), *geometry.outputs, canvas.shape[-1])
    first, *inner, last = canvas.strides
    within = [d * step for d, step in zip(geometry.dilation, inner)]
    between = [s * step for s, step in zip(geometry.strides, inner)]
    return strided(canvas, shape, (*within, first, *between, last))


def _by_axes(canvas: ndarray, geometry: Geometry, out: ndarray, which: ndarray) -> None:
    """The maxima along the last axis, then along the axis before: fewer comparisons where windows overlap.

    The last axis is the one that is read first, so the first of equals is found.
    """
    step, numbers = 1, None
    for axis in range(len(geometry.sizes) - 1, -1, -1):
        candidates = _candidates(canvas, geometry, axis, numbers is None)
        known = None if numbers is None else [numbers[place] for place in along(geometry, axis)]
        shape = candidates[0].shape
        maxima = scratch(f"pooling maxima {axis}", shape, out.dtype) if axis else out
        numbers = scratch(f"pooling numbers {axis}", shape, "uint8") if axis else which
        _choose(candidates, known, step, maxima, numbers)
        canvas, step = maxima, step * geometry.sizes[axis]


def _candidates(canvas: ndarray, geometry: Geometry, axis: int, is_last: bool) -> list[Any]:
    """What lies at each place of the windows along an axis, of an array not yet reduced along it.

    Along the last one columns are sorted by their remainder of the stride: then it is one piece of memory per row.
    """
    stride, count = geometry.strides[axis], geometry.outputs[axis]
    if not is_last or stride == 1:
        return [canvas[place] for place in along(geometry, axis)]
    *others, length, channels = canvas.shape
    found = scratch("pooling sorted", (*others, stride, -(-length // stride), channels), canvas.dtype)
    for i in range(stride):
        part = canvas[..., i::stride, :]
        copy_rows(part, found[..., i, : part.shape[-2], :])
    starts = [divmod(i * geometry.dilation[axis], stride) for i in range(geometry.sizes[axis])]
    return [found[..., remainder, column : column + count, :] for column, remainder in starts]


def _choose(candidates: list[Any], known: list[Any] | None, step: int, out: ndarray, which: ndarray) -> None:
    """The largest of the candidates, the first of equals, and its number.

    That is its place times `step`, plus the number `known` for it.
    """
    best, number_of_best = candidates[0], 0 if known is None else known[0]
    if len(candidates) == 1:
        out[...], which[...] = best, number_of_best
    wins, number = scratch("pooling wins", out.shape, bool), scratch("pooling number", out.shape, "uint8")
    for i, candidate in enumerate(candidates[1:], 1):
        numpy.greater(candidate, best, out=wins)
        numpy.maximum(candidate, best, out=out)
        its = numpy.uint8(i * step)
        if known is not None:
            its = numpy.add(known[i], its, out=number)
        if i == 1 and known is None:
            numpy.multiply(wins.view("uint8"), its, out=which)
        else:  # numbers grow with the place
            numpy.multiply(wins.view("uint8"), its, out=number)
            numpy.maximum(number_of_best, number, out=which)
        best, number_of_best = out, which


def _find_nan(canvas: ndarray, places: list[Any], out: ndarray, which: ndarray) -> None:
    """The first NaN is the largest."""
    wins = scratch("pooling wins", out.shape, bool)
    if numpy.isnan(out, out=wins).any():
        which[wins] = numpy.isnan([canvas[place][wins] for place in places]).argmax(axis=0)


@accelerated("maximum")
def maximum_gradient(g: ndarray, which: ndarray, geometry: Geometry) -> Any:
    """The gradient of `x`: what arrives at a maximum goes to the element that it came from."""
    if not takes(g):
        return plain_pooling.maximum_gradient(numpy, g, which, geometry)
    out = numpy.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    apart = lie_apart(geometry)
    share = _by_elements if apart else _by_numbers(g, geometry)

    def work(block: slice) -> None:
        canvas = room_for(out[block], geometry, apart and covers(geometry))
        share(g[block], which[block], canvas, geometry)
        put_back(canvas, geometry, out[block])

    in_blocks(work, len(g), max(out[0].size, g[0].size), g.itemsize, geometry.taps)
    return out


def _by_elements(g: ndarray, which: ndarray, canvas: ndarray, geometry: Geometry) -> None:
    """Each element of the windows, which lie apart, gets what is meant for it: all of them in few calls."""
    windows = _windows(canvas, geometry)
    wins = scratch("pooling wins", windows.shape, bool)
    numpy.equal(which, _numbers(geometry, which), out=wins)
    if 1 < g.shape[-1] < Pooling.LONG:
        found = numpy.multiply(g, wins, out=scratch("columns", windows.shape, g.dtype))
        copy_rows(found, windows)
    else:
        numpy.multiply(g, wins, out=windows)


def _numbers(geometry: Geometry, which: ndarray) -> Any:
    """Those of a window's elements, for arrays (*sizes, images, *outputs, channels)."""
    numbers = numpy.arange(geometry.taps, dtype=which.dtype)
    return numbers.reshape(*geometry.sizes, *[1] * which.ndim)


def _by_numbers(g: ndarray, geometry: Geometry) -> Callable[..., None]:
    """Each gradient is added to the element that it belongs to, which has a number in the canvas."""
    shape = (*geometry.padded, g.shape[-1])
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    numbers = numpy.zeros((1,) * len(shape), "intp")
    for axis, (count, step) in enumerate(zip((*geometry.outputs, shape[-1]), (*geometry.strides, 1))):
        steps = numpy.arange(count, dtype="intp") * (step * strides[axis])
        numbers = numbers + steps.reshape((-1,) + (1,) * (len(shape) - 1 - axis))
    taps = numpy.indices(geometry.sizes).reshape(len(geometry.sizes), -1)
    offsets = (taps.T * geometry.dilation) @ numpy.array(strides[:-1])

    def share(g: ndarray, which: ndarray, canvas: ndarray, geometry: Geometry) -> None:
        targets = scratch("pooling targets", g.shape[1:], "intp")
        for image, chosen, given in zip(canvas, which, g):
            numpy.take(offsets, chosen, out=targets, mode="clip")
            numpy.add(targets, numbers, out=targets)
            numpy.add.at(image.reshape(-1), targets.reshape(-1), given.reshape(-1))

    return share
