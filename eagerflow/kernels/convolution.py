"""Convolutions: each by the algorithm that is fastest for its shapes.

Arrays are channels-last: `x` (batch, *spatial, channels), `kernel` (*sizes, channels per group, filters). They may
be views with any strides: what is worked on is copied block by block anyway.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.kernels import columns, plain_convolution, winograd
from eagerflow.kernels.geometry import Geometry

__all__ = ["forward", "input_gradient", "kernel_gradient"]

_DTYPES = (numpy.dtype("float32"), numpy.dtype("float64"))


def _is_ours(xp: Any, a: Any, b: Any) -> bool:
    """Whether the CPU's kernels take these arrays."""
    return xp is numpy and a.dtype == b.dtype and a.dtype in _DTYPES


def forward(xp: Any, x: Any, kernel: Any, geometry: Geometry, groups: int = 1) -> Any:
    """(batch, *outputs, filters)."""
    if not _is_ours(xp, x, kernel):
        return plain_convolution.forward(xp, x, kernel, geometry, groups)
    if winograd.suits(kernel.shape, x.dtype, geometry, groups):
        return winograd.forward(x, kernel, geometry)
    return columns.forward(x, kernel, geometry, groups)


def input_gradient(xp: Any, g: Any, kernel: Any, geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of `x`, from that of the output: also the transposed convolution of `g`."""
    if not _is_ours(xp, g, kernel):
        return plain_convolution.input_gradient(xp, g, kernel, geometry, groups)
    back = _back(geometry)
    if back is None or 2 * kernel.shape[-2] * groups < kernel.shape[-1]:
        return columns.input_gradient(g, kernel, geometry, groups)
    return forward(xp, g, _turned(kernel, groups), back, groups)


def _back(geometry: Geometry) -> Geometry | None:
    """The convolution that is the gradient of one with strides of 1, by the kernel turned around; else None."""
    if set(geometry.strides) != {1} or geometry.taps == 1:
        return None
    reach = [(k - 1) * d for k, d in zip(geometry.sizes, geometry.dilation)]
    before = tuple([r - a for r, a in zip(reach, geometry.before)])
    after = tuple([n + r - a - o for n, r, a, o in zip(geometry.lengths, reach, before, geometry.outputs)])
    if min(*before, *after, *geometry.outputs) < 0:
        return None
    return geometry._replace(before=before, after=after, lengths=geometry.outputs, outputs=geometry.lengths)


def _turned(kernel: Any, groups: int) -> Any:
    """(*sizes, width, groups * filters) in reverse order along the sizes, as (*sizes, filters, groups * width)."""
    rank, (width, filters) = kernel.ndim - 2, kernel.shape[-2:]
    turned = kernel[(slice(None, None, -1),) * rank].reshape(*kernel.shape[:-1], groups, filters // groups)
    back = turned.transpose(*range(rank), rank + 2, rank + 1, rank)
    return back.reshape(*kernel.shape[:-2], filters // groups, groups * width)


def kernel_gradient(
    xp: Any, x: Any, g: Any, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> Any:
    """The gradient of the kernel."""
    if not _is_ours(xp, x, g):
        return plain_convolution.kernel_gradient(xp, x, g, kernel_shape, geometry, groups)
    if winograd.suits(kernel_shape, x.dtype, geometry, groups):
        return winograd.kernel_gradient(x, g, geometry)
    return columns.kernel_gradient(x, g, kernel_shape, geometry, groups)
