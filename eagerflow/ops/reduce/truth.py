"""Whether all elements are true, or any."""

from __future__ import annotations

from eagerflow.base.typing import Array, Axes, Numpy
from eagerflow.core.op import op
from eagerflow.ops.arrays.axes import axes_of

__all__ = ["all", "any"]


@op()
def all(xp: Numpy, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Whether all elements along `axis` are true.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.all([[True, False], [True, True]], axis=1).tolist()
    [False, True]
    """
    return x.all(axis=axes_of(axis), keepdims=keepdims)


@op()
def any(xp: Numpy, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Whether any element along `axis` is true.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.any([[True, False], [False, False]], axis=1).tolist()
    [True, False]
    """
    return x.any(axis=axes_of(axis), keepdims=keepdims)
