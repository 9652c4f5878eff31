"""A step of a moving average on a GPU, in one launch."""

from __future__ import annotations

from functools import cache
from typing import Any

from eagerflow.core.device import is_for_gpu_kernels, load_cupy
from eagerflow.kernels.gpu.source import TYPES

__all__ = ["mixed_on_gpu"]


@cache
def _kernel() -> Any:
    return load_cupy().ElementwiseKernel(
        "T old, T now, T kept, T new_share", "T out", "out = old * kept + now * new_share", "eagerflow_mixed"
    )


def mixed_on_gpu(old: Any, now: Any, kept: float) -> Any:
    """`old * kept + now * (1 - kept)` of CuPy's arrays of one type; None for others."""
    if not is_for_gpu_kernels(old) or old.dtype != now.dtype or old.dtype.char not in TYPES:
        return None
    number = old.dtype.type
    return _kernel()(old, now, number(kept), number(1.0 - kept))
