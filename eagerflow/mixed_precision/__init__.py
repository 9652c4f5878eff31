"""Computing in a shorter type than the weights have, under the names of `keras.mixed_precision`."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.layer.dtype_policy import (
    DTypePolicy as DTypePolicy,
    dtype_policy as dtype_policy,
    set_dtype_policy as set_dtype_policy,
)
from eagerflow.optimizers import LossScaleOptimizer as LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy
_listed(__name__)
