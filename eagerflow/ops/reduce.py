"""Reductions over axes."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.core.op import op

__all__ = ["mean", "sum"]


def kept(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """`shape` with the reduced axes at length one."""
    if axis is None:
        return (1,) * len(shape)
    reduced = {a % len(shape) for a in ((axis,) if isinstance(axis, int) else axis)}
    return tuple([1 if i in reduced else n for i, n in enumerate(shape)])


def spread(xp: Any, g: Any, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """The gradient of a sum: `g` repeated along the reduced axes."""
    return xp.broadcast_to(g if keepdims else g.reshape(kept(shape, axis)), shape)


def _sum_rule(xp: Any, g: Any, x_shape: Any, axis: Any, keepdims: bool) -> Any:
    return spread(xp, g, x_shape, axis, keepdims)


@op(_sum_rule)
def sum(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum over `axis` (all axes when None)."""
    return x.sum(axis=axis, keepdims=keepdims)


def _mean_rule(xp: Any, g: Any, x_shape: Any, axis: Any, keepdims: bool) -> Any:
    reduced = math.prod(x_shape) // max(1, math.prod(g.shape))
    return spread(xp, g / max(1, reduced), x_shape, axis, keepdims)


@op(_mean_rule, floating=True)
def mean(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Mean over `axis` (all axes when None)."""
    return x.mean(axis=axis, keepdims=keepdims)
