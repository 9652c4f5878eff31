"""Depthwise convolution of images, of one filter per channel."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import depthwise as loops
from eagerflow.compiled.pieces import pieces, run, run_rows
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "input_gradient", "kernel_gradient"]

_FEWEST = 4  # channels: with fewer, each pixel's loop costs more than its numbers
_PIXELS = 4096  # whose products are added up in the arrays' own type
_COST = 0.04  # nanoseconds for a number and an element of the kernel


def _takes(kernel_shape: tuple[int, ...], geometry: Geometry) -> bool:
    return len(geometry.sizes) == 2 and kernel_shape[-1] == 1 and kernel_shape[-2] >= _FEWEST


def _plan(geometry: Geometry) -> tuple[int, ...]:
    return *geometry.strides, *geometry.dilation, *geometry.before


def forward(x: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """(batch, *outputs, channels)."""
    return _by_pixels(loops.depthwise, x, kernel, geometry.outputs, geometry)


def input_gradient(g: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """The gradient of the images."""
    return _by_pixels(loops.depthwise_image_gradient, g, kernel, geometry.lengths, geometry)


def _by_pixels(loop: Any, given: ndarray, kernel: ndarray, lengths: tuple[int, ...], geometry: Geometry) -> Any:
    """New images of such lengths, which a kernel fills row by row."""
    if not _takes(kernel.shape, geometry):
        return None
    out = numpy.empty((len(given), *lengths, given.shape[-1]), given.dtype)
    work = loop.on(given, kernel[..., 0], out, *_plan(geometry))
    if work is None:
        return None
    width = out.shape[2] * out.shape[3] * geometry.taps // 4
    products = len(out) * math.prod(geometry.outputs) * out.shape[3] * geometry.taps
    run_rows(work, len(out) * out.shape[1], width, products * _COST)
    return out


def kernel_gradient(x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry) -> Any:
    """The gradient of the kernel, in its shape."""
    if not _takes(kernel_shape, geometry):
        return None
    rows, width = len(g) * g.shape[1], g.shape[2] * g.shape[3]
    cuts = pieces(rows, width * geometry.taps // 4, max(1, _PIXELS // max(1, g.shape[2])))
    sums = numpy.zeros((len(cuts), *kernel_shape[:-1]), x.dtype)
    work = loops.depthwise_kernel_gradient.on(x, g, sums, *_plan(geometry))
    if work is None:
        return None
    run(work, cuts, g.size * geometry.taps * _COST)
    return sums.sum(axis=0, dtype="float64").astype(x.dtype)[..., None]
