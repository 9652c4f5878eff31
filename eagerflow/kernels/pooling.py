"""Maximum and mean over windows of channels-last arrays, on the CPU some images at a time.

A window's elements are taken one axis after the other where their order doesn't matter: fewer passes, and rows that
are read in one piece. Which element was the maximum is found in reading order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy

from eagerflow.kernels import plain_pooling
from eagerflow.kernels.buffering import long_runs
from eagerflow.kernels.geometry import Geometry
from eagerflow.kernels.plain_pooling import counts
from eagerflow.kernels.scratch import scratch
from eagerflow.kernels.threads import each
from eagerflow.kernels.views import copy_rows, strided

__all__ = ["average", "average_gradient", "counts", "maximum", "maximum_gradient"]

_BLOCK = 1 << 21  # bytes of the inputs of a block; with smaller ones threads wait for each other
_LONG = 256  # channels from which results are written where they belong at once (as is one channel), not copied there
_PER_MICROSECOND = 5_000  # numbers that one pass works on
_WORTH = 50  # microseconds of work from which `long_runs` pays
_DTYPES = (numpy.dtype("float32"), numpy.dtype("float64"))


def _is_ours(xp: Any, a: Any) -> bool:
    """Whether this file's kernels take the array."""
    return xp is numpy and a.dtype in _DTYPES and a.size > 0


