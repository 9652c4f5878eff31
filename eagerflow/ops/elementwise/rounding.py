"""Rounding and signs: constant between their steps, so their gradients are zero."""

from __future__ import annotations

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.op import op

__all__ = ["ceil", "floor", "round", "trunc"]


@op(floating=True)
def floor(xp: Numpy, x: Array) -> Array:
    """The largest whole number ≤ `x`, elementwise; integers become floats.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.floor([1.7, -1.2]).tolist()
    [1.0, -2.0]
    """
    return xp.floor(x)


@op(floating=True)
def ceil(xp: Numpy, x: Array) -> Array:
    """The smallest whole number ≥ `x`, elementwise; integers become floats.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.ceil([1.2, -1.2]).tolist()
    [2.0, -1.0]
    """
    return xp.ceil(x)


@op()
def trunc(xp: Numpy, x: Array) -> Array:
    """Rounds towards 0, elementwise; integers are returned unchanged.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.trunc([1.7, -1.7]).tolist()
    [1.0, -1.0]
    """
    return x if x.dtype.kind in "iub" else xp.trunc(x)


@op()
def round(xp: Numpy, x: Array, decimals: int = 0) -> Array:
    """Rounds elementwise; halves are rounded to the even neighbour.

    Args:
        x: a tensor.
        decimals: the number of decimal places; negative numbers round to tens, hundreds and so on.

    >>> ef.ops.round([0.5, 1.5, 2.25]).tolist()
    [0.0, 2.0, 2.0]
    >>> ef.ops.round([12.3456, 0.126], 2)
    Tensor(2 float32, [12.35,  0.13])
    """
    return x.round(decimals) if x.dtype.kind != "b" else x


@op()
def sign_of(xp: Numpy, x: Array) -> Array:
    """-1, 0 or 1 as real numbers are negative, zero or positive."""
    return xp.sign(x)
