"""Comparisons and tests of elements: bools, through which no gradient flows."""

from __future__ import annotations

import math

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise.arithmetic import absolute

__all__ = ["equal", "greater", "greater_equal", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "less"]
__all__ += ["less_equal", "not_equal"]


@op(weak=True)
def equal(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 == x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.equal([[1, 2], [3, 4]], [1, 4]).tolist()
    [[True, False], [False, True]]
    """
    return xp.equal(x1, x2)


@op(weak=True)
def not_equal(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 != x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.not_equal([1, 2, 3], [1, 0, 3]).tolist()
    [False, True, False]
    """
    return xp.not_equal(x1, x2)


@op(weak=True)
def less(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 < x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.less([1, 2, 3], 2).tolist()
    [True, False, False]
    """
    return xp.less(x1, x2)


@op(weak=True)
def less_equal(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 <= x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.less_equal([1, 2, 3], 2).tolist()
    [True, True, False]
    """
    return xp.less_equal(x1, x2)


@op(weak=True)
def greater(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 > x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.greater([1, 2, 3], 2).tolist()
    [False, False, True]
    """
    return xp.greater(x1, x2)


@op(weak=True)
def greater_equal(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 >= x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.greater_equal([1, 2, 3], 2).tolist()
    [False, True, True]
    """
    return xp.greater_equal(x1, x2)


@op()
def isfinite(xp: Numpy, x: Array) -> Array:
    """Whether each element is finite: neither infinite nor NaN.

    Args:
        x: a tensor.

    >>> ef.ops.isfinite([1.0, np.inf, np.nan]).tolist()
    [True, False, False]
    """
    return xp.isfinite(x)


@composite
def isnan(x: TensorLike) -> Tensor:
    """Whether each element is NaN, the only number that differs from itself.

    Args:
        x: a tensor.

    >>> ef.ops.isnan([1.0, np.nan, np.inf]).tolist()
    [False, True, False]
    """
    return not_equal(x, x)


@composite
def isinf(x: TensorLike) -> Tensor:
    """Whether each element is inf or -inf.

    Args:
        x: a tensor.

    >>> ef.ops.isinf([1.0, -np.inf, np.nan]).tolist()
    [False, True, False]
    """
    return equal(absolute(x), math.inf)


@composite
def isposinf(x: TensorLike) -> Tensor:
    """Whether each element is inf.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.isposinf([-np.inf, np.inf, 0.0]).tolist()
    [False, True, False]
    """
    return equal(x, math.inf)


@composite
def isneginf(x: TensorLike) -> Tensor:
    """Whether each element is -inf.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.isneginf([-np.inf, np.inf, 0.0]).tolist()
    [True, False, False]
    """
    return equal(x, -math.inf)
