"""`tf.math`'s rarer functions."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.compat.arguments import renamed
from eagerflow.compat.tensorflow.nn import zero_fraction
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise import gamma

__all__ = ["angle", "digamma", "lgamma", "reciprocal_no_nan", "rint", "zero_fraction"]

lgamma, digamma = renamed(gamma.lgamma, "x"), renamed(gamma.digamma, "x")
angle, rint = renamed(ops.angle, "input"), renamed(ops.round, "x")


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """`1 / x`, and 0 where `x` is 0.

    >>> reciprocal_no_nan([2.0, 0.0]).tolist()
    [0.5, 0.0]
    """
    return ops.divide_no_nan(ops.ones_like(x), x)
