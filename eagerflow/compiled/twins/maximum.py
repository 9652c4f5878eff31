"""Maxima over windows of images and their gradient, where windows overlap."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import maximum as loops
from eagerflow.compiled.pieces import run_rows
from eagerflow.kernels.pooling.windowed import lie_apart
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["maximum", "maximum_gradient"]

_FEWEST = 8  # channels: with fewer, each pixel's loop costs more than its numbers
_COST = 0.1  # nanoseconds for a gradient and an element of its window


def _takes(a: ndarray, geometry: Geometry) -> bool:
    fits = len(geometry.sizes) == 2 and a.shape[-1] >= _FEWEST and geometry.taps <= 256
    return fits and 0 not in (a.size, *geometry.outputs) and not lie_apart(geometry)


def _plan(a: ndarray, geometry: Geometry) -> tuple[int, ...]:
    sizes = *geometry.lengths, *geometry.outputs, *geometry.sizes
    return a.shape[-1], *sizes, *geometry.strides, *geometry.dilation, *geometry.before


def maximum(x: ndarray, geometry: Geometry, keep: bool) -> Any:
    """The maxima, and which element of its window each of them is."""
    if not keep or not _takes(x, geometry):
        return None
    out = numpy.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    which = numpy.empty(out.shape, "uint8")
    flat = numpy.ascontiguousarray(x).reshape(-1), out.reshape(-1), which.reshape(-1)
    work = loops.maximum.on(*flat, *_plan(x, geometry))
    if work is None:
        return None
    lines, width = len(x) * geometry.outputs[0], geometry.outputs[1] * x.shape[-1]
    run_rows(work, lines, width * geometry.taps // 4, out.size * geometry.taps * _COST)
    return out, which


def maximum_gradient(g: ndarray, which: ndarray, geometry: Geometry) -> Any:
    """The gradient of the images: what arrives at a maximum goes to the element that it came from."""
    if not _takes(g, geometry):
        return None
    out = numpy.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    flat = numpy.ascontiguousarray(g).reshape(-1), which.reshape(-1), out.reshape(-1)
    work = loops.maximum_gradient.on(*flat, *_plan(g, geometry))
    if work is None:
        return None
    run_rows(work, len(g), max(out[0].size, g[0].size * geometry.taps // 4), g.size * geometry.taps * _COST)
    return out
