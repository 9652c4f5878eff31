"""Gathering windows of channels-last arrays, and its adjoint."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["gather", "pad", "scatter"]


def pad(xp: Numpy, x: Array, geometry: Geometry, value: float = 0) -> Any:
    """`x` (batch, *spatial, channels) with the geometry's padding; `x` itself where there is none."""
    if not geometry.is_padded:
        return x
    shape = (x.shape[0], *geometry.padded, *x.shape[len(geometry.sizes) + 1 :])
    padded = xp.full(shape, value, x.dtype) if value else xp.zeros(shape, x.dtype)
    padded[geometry.inner] = x
    return padded


def gather(xp: Numpy, padded: Array, geometry: Geometry) -> Any:
    """All windows: (batch, *outputs, taps, channels), from a padded array."""
    places = list(geometry.tap_places())
    if len(places) == 1:
        return padded[places[0]][..., None, :]  # a view: one element per window needs no copy
    windows = xp.empty((padded.shape[0], *geometry.outputs, len(places), padded.shape[-1]), padded.dtype)
    for i, place in enumerate(places):
        windows[..., i, :] = padded[place]
    return windows


def scatter(xp: Numpy, windows: Any, geometry: Geometry, out: Array = None) -> Any:
    """The adjoint of `gather`: a padded array in which overlapping windows are added."""
    if out is None:
        out = xp.zeros((windows.shape[0], *geometry.padded, windows.shape[-1]), windows.dtype)
    for i, place in enumerate(geometry.tap_places()):
        out[place] += windows[..., i, :]
    return out
