"""Indexing and slicing, with gradients."""

from __future__ import annotations

from typing import Any

from eagerflow.core.op import apply, op

__all__ = ["scatter_index", "take_index"]


@op(lambda xp, g, x_shape, index: apply(scatter_index, xp, g, index, x_shape))
def take_index(xp: Any, x: Any, index: Any = None) -> Any:
    """`x[index]` for any index that NumPy knows; index arrays are raw arrays of x's device."""
    return x[index]


@op(lambda g, index: g[index])
def scatter_index(xp: Any, x: Any, index: Any = None, shape: Any = None) -> Any:
    """Zeros of `shape` with `x` added at `index`: the adjoint of indexing."""
    out = xp.zeros(shape, x.dtype)
    xp.add.at(out, index, x)
    return out
