"""Maximum and mean over windows of channels-last arrays, whole arrays at a time: for any device and type."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, DType, Numpy
from eagerflow.ops.windows.arrays import pad
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["average", "average_gradient", "counts", "maximum", "maximum_gradient"]


def lowest(xp: Numpy, dtype: Any) -> Any:
    """What never wins a maximum."""
    return -xp.inf if dtype.kind == "f" or dtype.name == "bfloat16" else int(xp.iinfo(dtype).min)


def maximum(xp: Numpy, x: Array, geometry: Geometry, keep: bool) -> tuple[Any, Any]:
    """The maxima, and (where `keep`) which element of its window each of them is: the first of equals."""
    padded = pad(xp, x, geometry, lowest(xp, x.dtype))
    places = geometry.tap_places()
    out = padded[next(places)].copy()
    which: Any = xp.zeros(out.shape, "uint8" if geometry.taps <= 256 else "int32") if keep else None
    for i, place in enumerate(places, 1):
        candidate = padded[place]
        if keep:
            wins = ~(candidate <= out)  # so does NaN, as in maximum()
            xp.maximum(which, wins.astype(which.dtype) * i, out=which)
        xp.maximum(out, candidate, out=out)
    return out, which


def maximum_gradient(xp: Numpy, g: Array, which: Any, geometry: Geometry) -> Any:
    """The gradient of `x`: what arrives at a maximum goes to the element that it came from."""
    padded = xp.zeros((g.shape[0], *geometry.padded, g.shape[-1]), g.dtype)
    for i, place in enumerate(geometry.tap_places()):
        padded[place] += g * (which == i)
    return padded[geometry.inner] if geometry.is_padded else padded


def counts(xp: Numpy, geometry: Geometry, dtype: DType) -> Any:
    """How many elements of the array each window covers, padding left out: (1, *outputs, 1)."""
    if not geometry.is_padded:
        return geometry.taps
    ones = pad(xp, xp.ones((1, *geometry.lengths, 1), dtype), geometry)
    total = xp.zeros((1, *geometry.outputs, 1), dtype)
    for place in geometry.tap_places():
        total += ones[place]
    return total


def average(xp: Numpy, x: Array, geometry: Geometry) -> Any:
    """The means over the elements that windows cover, padding left out."""
    padded = pad(xp, x, geometry)
    out = xp.zeros((x.shape[0], *geometry.outputs, x.shape[-1]), x.dtype)
    for place in geometry.tap_places():
        out += padded[place]
    out /= counts(xp, geometry, x.dtype)
    return out


def average_gradient(xp: Numpy, g: Array, geometry: Geometry) -> Any:
    """The gradient of `x`."""
    g = g / counts(xp, geometry, g.dtype)
    padded = xp.zeros((g.shape[0], *geometry.padded, g.shape[-1]), g.dtype)
    for place in geometry.tap_places():
        padded[place] += g
    return padded[geometry.inner] if geometry.is_padded else padded
