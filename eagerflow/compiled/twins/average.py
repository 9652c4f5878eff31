"""Means over windows and their gradient."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.boxes import Boxes, boxes_of_elements, boxes_of_windows, run_lines
from eagerflow.compiled.loops import average as loops
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["average", "average_gradient"]

_FEWEST = 6  # channels: with fewer, each pixel's loop costs more than its numbers
_MOST = 6  # elements that take as long as a pass along an axis for one of them, of which plain kernels make several


def _takes(a: ndarray, geometry: Geometry) -> bool:
    fits = a.shape[-1] >= _FEWEST and geometry.taps <= _MOST * sum(geometry.sizes) and max(geometry.dilation) == 1
    return fits and 0 not in (a.size, *geometry.outputs)


def average(x: ndarray, geometry: Geometry) -> Any:
    """The means over the elements that windows cover, padding left out."""
    if not _takes(x, geometry):
        return None
    return _sums(x, geometry.outputs, boxes_of_windows(geometry), 0)


def average_gradient(g: ndarray, geometry: Geometry) -> Any:
    """The gradient of `x`."""
    if not _takes(g, geometry):
        return None
    return _sums(g, geometry.lengths, boxes_of_elements(geometry), geometry.taps)


def _sums(x: ndarray, outputs: tuple[int, ...], boxes: Boxes, taps: int) -> Any:
    out = numpy.empty((len(x), *outputs, x.shape[-1]), x.dtype)
    flat = numpy.ascontiguousarray(x).reshape(-1), out.reshape(-1)
    work = loops.average.on(*flat, boxes.seen, boxes.counts, taps, x.shape[-1], *boxes.lengths)
    if work is None:
        return None
    run_lines(work, x, out)
    return out
