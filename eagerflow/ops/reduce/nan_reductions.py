"""Reductions that leave out NaN: it counts as missing, and gets no gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eagerflow.base.typing import Axes, DType, TensorLike
from eagerflow.core.dtypes import is_half
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.elementwise.arithmetic import absolute, divide, square, subtract
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import equal, isnan
from eagerflow.ops.elementwise.exponential import sqrt
from eagerflow.ops.elementwise.selection import where
from eagerflow.ops.reduce.cumulative import cumprod, cumsum
from eagerflow.ops.reduce.reductions import argmax, argmin, max, min, prod, sum
from eagerflow.ops.reduce.truth import all

__all__ = ["nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd"]
__all__ += ["nansum", "nanvar"]


def _filled(x: Any, value: float) -> Tensor:
    """`x` with `value` in the place of NaN."""
    x = convert_to_tensor(x)
    return x if x.dtype.kind in "iub" else where(isnan(x), value, x)


@composite
def nansum(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Sum over `axis` of the elements that aren't NaN.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.nansum([[1.0, np.nan], [2.0, 4.0]], axis=1).tolist()
    [1.0, 6.0]
    """
    return sum(_filled(x, 0), axis=axis, keepdims=keepdims)


@composite
def nanprod(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Product over `axis` of the elements that aren't NaN.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.nanprod([[2.0, 3.0], [np.nan, 5.0]], axis=1).tolist()
    [6.0, 5.0]
    """
    return prod(_filled(x, 1), axis=axis, keepdims=keepdims)


def _only(axis: Axes) -> Any:
    return axis[0] if isinstance(axis, (tuple, list)) and len(axis) == 1 else axis


@composite
def nancumsum(x: TensorLike, axis: int | None = None, dtype: DType = None) -> Tensor:
    """Cumulative sums in which NaN counts as 0.

    Args:
        x: a tensor.
        axis: the axis along which to accumulate, also as a tuple of one; default: the flattened tensor.
        dtype: the type to add up in; default: as for `cumsum`.

    >>> ef.ops.nancumsum([1.0, np.nan, 2.0]).tolist()
    [1.0, 1.0, 3.0]
    """
    return cumsum(_filled(x, 0), axis=_only(axis), dtype=dtype)


@composite
def nancumprod(x: TensorLike, axis: int | None = None, dtype: DType = None) -> Tensor:
    """Cumulative products in which NaN counts as 1.

    Args:
        x: a tensor.
        axis: the axis along which to accumulate, also as a tuple of one; default: the flattened tensor.
        dtype: the type to multiply in; default: as for `cumprod`.

    >>> ef.ops.nancumprod([2.0, np.nan, 3.0]).tolist()
    [2.0, 2.0, 6.0]
    """
    return cumprod(_filled(x, 1), axis=_only(axis), dtype=dtype)


@composite
def nanmean(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Mean over `axis` of the elements that aren't NaN; NaN where all are.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> float(ef.ops.nanmean([1.0, np.nan, 2.0])), ef.ops.nanmean([[1.0, np.nan], [2.0, 4.0]], axis=1).tolist()
    (1.5, [1.0, 3.0])
    """
    x = convert_to_tensor(x)
    if is_half(x.dtype):  # a half holds neither the sum of many nor their number
        return cast(nanmean(cast(x, "float32"), axis=axis, keepdims=keepdims), x.dtype)
    return divide(sum(_filled(x, 0), axis=axis, keepdims=keepdims), _count(x, axis, keepdims))


def _count(x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """How many elements aren't NaN; NaN where there are none."""
    count = sum(equal(x, x), axis=axis, keepdims=keepdims)
    return where(equal(count, 0), math.nan, count)


@composite
def nanvar(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Variance over `axis` of the elements that aren't NaN; NaN where all are.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> float(ef.ops.nanvar([1.0, np.nan, 3.0]))
    1.0
    """
    x = convert_to_tensor(x)
    if is_half(x.dtype):  # whose mean, rounded, may be further from the numbers than they are from each other
        return cast(nanvar(cast(x, "float32"), axis=axis, keepdims=keepdims), x.dtype)
    distance = subtract(x, nanmean(x, axis=axis, keepdims=True))
    if x.dtype.kind not in "iub":  # the distance of an infinite element is NaN, and counts
        distance = where(isnan(x), 0, distance)
    squares = square(absolute(distance) if x.dtype.kind == "c" else distance)
    return divide(sum(squares, axis=axis, keepdims=keepdims), _count(x, axis, keepdims))


@composite
def nanstd(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Standard deviation over `axis` of the elements that aren't NaN; NaN where all are.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> float(ef.ops.nanstd([1.0, np.nan, 3.0]))
    1.0
    """
    return sqrt(nanvar(x, axis=axis, keepdims=keepdims))


def _extreme(function: Callable[..., Any], worst: float, nothing: float, x: Any, axis: Axes, keepdims: bool) -> Tensor:
    """An extreme, or its place, of all that isn't NaN; `nothing` where nothing is left."""
    x = convert_to_tensor(x)
    found = function(_filled(x, worst), axis=axis, keepdims=keepdims)
    if x.dtype.kind in "iub":
        return found
    return where(all(isnan(x), axis=axis, keepdims=keepdims), nothing, found)


@composite
def nanmax(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Maximum over `axis` of the elements that aren't NaN; NaN where all are.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    Raises:
        ValueError: for an axis without elements.

    >>> ef.ops.nanmax([[np.nan, 3.0, 1.0], [2.0, np.nan, np.nan]], axis=1).tolist()
    [3.0, 2.0]
    """
    return _extreme(max, -math.inf, math.nan, x, axis, keepdims)


@composite
def nanmin(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Minimum over `axis` of the elements that aren't NaN; NaN where all are.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    Raises:
        ValueError: for an axis without elements.

    >>> ef.ops.nanmin([[np.nan, 3.0, 1.0], [2.0, np.nan, np.nan]], axis=1).tolist()
    [1.0, 2.0]
    """
    return _extreme(min, math.inf, math.nan, x, axis, keepdims)


@composite
def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the maximum of the elements that aren't NaN; -1 where all are NaN.

    Args:
        x: a tensor of real numbers.
        axis: one axis; default: the flattened tensor.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.nanargmax([[np.nan, 3.0, 1.0], [2.0, np.nan, np.nan]], axis=1).tolist()
    [1, 0]
    """
    return _extreme(argmax, -math.inf, -1, x, axis, keepdims)


@composite
def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the minimum of the elements that aren't NaN; -1 where all are NaN.

    Args:
        x: a tensor of real numbers.
        axis: one axis; default: the flattened tensor.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.nanargmin([[np.nan, 3.0, 1.0], [2.0, np.nan, np.nan]], axis=1).tolist()
    [2, 0]
    """
    return _extreme(argmin, math.inf, -1, x, axis, keepdims)
