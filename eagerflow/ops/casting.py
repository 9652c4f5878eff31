"""Changing the data type."""

from __future__ import annotations

from typing import Any

from eagerflow.core.dtypes import as_dtype
from eagerflow.core.op import op

__all__ = ["cast", "real"]


@op(lambda g: g, may_round=True)
def cast(xp: Any, x: Any, dtype: Any = None) -> Any:
    """`x` in another data type; gradients flow between float types."""
    return x.astype(as_dtype(dtype))


@op(lambda g: g)
def real(xp: Any, x: Any) -> Any:
    """The real part."""
    return x.real
