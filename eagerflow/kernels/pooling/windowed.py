"""What pooling's kernels have in common: windows of channels-last arrays on the CPU, some images at a time.

A window's elements are taken one axis after the other where their order doesn't matter: fewer passes, and rows that
are read in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.buffering import long_runs
from eagerflow.kernels.machine.costs import Pooling
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["along", "canvas_of", "covers", "in_blocks", "lie_apart", "put_back", "reduce_windows", "room_for", "takes"]

_DTYPES = (numpy.dtype("float32"), numpy.dtype("float64"))


def takes(a: ndarray) -> bool:
    """Whether the kernels take the array; others go the plain way."""
    return a.dtype in _DTYPES and a.size > 0


def in_blocks(work: Callable[[slice], object], images: int, numbers: int, itemsize: int, passes: int) -> None:
    """Do the work for some images at a time; `numbers` is the size of one."""
    step = max(1, Pooling.BLOCK // max(1, numbers * itemsize))
    count = -(-images // step)
    microseconds = images * numbers * passes / speeds().passed
    with long_runs() if microseconds > Pooling.WORTH else nullcontext():
        each(lambda i: work(slice(i * step, (i + 1) * step)), count, microseconds)


def canvas_of(x: ndarray, geometry: Geometry, value: float) -> Any:
    """A block with the geometry's padding; itself where there is none."""
    if not geometry.is_padded:
        return x
    canvas = scratch("pooling canvas", (len(x), *geometry.padded, x.shape[-1]), x.dtype)
    canvas[...] = value
    canvas[geometry.inner] = x
    return canvas


def along(geometry: Geometry, axis: int) -> Iterator[tuple[slice, ...]]:
    """For each place within a window along one spatial axis: what lies there, of an array not yet reduced along it."""
    size, stride, outputs = geometry.sizes[axis], geometry.strides[axis], geometry.outputs[axis]
    for i in range(size):
        start = i * geometry.dilation[axis]
        yield (*(slice(None),) * (axis + 1), slice(start, start + (outputs - 1) * stride + 1, stride))


def reduce_windows(operation: Any, a: ndarray, geometry: Geometry, out: ndarray) -> None:
    """Combine each window's elements, axis after axis; rows lie in one piece, so their axes come first."""
    axes = [axis for axis, size in enumerate(geometry.sizes) if size > 1 or geometry.strides[axis] > 1]
    for number, axis in enumerate(axes or [0]):
        first, *others = [a[place] for place in along(geometry, axis)]
        last = number == max(0, len(axes) - 1)
        target = out if last else scratch(f"pooling {number}", first.shape, a.dtype)
        if not others:
            target[...] = first
        for i, other in enumerate(others):
            operation(target if i else first, other, out=target)
        a = target


def lie_apart(geometry: Geometry) -> bool:
    """Whether no two windows share an element."""
    return all(
        (k - 1) * d < s or o == 1
        for k, d, s, o in zip(geometry.sizes, geometry.dilation, geometry.strides, geometry.outputs)
    )


def room_for(out: ndarray, geometry: Geometry, is_filled: bool) -> Any:
    """Where the gradients of a block's windows are put: zeros, unless all of it is going to be filled."""
    canvas = out
    if geometry.is_padded:
        canvas = scratch("pooling canvas", (len(out), *geometry.padded, out.shape[-1]), out.dtype)
    if not is_filled:
        canvas[...] = 0
    return canvas


def covers(geometry: Geometry) -> bool:
    """Whether windows that lie apart leave no gap."""
    return math.prod(geometry.outputs) * geometry.taps == math.prod(geometry.padded)


def put_back(canvas: ndarray, geometry: Geometry, out: ndarray) -> None:
    """The gradients of a block without those of the padding, to where they belong."""
    if geometry.is_padded:
        out[...] = canvas[geometry.inner]
