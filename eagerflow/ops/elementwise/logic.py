"""Truth: elementwise logic and reductions to bools. No gradient flows through them."""

from __future__ import annotations

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise.comparison import equal, not_equal

__all__ = ["logical_and", "logical_not", "logical_or", "logical_xor"]


@op(weak=True)
def logical_and(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise "and" of truth values; numbers count as true unless they are 0.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.logical_and([True, True, False], [True, False, False]).tolist()
    [True, False, False]
    """
    return xp.logical_and(x1, x2)


@op(weak=True)
def logical_or(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise "or" of truth values; numbers count as true unless they are 0.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.logical_or([True, True, False], [True, False, False]).tolist()
    [True, True, False]
    """
    return xp.logical_or(x1, x2)


@composite
def logical_not(x: TensorLike) -> Tensor:
    """Elementwise "not" of truth values.

    Args:
        x: a tensor.

    >>> ef.ops.logical_not([True, False]).tolist()
    [False, True]
    >>> ef.ops.logical_not([0.0, 2.0]).tolist()
    [True, False]
    """
    return equal(x, 0)


@composite
def logical_xor(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Elementwise "either, but not both" of truth values.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.logical_xor([True, True, False], [True, False, False]).tolist()
    [False, True, False]
    """
    return not_equal(equal(x1, 0), equal(x2, 0))
