"""Mixed precision: computing in a shorter type than that of the weights."""

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
