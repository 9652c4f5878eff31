"""Convolution without a copy of each window: a compiled kernel does it. Where it doesn't, windows are gathered."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from numpy import ndarray

from eagerflow.base.variants import accelerated
from eagerflow.kernels.convolution import columns
from eagerflow.kernels.convolution.epilogue import masked, sums_of_bias
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.kernels.machine.costs import Direct
from eagerflow.kernels.machine.processor import numpy_bits
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.ops.windows.geometry import Geometry

__all__ = [
    "applies",
    "convolve",
    "convolve_into",
    "convolve_kernel_gradient",
    "convolve_relu_gradients",
    "microseconds",
]


@accelerated("convolution")
def applies(shapes: Shapes) -> bool:
    """Whether a compiled kernel computes such a convolution."""
    return False


def microseconds(shapes: Shapes) -> float:
    """That it takes one thread, roughly: the mean of the convolution and of its kernel's gradient."""
    filters = shapes.filters // shapes.groups
    columns = filters - filters % -Direct.COLUMNS
    narrow = Direct.NARROW if shapes.groups == 1 else Direct.NARROW_GROUPS[numpy_bits()]
    narrow = 1 if filters % Direct.WIDE == 0 else narrow
    partial = Direct.PARTIAL if filters < Direct.COLUMNS else 1
    of_kernel = Direct.SUM * math.prod(shapes.kernel)
    products = shapes.multiply_adds * columns / filters * narrow * partial / speeds().direct
    return products + of_kernel + Direct.CALLS * speeds().call


@accelerated("convolution")
def convolve(
    x: ndarray, kernel: ndarray, geometry: Geometry, groups: int = 1, finish: Callable[[Any], None] | None = None
) -> Any:
    """(batch, *outputs, filters). `finish` gets pieces of the outputs, contiguous, while they are in the cache."""
    return columns.forward(x, kernel, geometry, groups, finish)


@accelerated("convolution")
def convolve_into(
    x: ndarray,
    kernel: ndarray,
    geometry: Geometry,
    groups: int,
    out: ndarray,
    targets: tuple[slice, ...],
    finish: Callable[[Any], None] | None = None,
) -> bool:
    """Put the result, finished, into some pixels of `out`; False where that is to be done by a copy."""
    return False


@accelerated("convolution")
def convolve_kernel_gradient(
    x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> Any:
    """The gradient of the kernel, (*sizes, channels per group, filters)."""
    return columns.kernel_gradient(x, g, kernel_shape, geometry, groups)


@accelerated("convolution")
def convolve_relu_gradients(
    x: ndarray, g: ndarray, positive: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> tuple[Any, Any]:
    """The gradients of the kernel and of the bias, where relu follows; `positive` are its outputs."""
    g = masked(g, positive)
    return columns.kernel_gradient(x, g, kernel_shape, geometry, groups), sums_of_bias(g, kernel_shape[-1:])
