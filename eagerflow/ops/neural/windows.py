"""Windows over spatial axes as ops, each the adjoint of the other: the plain form of convolution and pooling."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.dtypes import in_float32
from eagerflow.core.op import apply, op
from eagerflow.ops.windows import arrays

__all__ = ["gather_windows", "scatter_windows"]


@op(lambda xp, g, geometry: apply(scatter_windows, xp, g, geometry))  # type: ignore[has-type]
def gather_windows(xp: Numpy, x: Array, geometry: Any = None) -> Array:
    """All windows of a channels-last tensor: (batch, *outputs, taps, channels); padding reads zeros."""
    found = arrays.gather(xp, arrays.pad(xp, x, geometry), geometry)
    return found.copy() if geometry.taps == 1 else found


@op(lambda xp, g, geometry: apply(gather_windows, xp, g, geometry))
def scatter_windows(xp: Numpy, x: Array, geometry: Any = None) -> Array:
    """Windows added where they came from: (batch, *lengths, channels)."""
    padded = in_float32(arrays.scatter, xp, x, geometry)
    return padded[geometry.inner] if geometry.is_padded else padded
