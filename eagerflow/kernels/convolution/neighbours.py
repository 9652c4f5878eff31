"""Convolution with few filters: several neighbouring outputs as the filters of one window that sees all they see.

BLAS needs columns, and gathering long runs: a window of 4 columns with stride 2 and 16 filters, of which half are the
kernel moved by a column, is faster than one of 3 columns with 8 filters, though a quarter of its weights are zero.
An infinity or NaN meets those zeros too, and reaches the outputs beside those that see it: then the caller takes the
plain way.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow.kernels.convolution.geometry import Geometry

__all__ = ["folded", "joined", "neighbours", "spread"]

_MOST_FILTERS, _MOST_CHANNELS = 12, 32
_FEW = 64  # weights of a place, of which four places in a window are still faster than two
_LEAST = 1 << 20  # multiply-adds


def neighbours(x: Any, kernel_shape: tuple[int, ...], geometry: Geometry) -> int:
    """How many outputs along the last axis are worth being computed together; 1: none."""
    *_, size, width, filters = kernel_shape
    outputs = geometry.outputs[-1]
    if x.dtype != numpy.float32 or size == 1 or geometry.strides[-1] != 1 or geometry.dilation[-1] != 1:
        return 1
    if filters > _MOST_FILTERS or not 1 < width <= _MOST_CHANNELS or outputs % 2:
        return 1
    if len(x) * math.prod(geometry.outputs) * math.prod(kernel_shape) < _LEAST:
        return 1
    return 4 if filters * width <= _FEW and outputs % 4 == 0 else 2


def joined(geometry: Geometry, count: int) -> Geometry:
    """The windows that each see what `count` neighbours see."""
    return geometry._replace(
        sizes=(*geometry.sizes[:-1], geometry.sizes[-1] + count - 1),
        strides=(*geometry.strides[:-1], count),
        outputs=(*geometry.outputs[:-1], geometry.outputs[-1] // count),
    )


def spread(kernel: Any, count: int) -> Any:
    """(*sizes, width, filters) for such windows: (..., size + count - 1, width, count * filters)."""
    *sizes, width, filters = kernel.shape
    found = numpy.zeros((*sizes[:-1], sizes[-1] + count - 1, width, count, filters), kernel.dtype)
    for i in range(count):
        found[..., i : i + sizes[-1], :, i, :] = kernel
    return found.reshape(*found.shape[:-2], -1)


def folded(gradient: Any, count: int) -> Any:
    """The adjoint of `spread`."""
    *sizes, width, filters = gradient.shape
    split = gradient.reshape(*sizes, width, count, filters // count)
    size = sizes[-1] - count + 1
    return sum([split[..., i : i + size, :, i, :] for i in range(1, count)], split[..., :size, :, 0, :])
