"""Means over windows of channels-last arrays, on the CPU some images at a time."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.views import copy_rows
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
from eagerflow.ops.windows.pooling import counts

__all__ = ["average", "average_gradient"]


def average(x: ndarray, geometry: Geometry) -> Any:
    """The means over the elements that windows cover, padding left out."""
    if not takes(x):
        return plain_pooling.average(numpy, x, geometry)
    out = numpy.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    shares = _shares(geometry, x.dtype)

    def work(block: slice) -> None:
        reduce_windows(numpy.add, canvas_of(x[block], geometry, 0), geometry, out[block])
        numpy.multiply(out[block], shares, out=out[block])

    in_blocks(work, len(x), x[0].size, x.itemsize, sum(geometry.sizes))
    return out


def _shares(geometry: Geometry, dtype: Any) -> Any:
    """What each element of a window counts: a number, or one per window where some reach into the padding."""
    return 1 / numpy.asarray(counts(numpy, geometry, dtype), dtype)


def average_gradient(g: ndarray, geometry: Geometry) -> Any:
    """The gradient of `x`."""
    if not takes(g):
        return plain_pooling.average_gradient(numpy, g, geometry)
    out = numpy.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    shares, apart = _shares(geometry, g.dtype), lie_apart(geometry)

    def work(block: slice) -> None:
        given = numpy.multiply(g[block], shares, out=scratch("pooling part", g[block].shape, g.dtype))
        canvas = room_for(out[block], geometry, apart and covers(geometry))
        if apart:
            for place in geometry.tap_places():
                copy_rows(given, canvas[place])
        else:
            _spread(given, geometry, canvas)
        put_back(canvas, geometry, out[block])

    in_blocks(work, len(g), max(out[0].size, g[0].size), g.itemsize, sum(geometry.sizes))
    return out


def _spread(g: ndarray, geometry: Geometry, canvas: ndarray) -> None:
    """The adjoint of `reduce_windows` with add: each number to all elements of its window, axis after axis."""
    for axis in range(len(geometry.sizes) - 1, -1, -1):
        target = canvas
        if axis:
            shape = (*g.shape[: axis + 1], geometry.padded[axis], *g.shape[axis + 2 :])
            target = scratch(f"pooling {axis}", shape, g.dtype)
            target[...] = 0
        for place in along(geometry, axis):
            numpy.add(target[place], g, out=target[place])
        g = target
