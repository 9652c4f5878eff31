"""Convolution by gathering windows into a matrix (im2col), in blocks of images.

Arrays are channels-last: `x` (batch, *spatial, channels), `kernel` (*sizes, channels, filters).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.ops.windows.arrays import gather, pad, scatter
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "input_gradient", "kernel_gradient"]

# Bytes of a block: on a CPU few enough products that threads of a busy BLAS don't wait for each other.
_BLOCK, _BLOCK_OF_GPU = 1 << 24, 1 << 28


def _blocks(xp: Numpy, images: int, taps: int, channels: int, geometry: Geometry, width: int) -> Iterator[slice]:
    """Slices of the batch whose gathered windows fit into a block."""
    room = _BLOCK if xp.__name__ == "numpy" else _BLOCK_OF_GPU
    each = math.prod(geometry.outputs) * taps * channels * width
    step = max(1, room // max(1, each))
    for start in range(0, images, step):
        yield slice(start, start + step)


def _per_group(kernel: Any, groups: int) -> Iterator[tuple[slice, slice]]:
    """The input channels and the filters of each group."""
    channels, filters = kernel.shape[-2], kernel.shape[-1] // groups
    for i in range(groups):
        yield slice(i * channels, (i + 1) * channels), slice(i * filters, (i + 1) * filters)


def forward(xp: Numpy, x: Array, kernel: Array, geometry: Geometry, groups: int = 1) -> Any:
    """(batch, *outputs, filters)."""
    x = pad(xp, x, geometry)
    out = xp.empty((x.shape[0], *geometry.outputs, kernel.shape[-1]), xp.result_type(x.dtype, kernel.dtype))
    for channels, filters in _per_group(kernel, groups):
        _forward(xp, x[..., channels], kernel[..., filters], geometry, out[..., filters])
    return out


def _forward(xp: Numpy, x: Array, kernel: Array, geometry: Geometry, out: Array) -> None:
    width, filters = kernel.shape[-2], kernel.shape[-1]
    matrix = kernel.reshape(-1, filters)
    for block in _blocks(xp, x.shape[0], geometry.taps, width, geometry, x.dtype.itemsize):
        columns = gather(xp, x[block], geometry).reshape(-1, matrix.shape[0])
        out[block] = (columns @ matrix).reshape(out[block].shape)


def input_gradient(xp: Numpy, g: Array, kernel: Array, geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of `x`, from that of the output: also the transposed convolution of `g`."""
    channels = kernel.shape[-2] * groups
    padded = xp.zeros((g.shape[0], *geometry.padded, channels), xp.result_type(g.dtype, kernel.dtype))
    for inside, filters in _per_group(kernel, groups):
        _input_gradient(xp, g[..., filters], kernel[..., filters], geometry, padded[..., inside])
    return padded[geometry.inner] if geometry.is_padded else padded


def _input_gradient(xp: Numpy, g: Array, kernel: Array, geometry: Geometry, padded: Array) -> None:
    width, filters = kernel.shape[-2], kernel.shape[-1]
    matrix = kernel.reshape(-1, filters).T
    for block in _blocks(xp, g.shape[0], geometry.taps, width, geometry, g.dtype.itemsize):
        part = g[block]
        columns = part.reshape(-1, filters) @ matrix
        windows = columns.reshape(part.shape[0], *geometry.outputs, geometry.taps, width)
        scatter(xp, windows, geometry, padded[block])


def kernel_gradient(
    xp: Numpy, x: Array, g: Array, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> Any:
    """The gradient of the kernel."""
    x = pad(xp, x, geometry)
    out = xp.zeros(kernel_shape, g.dtype)
    for inside, filters in _per_group(out, groups):
        out[..., filters] = _kernel_gradient(xp, x[..., inside], g[..., filters], geometry).reshape(
            out[..., filters].shape
        )
    return out


def _kernel_gradient(xp: Numpy, x: Array, g: Array, geometry: Geometry) -> Any:
    width, filters = x.shape[-1], g.shape[-1]
    total = xp.zeros((geometry.taps * width, filters), g.dtype)
    for block in _blocks(xp, x.shape[0], geometry.taps, width, geometry, x.dtype.itemsize):
        columns = gather(xp, x[block], geometry).reshape(-1, total.shape[0])
        total += columns.T @ g[block].reshape(-1, filters)
    return total
