"""Convolution with few filters: several neighbouring outputs as the filters of one window that sees all they see.

BLAS needs columns, and gathering long runs: a window of 4 columns with stride 2 and 16 filters, of which half are the
kernel moved by a column, is faster than one of 3 columns with 8 filters, though a quarter of its weights are zero.
An infinity or NaN meets those zeros too, and reaches the outputs next to those that see it: then it is done plainly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution import columns
from eagerflow.kernels.convolution.outliers import peak
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "joined", "kernel_gradient"]


def joined(geometry: Geometry, count: int) -> Geometry:
    """The windows that each see what `count` neighbours along the last axis see."""
    return geometry._replace(
        sizes=(*geometry.sizes[:-1], geometry.sizes[-1] + count - 1),
        strides=(*geometry.strides[:-1], count),
        outputs=(*geometry.outputs[:-1], geometry.outputs[-1] // count),
    )


def forward(
    x: ndarray, kernel: ndarray, geometry: Geometry, count: int, finish: Callable[[Any], None] | None = None
) -> Any:
    """(batch, *outputs, filters), `count` of them at a time."""
    with numpy.errstate(invalid="ignore"):
        out = columns.forward(x, _spread(kernel, count), joined(geometry, count), 1, finish)
    if not numpy.isfinite(peak(out)):  # zeros among the weights made NaN of what a neighbour sees
        return columns.forward(x, kernel, geometry, 1, finish)
    return out.reshape(len(x), *geometry.outputs, kernel.shape[-1])


def kernel_gradient(x: ndarray, g: ndarray, geometry: Geometry, count: int) -> Any:
    """The gradient of the kernel, (*sizes, channels, filters)."""
    together = joined(geometry, count)
    filters = count * g.shape[-1]
    given = g.reshape(len(g), *together.outputs, filters)
    return _folded(columns.kernel_gradient(x, given, (*together.sizes, x.shape[-1], filters), together), count)


def _spread(kernel: ndarray, count: int) -> Any:
    """(*sizes, width, filters) for such windows: (..., size + count - 1, width, count * filters)."""
    *sizes, width, filters = kernel.shape
    found = numpy.zeros((*sizes[:-1], sizes[-1] + count - 1, width, count, filters), kernel.dtype)
    for i in range(count):
        found[..., i : i + sizes[-1], :, i, :] = kernel
    return found.reshape(*found.shape[:-2], -1)


def _folded(gradient: Any, count: int) -> Any:
    """The adjoint of `_spread`."""
    *sizes, width, filters = gradient.shape
    split = gradient.reshape(*sizes, width, count, filters // count)
    size = sizes[-1] - count + 1
    return sum([split[..., i : i + size, :, i, :] for i in range(1, count)], split[..., :size, :, 0, :])
