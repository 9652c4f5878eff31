"""Depthwise convolution: every channel has its own filters. One multiply-add over the array per kernel element.

`x` is (batch, *spatial, channels), `kernel` (*sizes, channels, multiplier), the result
(batch, *outputs, channels * multiplier) with the filters of one channel side by side.
"""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.ops.windows.arrays import pad
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "input_gradient", "kernel_gradient"]


def _taps(kernel: Any) -> Any:
    return kernel.reshape(-1, *kernel.shape[-2:])


def forward(xp: Numpy, x: Array, kernel: Array, geometry: Geometry) -> Any:
    """(batch, *outputs, channels * multiplier)."""
    x = pad(xp, x, geometry)
    channels, multiplier = kernel.shape[-2:]
    dtype = xp.result_type(x.dtype, kernel.dtype)
    out = xp.zeros((x.shape[0], *geometry.outputs, channels, multiplier), dtype)
    for tap, place in zip(_taps(kernel), geometry.tap_places()):
        out += x[place][..., None] * tap
    return out.reshape(*out.shape[:-2], channels * multiplier)


def _split(g: Any, kernel_shape: tuple[int, ...]) -> Any:
    return g.reshape(*g.shape[:-1], *kernel_shape[-2:])


def input_gradient(xp: Numpy, g: Array, kernel: Array, geometry: Geometry) -> Any:
    """The gradient of `x`."""
    g = _split(g, kernel.shape)
    padded = xp.zeros((g.shape[0], *geometry.padded, kernel.shape[-2]), g.dtype)
    for tap, place in zip(_taps(kernel), geometry.tap_places()):
        padded[place] += (g * tap).sum(axis=-1)
    return padded[geometry.inner] if geometry.is_padded else padded


def kernel_gradient(xp: Numpy, x: Array, g: Array, kernel_shape: tuple[int, ...], geometry: Geometry) -> Any:
    """The gradient of the kernel."""
    x = pad(xp, x, geometry)
    g = _split(g, kernel_shape)
    axes = tuple(range(g.ndim - 2))
    found = [(x[place][..., None] * g).sum(axis=axes) for place in geometry.tap_places()]
    return xp.stack(found).reshape(kernel_shape)
