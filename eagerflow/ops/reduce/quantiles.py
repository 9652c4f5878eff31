"""Quantiles: what lies at given parts of the sorted elements."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.errors import expect_one_of
from eagerflow.base.typing import Axes, QuantileMethod, TensorLike
from eagerflow.core.dtypes import is_half
from eagerflow.core.host_arrays import errstate
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import kept, listed, without
from eagerflow.ops.arrays.indexing import take_along_axis
from eagerflow.ops.arrays.shape import broadcast_to, moveaxis, reshape
from eagerflow.ops.arrays.sorting import sort
from eagerflow.ops.elementwise.arithmetic import add, multiply, subtract
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import equal, isinf, isnan
from eagerflow.ops.elementwise.logic import logical_or
from eagerflow.ops.elementwise.rounding import ceil, floor, round
from eagerflow.ops.elementwise.selection import maximum, where
from eagerflow.ops.reduce.reductions import sum
from eagerflow.ops.reduce.truth import any

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@composite
def quantile(
    x: TensorLike, q: TensorLike, axis: Axes = None, method: QuantileMethod = "linear", keepdims: bool = False
) -> Tensor:
    """Quantiles: the values below which the fraction `q` of the elements lies; NaN where any element is NaN.

    Args:
        x: a tensor of real numbers.
        q: a number from 0 to 1, or a vector of them.
        axis: the axis or axes to reduce; default: all.
        method: what to return where the quantile lies between two elements: `"linear"` (interpolated), `"lower"`,
            `"higher"`, `"midpoint"` or `"nearest"`.
        keepdims: whether to keep the reduced axes, with length 1.

    Returns:
        A tensor; the axis of `q`, if it has one, comes first.

    Raises:
        ValueError: for another method, `q` outside of 0 to 1, or no elements.

    >>> ef.ops.quantile([1.0, 2.0, 4.0], [0.0, 0.5, 0.75]).tolist()
    [1.0, 2.0, 3.0]
    """
    return _quantile("quantile", x, q, axis, method, keepdims, skip_nan=False)


@composite
def nanquantile(
    x: TensorLike, q: TensorLike, axis: Axes = None, method: QuantileMethod = "linear", keepdims: bool = False
) -> Tensor:
    """Quantiles of the elements that aren't NaN (see `quantile`); NaN where all are.

    Args:
        x: a tensor of real numbers.
        q: a number from 0 to 1, or a vector of them.
        axis: the axis or axes to reduce; default: all.
        method: see `quantile`.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> float(ef.ops.nanquantile([1.0, np.nan, 2.0], 0.5))
    1.5
    """
    return _quantile("nanquantile", x, q, axis, method, keepdims, skip_nan=True)


@composite
def percentile(
    x: TensorLike, q: TensorLike, axis: Axes = None, method: QuantileMethod = "linear", keepdims: bool = False
) -> Tensor:
    """Percentiles: `quantile` with `q` from 0 to 100.

    Args:
        x: a tensor of real numbers.
        q: a number from 0 to 100, or a vector of them.
        axis: the axis or axes to reduce; default: all.
        method: see `quantile`.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.percentile([1.0, 2.0, 4.0], [0, 50, 75]).tolist()
    [1.0, 2.0, 3.0]
    """
    return _quantile("percentile", x, multiply(q, 0.01), axis, method, keepdims, skip_nan=False)


@composite
def nanpercentile(
    x: TensorLike, q: TensorLike, axis: Axes = None, method: QuantileMethod = "linear", keepdims: bool = False
) -> Tensor:
    """Percentiles of the elements that aren't NaN: `nanquantile` with `q` from 0 to 100.

    Args:
        x: a tensor of real numbers.
        q: a number from 0 to 100, or a vector of them.
        axis: the axis or axes to reduce; default: all.
        method: see `quantile`.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.nanpercentile([1.0, np.nan, 2.0, 3.0], [0, 50, 100]).tolist()
    [1.0, 2.0, 3.0]
    """
    return _quantile("nanpercentile", x, multiply(q, 0.01), axis, method, keepdims, skip_nan=True)


@composite
def median(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Median: the middle element in order, or the mean of the two middle ones; NaN where any element is NaN.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> float(ef.ops.median([1.0, 9.0, 2.0])), ef.ops.median([[1.0, 3.0], [5.0, 9.0]], axis=1).tolist()
    (2.0, [2.0, 7.0])
    """
    return _quantile("median", x, 0.5, axis, "midpoint", keepdims, skip_nan=False)


@composite
def nanmedian(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Median of the elements that aren't NaN: the middle one in order, or the mean of the two middle ones.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> float(ef.ops.nanmedian([3.0, np.nan, 1.0, 2.0]))
    2.0
    """
    return _quantile("nanmedian", x, 0.5, axis, "midpoint", keepdims, skip_nan=True)


def _quantile(name: str, x: Any, q: Any, axis: Axes, method: QuantileMethod, keepdims: bool, skip_nan: bool) -> Tensor:
    expect_one_of(name, "method", method, _METHODS)
    x = convert_to_tensor(x)
    x = cast(x, None) if x.dtype.kind in "iub" else x
    if is_half(x.dtype):  # which counts places exactly up to 2,048, or 256
        wide = _quantile(name, cast(x, "float32"), q, axis, method, keepdims, skip_nan)
        return cast(wide, x.dtype)
    q = cast(q, x.dtype)
    if q.ndim > 1 or not bool(((q >= 0) & (q <= 1)).all()):
        raise ValueError(f"{name}: q must be a number or a vector of numbers in range; got {q.tolist()}.")
    axes = listed(axis, x.ndim)
    rest = without(x.shape, axes)
    length = math.prod([x.shape[a] for a in axes])
    lines = reshape(moveaxis(x, axes, tuple(range(x.ndim - len(axes), x.ndim))), (*rest, length))
    if not lines.shape[-1]:
        raise ValueError(f"{name}: no elements along axis={axis} of shape {x.shape}.")
    found = _at_parts(lines, reshape(q, (-1,)), method, skip_nan)
    shape = kept(x.shape, axes) if keepdims else rest
    return reshape(moveaxis(found, -1, 0), q.shape + shape)


def _at_parts(lines: Tensor, q: Tensor, method: QuantileMethod, skip_nan: bool) -> Tensor:
    """The quantiles of each line, as the last axis."""
    ordered = sort(lines, axis=-1)  # NaN comes last
    missing = isnan(lines)
    count = sum(cast(equal(missing, False), lines.dtype), axis=-1, keepdims=True)
    last = maximum(subtract(count, 1), 0) if skip_nan else lines.shape[-1] - 1
    places = broadcast_to(multiply(q, last), (*lines.shape[:-1], q.size))
    low, high = floor(places), ceil(places)
    if method == "nearest":
        low = high = round(places)
    below = take_along_axis(ordered, cast(low if method != "higher" else high, "int64"), -1)
    above = take_along_axis(ordered, cast(high if method != "lower" else low, "int64"), -1)
    part = {"linear": subtract(places, low), "midpoint": 0.5}.get(method, 0.0)
    infinite = logical_or(isinf(below), isinf(above))
    with errstate(invalid="ignore"):
        found = add(below, multiply(subtract(above, below), part))
        if bool(any(infinite)):  # there inf - inf would be NaN, and so would 0 * inf
            mixed = add(multiply(below, subtract(1, part)), multiply(above, part))
            same = logical_or(equal(part, 0), equal(below, above))
            found = where(infinite, where(same, below, mixed), found)
    spoilt = equal(count, 0) if skip_nan else any(missing, axis=-1, keepdims=True)
    return where(spoilt, math.nan, found)
