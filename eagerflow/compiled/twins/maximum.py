"""Maxima over windows and their gradient."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.boxes import boxes_of_elements, boxes_of_windows, run_lines, three
from eagerflow.compiled.loops import maximum as loops
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.pooling.windowed import lie_apart
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["maximum", "maximum_gradient"]

_FEWEST = 4  # channels: with fewer, each pixel's loop costs more than its numbers
_MOST = 4  # elements that take as long as a pass along an axis for one of them, where places aren't asked for
_SHARED = 36  # elements of windows that overlap, up to which a gradient is summed faster than by NumPy's `add.at`


def _takes(a: ndarray, geometry: Geometry) -> bool:
    fits = a.shape[-1] >= _FEWEST and geometry.taps <= 256 and max(geometry.dilation) == 1
    return fits and 0 not in (a.size, *geometry.outputs)


def maximum(x: ndarray, geometry: Geometry, keep: bool) -> Any:
    """The maxima, and (where `keep`) which element of its window each of them is."""
    if not _takes(x, geometry) or not (keep or geometry.taps <= _MOST * sum(geometry.sizes)):
        return None
    out = numpy.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    which = numpy.empty(out.shape, "uint8") if keep else scratch("pooling numbers", out.shape, "uint8")
    flat = numpy.ascontiguousarray(x).reshape(-1), out.reshape(-1), which.reshape(-1)
    boxes = boxes_of_windows(geometry)
    work = loops.maximum.on(*flat, boxes.seen, x.shape[-1], *boxes.lengths, *three(geometry.sizes))
    if work is None:
        return None
    run_lines(work, x, out)
    return out, which if keep else None


def maximum_gradient(g: ndarray, which: ndarray, geometry: Geometry) -> Any:
    """The gradient of `x`: what arrives at a maximum goes to the element that it came from."""
    if not _takes(g, geometry) or not (geometry.taps <= _SHARED or lie_apart(geometry)):
        return None
    out = numpy.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    flat = numpy.ascontiguousarray(g).reshape(-1), which.reshape(-1), out.reshape(-1)
    boxes, steps = boxes_of_elements(geometry), (*three(geometry.sizes)[1:], *three(geometry.strides))
    work = loops.maximum_gradient.on(*flat, boxes.seen, g.shape[-1], *boxes.lengths, *steps)
    if work is None:
        return None
    run_lines(work, g, out)
    return out
