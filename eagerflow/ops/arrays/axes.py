"""Axes as users give them (negative, one or several), and shapes with some of them reduced."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, Axes, Numpy
from eagerflow.core.host_arrays import AxisError
from eagerflow.core.tensor import Tensor

__all__ = ["axes_of", "axis_of", "kept", "listed", "spread"]

_SMALL = 1 << 14  # elements: above, writing them costs more than the call


def axes_of(axis: Any) -> Any:
    """What NumPy takes for `axis`: lists become tuples, and so do arrays of integers."""
    if axis is None or axis.__class__ is int or axis.__class__ is tuple:
        return axis
    if hasattr(axis, "tolist"):
        axis = axis.tolist()
    return tuple(axis) if axis.__class__ is list else axis


def axis_of(axis: int, ndim: int, name: str = "axis") -> int:
    """One axis, counted from the front.

    Raises:
        AxisError: when there is no such axis.
    """
    if not -ndim <= axis < ndim:
        raise AxisError(f"{name}={axis} is out of bounds for a tensor of {ndim} dimensions")
    return axis % ndim


def listed(axis: Axes, ndim: int) -> tuple[int, ...]:
    """Axes as a tuple, counted from the front; all of them for None."""
    if axis is None:
        return tuple(range(ndim))
    several = axes_of(axis)
    return tuple([axis_of(a, ndim) for a in (several if isinstance(several, tuple) else (several,))])


def kept(shape: tuple[int, ...], axis: Axes) -> tuple[int, ...]:
    """`shape` with the reduced axes at length one."""
    if axis is None:
        return (1,) * len(shape)
    reduced = listed(axis, len(shape))
    return tuple([1 if i in reduced else n for i, n in enumerate(shape)])


def without(shape: tuple[int, ...], axis: Axes) -> tuple[int, ...]:
    """`shape` without the reduced axes."""
    reduced = listed(axis, len(shape))
    return tuple([n for i, n in enumerate(shape) if i not in reduced])


def spread(xp: Numpy, g: Array, shape: tuple[int, ...], axis: Axes) -> Any:
    """The gradient of a sum: `g` repeated along the reduced axes."""
    if axis is not None:
        g = g.reshape(kept(shape, axis))
    if isinstance(g, Tensor) or math.prod(shape) > _SMALL:
        return xp.broadcast_to(g, shape)
    out = xp.empty(shape, g.dtype)  # a third of the cost of a view by broadcast_to
    out[...] = g
    return out
