"""Constraints on norms and signs.

`axis` is the axis, or axes, over which a unit's weights are summed: 0 for the kernel of a `Dense`,
`[0, 1, 2]` for that of a `Conv2D`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.tracebacks import boundary
from eagerflow.constraints.base import Constraint, table
from eagerflow.core.dtypes import is_half
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]


def _norms(w: Tensor, axis: int | Sequence[int]) -> Tensor:
    axes = axis if isinstance(axis, int) else tuple(axis)
    wide = w.astype("float32") if is_half(w.dtype) else w  # float16 holds no square above 65504
    return ops.sqrt(ops.sum(ops.square(wide), axis=axes, keepdims=True)).astype(w.dtype)


@table.add("max_norm", "maxnorm")
class MaxNorm(Constraint):
    """Scales down the weights of each unit whose L2 norm is above `max_value`, to that norm.

    Args:
        max_value: the largest norm.
        axis: the axis or axes along which a unit's weights lie; 0 for `Dense`, `[0, 1, 2]` for `Conv2D`.

    Source: Srivastava et al. 2014.

    >>> ef.constraints.MaxNorm(1.0)([[3.0, 0.1], [4.0, 0.2]]).round(4)
    Tensor(2×2 float32, [[0.6, 0.1],
                         [0.8, 0.2]])
    """

    @boundary
    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (norms + epsilon()))


@table.add("non_neg", "nonneg")
class NonNeg(Constraint):
    """Sets negative weights to 0.

    >>> ef.constraints.NonNeg()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Any) -> Tensor:
        return ops.maximum(convert_to_tensor(w), 0)


@table.add("unit_norm", "unitnorm")
class UnitNorm(Constraint):
    """Scales the weights of each unit to an L2 norm of 1.

    Args:
        axis: the axis or axes along which a unit's weights lie; 0 for `Dense`, `[0, 1, 2]` for `Conv2D`.

    >>> ef.constraints.UnitNorm()([[3.0, 0.0], [4.0, 2.0]]).round(4)
    Tensor(2×2 float32, [[0.6, 0. ],
                         [0.8, 1. ]])
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = convert_to_tensor(w)
        return w / (_norms(w, self.axis) + epsilon())


@table.add("min_max_norm")
class MinMaxNorm(Constraint):
    """Scales the weights of each unit so that their L2 norm lies in a range.

    Args:
        min_value: the smallest norm.
        max_value: the largest norm.
        rate: the fraction of the change that is made per update; with 1, the norm is in the range at once.
        axis: the axis or axes along which a unit's weights lie; 0 for `Dense`, `[0, 1, 2]` for `Conv2D`.

    >>> ef.constraints.MinMaxNorm(2.0, 3.0)([[0.6, 2.5], [0.8, 0.0]]).round(4)
    Tensor(2×2 float32, [[1.2, 2.5],
                         [1.6, 0. ]])
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int | Sequence[int] = 0
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        desired = ops.clip(norms, self.min_value, self.max_value) * self.rate + norms * (1 - self.rate)
        return w * (desired / (norms + epsilon()))
