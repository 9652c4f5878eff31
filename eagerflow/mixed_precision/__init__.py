"""Computing in a shorter type than the weights have, under the names of `keras.mixed_precision`."""

from __future__ import annotations

from eagerflow.layer.dtype_policy import DTypePolicy, dtype_policy, set_dtype_policy
from eagerflow.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]


def __dir__() -> list[str]:
    return sorted(__all__)
