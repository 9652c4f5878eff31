"""float16 and bfloat16 on a CPU: computed in float32, rounded once at the end.

NumPy's loops over halves are slow, its products of them slower by far, and both round at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.core.dtypes import is_half

__all__ = ["has_halves", "in_float32", "narrow", "wide"]


def has_halves(*arrays: Any) -> bool:
    """Whether some of the arrays (or None) are halves, and float32 holds all of them."""
    dtypes = [a.dtype for a in arrays if a is not None]
    return any([is_half(dtype) for dtype in dtypes]) and max([dtype.itemsize for dtype in dtypes]) <= 4


def wide(*arrays: Any) -> list[Any]:
    """The arrays as float32; None stays None."""
    return [None if a is None else a.astype(numpy.float32, copy=False) for a in arrays]


def narrow(a: Any, dtype: Any) -> Any:
    """An array rounded to a type; None stays None."""
    return None if a is None else a.astype(dtype, copy=False)


def in_float32(function: Callable[..., Any], x: Any, *others: Any) -> Any:
    """`function(x, *others)`; of halves in float32, rounded once."""
    if x.dtype.itemsize == 2 and is_half(x.dtype):
        return function(x.astype(numpy.float32), *others).astype(x.dtype)
    return function(x, *others)
