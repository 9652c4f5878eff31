"""The logarithm of a sum of exponentials, without overflow."""

from __future__ import annotations

import math

from eagerflow.base.typing import Axes, TensorLike
from eagerflow.core.custom_gradient import stop_gradient
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import without
from eagerflow.ops.arrays.shape import reshape
from eagerflow.ops.elementwise.arithmetic import add, subtract
from eagerflow.ops.elementwise.comparison import equal, isfinite
from eagerflow.ops.elementwise.exponential import exp, log
from eagerflow.ops.elementwise.selection import where
from eagerflow.ops.reduce.reductions import max, sum

__all__ = ["logsumexp"]


@composite
def logsumexp(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """`log(sum(exp(x)))` over `axis` without overflow.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.logsumexp([[0.0, 0.0], [100.0, 100.0]], axis=1).round(3)
    Tensor(2 float32, [  0.693, 100.693])
    """
    x = convert_to_tensor(x)
    highest = stop_gradient(max(x, axis=axis, keepdims=True, initial=-math.inf))
    highest = where(isfinite(highest), highest, 0)
    total = sum(exp(subtract(x, highest)), axis=axis, keepdims=True)
    empty = equal(total, 0)
    total = where(empty, -math.inf, add(log(where(empty, 1, total)), highest))
    return total if keepdims else reshape(total, without(x.shape, axis))
