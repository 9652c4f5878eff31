"""Penalties on the size of values."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Number
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.regularizers.base import Regularizer, factor, table

__all__ = ["L1", "L1L2", "L2"]


@table.add("l1")
class L1(Regularizer):
    """L1 penalty: `l1 * sum(abs(x))`.

    Args:
        l1: the factor.

    Raises:
        ValueError: for a factor that is negative or no number.

    >>> ef.regularizers.L1(0.1)([1.0, -2.0]).round(4)
    Tensor(float32, 0.3)
    """

    @boundary
    def __init__(self, l1: Number = 0.01) -> None:
        self.l1 = factor(0.01 if l1 is None else l1, "l1", "L1")

    def __call__(self, x: Any) -> Tensor:
        return ops.sum(ops.absolute(x)) * self.l1


@table.add("l2")
class L2(Regularizer):
    """L2 penalty (weight decay): `l2 * sum(x ** 2)`.

    Args:
        l2: the factor.

    Raises:
        ValueError: for a factor that is negative or no number.

    >>> ef.regularizers.L2(0.1)([1.0, -2.0]).round(4)
    Tensor(float32, 0.5)
    >>> layer = ef.layers.Dense(2, kernel_initializer="ones", kernel_regularizer=ef.regularizers.L2(0.1))
    >>> _ = layer(ef.ops.ones((1, 3)))
    >>> layer.losses[0].round(4)
    Tensor(float32, 0.6)
    """

    @boundary
    def __init__(self, l2: Number = 0.01) -> None:
        self.l2 = factor(0.01 if l2 is None else l2, "l2", "L2")

    def __call__(self, x: Any) -> Tensor:
        return ops.sum(ops.square(x)) * self.l2


@table.add("l1_l2", "l1l2")
class L1L2(Regularizer):
    """L1 and L2 penalties: `l1 * sum(abs(x)) + l2 * sum(x ** 2)`.

    Args:
        l1: the factor of the absolute values.
        l2: the factor of the squares.

    Raises:
        ValueError: for a factor that is negative or no number.

    >>> ef.regularizers.L1L2(l1=0.1, l2=0.1)([1.0, -2.0]).round(4)
    Tensor(float32, 0.8)
    """

    def __init__(self, l1: Number = 0.0, l2: Number = 0.0) -> None:
        self.l1 = factor(0.0 if l1 is None else l1, "l1", "L1L2")
        self.l2 = factor(0.0 if l2 is None else l2, "l2", "L1L2")

    def __call__(self, x: Any) -> Tensor:
        x = convert_to_tensor(x)
        penalty = convert_to_tensor(0.0, x.dtype)
        if self.l1:
            penalty = ops.sum(ops.absolute(x)) * self.l1
        return ops.sum(ops.square(x)) * self.l2 + penalty if self.l2 else penalty
