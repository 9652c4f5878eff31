"""Settings of the whole process, such as default types and limits."""

from __future__ import annotations

from eagerflow.base.config import *
from eagerflow.base.faces import listed as _listed
from eagerflow.compiled.choice import kernels as kernels
from eagerflow.layer.dtype_policy import dtype_policy as dtype_policy, set_dtype_policy as set_dtype_policy

_listed(__name__)
