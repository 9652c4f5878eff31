"""Whether all elements are true, or any."""

from __future__ import annotations

from typing import Any

from eagerflow.core.op import op
from eagerflow.ops.arrays.axes import axes_of

__all__ = ["all", "any"]


@op()
def all(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all elements along `axis` are true.

    Args:
        x: a tensor.
        axis: an axis or several; default all.
        keepdims: keep the reduced axes with length one.

    >>> bool(ef.ops.all([True, False]))
    False
    """
    return x.all(axis=axes_of(axis), keepdims=keepdims)


@op()
def any(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any element along `axis` is true.

    Args:
        x: a tensor.
        axis: an axis or several; default all.
        keepdims: keep the reduced axes with length one.

    >>> bool(ef.ops.any([True, False]))
    True
    """
    return x.any(axis=axes_of(axis), keepdims=keepdims)
