"""Clipping of gradients, on raw arrays."""

from __future__ import annotations

from typing import Any

from eagerflow.kernels.machine.threads import one_blas_thread

__all__ = ["by_norm", "by_value", "scale_of_global_norm", "scale_of_norm", "squares"]


def by_norm(xp: Any, g: Any, limit: float) -> Any:
    """`g` scaled down to the Euclidean norm `limit`, if it has a larger one."""
    norm = xp.sqrt(squares(g))
    return g * (limit / xp.maximum(norm, xp.asarray(limit, norm.dtype))).astype(g.dtype)


def squares(g: Any) -> Any:
    """The sum of all squares; that of halves in float32, for in float16 it ends at 65504, a norm of 256."""
    flat = g.reshape(-1)
    if g.dtype.itemsize == 2:
        flat = flat.astype("float32")
    return flat @ flat


def scale_of_global_norm(xp: Any, gradients: list[Any], limit: float) -> Any:
    """The factor that brings all gradients together to the norm `limit`, if they have a larger one.

    NaN for an infinite gradient: there is no direction left to keep.
    """
    total: Any = 0.0
    with one_blas_thread:  # the same sum for any number of threads
        for g in gradients:
            total = total + squares(g)
    return scale_of_norm(xp, xp.sqrt(total), limit)


def scale_of_norm(xp: Any, norm: Any, limit: float) -> Any:
    """The factor that brings a norm down to `limit`, if it is larger; NaN for an infinite one."""
    return limit * xp.minimum(1.0 / norm, 1.0 / limit) + (norm - norm)


def by_value(xp: Any, g: Any, limit: float) -> Any:
    """`g` with every element between `-limit` and `limit`."""
    return g.clip(-limit, limit)
