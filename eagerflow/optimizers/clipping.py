"""Clipping of gradients, on raw arrays."""

from __future__ import annotations

from typing import Any

__all__ = ["by_global_norm", "by_norm", "by_value"]


def by_norm(xp: Any, g: Any, limit: float) -> Any:
    """`g` scaled down to the Euclidean norm `limit`, if it has a larger one."""
    flat = g.reshape(-1)
    norm = xp.sqrt(flat @ flat)
    return g * (limit / xp.maximum(norm, xp.asarray(limit, g.dtype)))


def by_global_norm(xp: Any, gradients: list[Any], limit: float) -> list[Any]:
    """All gradients scaled down by one factor to the joint norm `limit`, if they have a larger one.

    An infinite gradient makes all of them NaN: there is no direction left to keep.
    """
    total: Any = 0.0
    for g in gradients:
        flat = g.reshape(-1)
        total = total + flat @ flat
    norm = xp.sqrt(total)
    scale: Any = limit * xp.minimum(1.0 / norm, 1.0 / limit) + (norm - norm)  # NaN for an infinite norm
    return [g * scale.astype(g.dtype) for g in gradients]


def by_value(xp: Any, g: Any, limit: float) -> Any:
    """`g` with every element between `-limit` and `limit`."""
    return g.clip(-limit, limit)