def _in_blocks(
    work: Callable[[slice], object], images: int, numbers: int, itemsize: int, passes: int
) -> None:
    """Do the work for some images at a time; `numbers` is the size of one."""
    step = max(1, _BLOCK // max(1, numbers * itemsize))
    count = -(-images // step)
    microseconds = images * numbers * passes / _PER_MICROSECOND
    with long_runs() if microseconds > _WORTH else nullcontext():
        each(lambda i: work(slice(i * step, (i + 1) * step)), count, microseconds)


def _canvas(x: Any, geometry: Geometry, value: float) -> Any:
    """A block with the geometry's padding; itself where there is none."""
    if not geometry.is_padded:
        return x
    canvas = scratch("pooling canvas", (len(x), *geometry.padded, x.shape[-1]), x.dtype)
    canvas[...] = value
    canvas[geometry.inner] = x
    return canvas


def _along(geometry: Geometry, axis: int) -> Iterator[tuple[slice, ...]]:
    """For each place within a window along one spatial axis: what lies there, of an array not yet reduced along it."""
    size, stride, outputs = geometry.sizes[axis], geometry.strides[axis], geometry.outputs[axis]
    for i in range(size):
        start = i * geometry.dilation[axis]
        yield (*(slice(None),) * (axis + 1), slice(start, start + (outputs - 1) * stride + 1, stride))


def _reduced(operation: Any, a: Any, geometry: Geometry, out: Any) -> None:
    """Combine each window's elements, axis after axis; rows lie in one piece, so their axes come first."""
    axes = [axis for axis, size in enumerate(geometry.sizes) if size > 1 or geometry.strides[axis] > 1]
    for number, axis in enumerate(axes or [0]):
        first, *others = [a[place] for place in _along(geometry, axis)]
        last = number == max(0, len(axes) - 1)
        target = out if last else scratch(f"pooling {number}", first.shape, a.dtype)
        if not others:
            target[...] = first
        for i, other in enumerate(others):
            operation(target if i else first, other, out=target)
        a = target


def maximum(xp: Any, x: Any, geometry: Geometry, keep: bool) -> tuple[Any, Any]:
    """The maxima, and (where `keep`) which element of its window each of them is: the first of equals.

    A NaN is larger than anything, and the first of them is the one.
    """
    if not _is_ours(xp, x) or (keep and geometry.taps > 256):
        return plain_pooling.maximum(xp, x, geometry, keep)
    out = numpy.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    which = numpy.empty(out.shape, "uint8") if keep else None

    places = list(geometry.tap_places())
    find = _by_axes if math.prod(geometry.sizes) > math.prod(geometry.strides) else _by_planes

    def work(block: slice) -> None:
        canvas = _canvas(x[block], geometry, -math.inf)
        if which is None:
            _reduced(numpy.maximum, canvas, geometry, out[block])
        else:
            find(canvas, geometry, out[block], which[block])
            _find_nan(canvas, places, out[block], which[block])

    _in_blocks(work, len(x), x[0].size, x.itemsize, geometry.taps)
    return out, which


def _by_planes(canvas: Any, geometry: Geometry, out: Any, which: Any) -> None:
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


def _planes(canvas: Any, geometry: Geometry) -> Any:
    """All windows, (*sizes, images, *outputs, channels), in scratch."""
    windows = _windows(canvas, geometry)
    found = scratch("columns", windows.shape, canvas.dtype)
    copy_rows(windows, found)
    return found


def _windows(canvas: Any, geometry: Geometry) -> Any:
    """The same as a view."""
    shape = (*geometry.sizes, len(canvas), *geometry.outputs, canvas.shape[-1])
    first, *inner, last = canvas.strides
    within = [d * step for d, step in zip(geometry.dilation, inner)]
    between = [s * step for s, step in zip(geometry.strides, inner)]
    return strided(canvas, shape, (*within, first, *between, last))


def _by_axes(canvas: Any, geometry: Geometry, out: Any, which: Any) -> None:
    """The maxima along the last axis, then along the axis before: fewer comparisons where windows overlap.

    The last axis is the one that is read first, so the first of equals is found.
    """
    step, numbers = 1, None
    for axis in range(len(geometry.sizes) - 1, -1, -1):
        candidates = _candidates(canvas, geometry, axis, numbers is None)
        known = None if numbers is None else [numbers[place] for place in _along(geometry, axis)]
        shape = candidates[0].shape
        maxima = scratch(f"pooling maxima {axis}", shape, out.dtype) if axis else out
        numbers = scratch(f"pooling numbers {axis}", shape, "uint8") if axis else which
        _choose(candidates, known, step, maxima, numbers)
        canvas, step = maxima, step * geometry.sizes[axis]


def _candidates(canvas: Any, geometry: Geometry, axis: int, is_last: bool) -> list[Any]:
    """What lies at each place of the windows along an axis, of an array not yet reduced along it.

    Along the last one columns are sorted by their remainder of the stride: then it is one piece of memory per row.
    """
    stride, count = geometry.strides[axis], geometry.outputs[axis]
    if not is_last or stride == 1:
        return [canvas[place] for place in _along(geometry, axis)]
    *others, length, channels = canvas.shape
    found = scratch("pooling sorted", (*others, stride, -(-length // stride), channels), canvas.dtype)
    for i in range(stride):
        part = canvas[..., i::stride, :]
        copy_rows(part, found[..., i, : part.shape[-2], :])
    starts = [divmod(i * geometry.dilation[axis], stride) for i in range(geometry.sizes[axis])]
    return [found[..., remainder, column : column + count, :] for column, remainder in starts]


def _choose(candidates: list[Any], known: list[Any] | None, step: int, out: Any, which: Any) -> None:
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


def _find_nan(canvas: Any, places: list[Any], out: Any, which: Any) -> None:
    """The first NaN is the largest."""
    wins = scratch("pooling wins", out.shape, bool)
    if numpy.isnan(out, out=wins).any():
        which[wins] = numpy.isnan([canvas[place][wins] for place in places]).argmax(axis=0)


def maximum_gradient(xp: Any, g: Any, which: Any, geometry: Geometry) -> Any:
    """The gradient of `x`: what arrives at a maximum goes to the element that it came from."""
    if not _is_ours(xp, g):
        return plain_pooling.maximum_gradient(xp, g, which, geometry)
    out = numpy.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    apart = _lie_apart(geometry)
    share = _by_elements if apart else _by_numbers(g, geometry)

    def work(block: slice) -> None:
        canvas = _target(out[block], geometry, apart and _covers(geometry))
        share(g[block], which[block], canvas, geometry)
        _finish(canvas, geometry, out[block])

    _in_blocks(work, len(g), max(out[0].size, g[0].size), g.itemsize, geometry.taps)
    return out


def _by_elements(g: Any, which: Any, canvas: Any, geometry: Geometry) -> None:
    """Each element of the windows, which lie apart, gets what is meant for it: all of them in few calls."""
    windows = _windows(canvas, geometry)
    wins = scratch("pooling wins", windows.shape, bool)
    numpy.equal(which, _numbers(geometry, which), out=wins)
    if 1 < g.shape[-1] < _LONG:
        found = numpy.multiply(g, wins, out=scratch("columns", windows.shape, g.dtype))
        copy_rows(found, windows)
    else:
        numpy.multiply(g, wins, out=windows)


def _numbers(geometry: Geometry, which: Any) -> Any:
    """Those of a window's elements, for arrays (*sizes, images, *outputs, channels)."""
    numbers = numpy.arange(geometry.taps, dtype=which.dtype)
    return numbers.reshape(*geometry.sizes, *[1] * which.ndim)


def _by_numbers(g: Any, geometry: Geometry) -> Callable[..., None]:
    """Each gradient is added to the element that it belongs to, which has a number in the canvas."""
    shape = (*geometry.padded, g.shape[-1])
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    numbers = numpy.zeros((1,) * len(shape), "intp")
    for axis, (count, step) in enumerate(zip((*geometry.outputs, shape[-1]), (*geometry.strides, 1))):
        steps = numpy.arange(count, dtype="intp") * (step * strides[axis])
        numbers = numbers + steps.reshape((-1,) + (1,) * (len(shape) - 1 - axis))
    taps = numpy.indices(geometry.sizes).reshape(len(geometry.sizes), -1)
    offsets = (taps.T * geometry.dilation) @ numpy.array(strides[:-1])

    def share(g: Any, which: Any, canvas: Any, geometry: Geometry) -> None:
        targets = scratch("pooling targets", g.shape[1:], "intp")
        for image, chosen, given in zip(canvas, which, g):
            numpy.take(offsets, chosen, out=targets, mode="clip")
            numpy.add(targets, numbers, out=targets)
            numpy.add.at(image.reshape(-1), targets.reshape(-1), given.reshape(-1))

    return share


def _lie_apart(geometry: Geometry) -> bool:
    """Whether no two windows share an element."""
    return all(
        (k - 1) * d < s or o == 1
        for k, d, s, o in zip(geometry.sizes, geometry.dilation, geometry.strides, geometry.outputs)
    )


def _target(out: Any, geometry: Geometry, is_filled: bool) -> Any:
    """Where the gradients of a block's windows are put: zeros, unless all of it is going to be filled."""
    canvas = out
    if geometry.is_padded:
        canvas = scratch("pooling canvas", (len(out), *geometry.padded, out.shape[-1]), out.dtype)
    if not is_filled:
        canvas[...] = 0
    return canvas


def _covers(geometry: Geometry) -> bool:
    """Whether windows that lie apart leave no gap."""
    return math.prod(geometry.outputs) * geometry.taps == math.prod(geometry.padded)


def _finish(canvas: Any, geometry: Geometry, out: Any) -> None:
    if geometry.is_padded:
        out[...] = canvas[geometry.inner]


def average(xp: Any, x: Any, geometry: Geometry) -> Any:
    """The means over the elements that windows cover, padding left out."""
    if not _is_ours(xp, x):
        return plain_pooling.average(xp, x, geometry)
    out = numpy.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    shares = _shares(geometry, x.dtype)

    def work(block: slice) -> None:
        _reduced(numpy.add, _canvas(x[block], geometry, 0), geometry, out[block])
        numpy.multiply(out[block], shares, out=out[block])

    _in_blocks(work, len(x), x[0].size, x.itemsize, sum(geometry.sizes))
    return out


def _shares(geometry: Geometry, dtype: Any) -> Any:
    """What each element of a window counts: a number, or one per window where some reach into the padding."""
    return 1 / numpy.asarray(counts(numpy, geometry, dtype), dtype)


def average_gradient(xp: Any, g: Any, geometry: Geometry) -> Any:
    """The gradient of `x`."""
    if not _is_ours(xp, g):
        return plain_pooling.average_gradient(xp, g, geometry)
    out = numpy.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    shares, apart = _shares(geometry, g.dtype), _lie_apart(geometry)

    def work(block: slice) -> None:
        given = numpy.multiply(g[block], shares, out=scratch("pooling part", g[block].shape, g.dtype))
        canvas = _target(out[block], geometry, apart and _covers(geometry))
        if apart:
            for place in geometry.tap_places():
                copy_rows(given, canvas[place])
        else:
            _spread(given, geometry, canvas)
        _finish(canvas, geometry, out[block])

    _in_blocks(work, len(g), max(out[0].size, g[0].size), g.itemsize, sum(geometry.sizes))
    return out


def _spread(g: Any, geometry: Geometry, canvas: Any) -> None:
    """The adjoint of `_reduced` with add: each number to all elements of its window, axis after axis."""
    for axis in range(len(geometry.sizes) - 1, -1, -1):
        target = canvas
        if axis:
            shape = (*g.shape[: axis + 1], geometry.padded[axis], *g.shape[axis + 2 :])
            target = scratch(f"pooling {axis}", shape, g.dtype)
            target[...] = 0
        for place in _along(geometry, axis):
            numpy.add(target[place], g, out=target[place])
        g = target
