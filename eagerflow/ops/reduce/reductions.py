"""Reductions over axes: sum, mean, max, min, prod, var, std and what follows from them."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, Axes, DType, Numpy, TensorLike
from eagerflow.core.dtypes import is_half, wide_sum
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import axes_of, kept, listed, spread
from eagerflow.ops.arrays.shape import broadcast_to
from eagerflow.ops.elementwise.arithmetic import absolute, divide, multiply, power, square, subtract
from eagerflow.ops.elementwise.comparison import not_equal
from eagerflow.ops.elementwise.op_settings import as_number
from eagerflow.ops.elementwise.selection import maximum, minimum

__all__ = ["amax", "amin", "argmax", "argmin", "average", "count_nonzero", "max", "mean", "min", "prod", "ptp", "std"]
__all__ += ["sum", "var"]


@op(lambda xp, g, x_shape, axis: spread(xp, g, x_shape, axis))
def sum(xp: Numpy, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Sum over `axis`; small integers and bools add up as int64, as NumPy does.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> x = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    >>> float(ef.ops.sum(x)), ef.ops.sum(x, axis=0).tolist()
    (21.0, [5.0, 7.0, 9.0])
    >>> ef.ops.sum(x, axis=1, keepdims=True).shape
    (2, 1)
    """
    return wide_sum(x, axes_of(axis), keepdims)


def _mean_rule(xp: Numpy, g: Array, x_shape: tuple[int, ...], axis: Axes) -> Array:
    reduced = x_shape if axis is None else [x_shape[a] for a in listed(axis, len(x_shape))]
    count = math.prod(reduced)
    # float16 ends at 65504, also for a number to divide by
    share = (g.astype("float32") / count).astype(g.dtype) if is_half(g.dtype) else g / count
    return spread(xp, share, x_shape, axis)


@op(_mean_rule, floating=True)
def mean(xp: Numpy, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Mean over `axis`; integers become floats.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> x = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    >>> float(ef.ops.mean(x)), ef.ops.mean(x, axis=1).tolist()
    (3.5, [2.0, 5.0])
    >>> ef.grad(ef.ops.mean)([1.0, 2.0, 3.0, 6.0]).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    if x.dtype.itemsize < 4:
        found = x.mean(axis=axes_of(axis), dtype="float32", keepdims=keepdims)
        return found.astype(x.dtype, copy=False)
    count = x.size if axis is None else math.prod([x.shape[a] for a in listed(axis, x.ndim)])
    return x.sum(axis=axes_of(axis), keepdims=keepdims) / count


def _extreme_rule(xp: Numpy, g: Array, x: Array, out: Array, axis: Axes, initial: Any) -> Array:
    """The gradient goes to the elements that are the extreme, in equal shares."""
    shape = kept(x.shape, axis)
    mask = xp.equal(x, out.reshape(shape)).astype(g.dtype)
    share = wide_sum(mask, axes_of(axis), keepdims=True)
    if initial is not None:  # which may be the extreme itself
        share = xp.maximum(share, 1)
    return mask * (g.reshape(shape) / share)


def _extreme(xp: Numpy, x: Array, axis: Axes, keepdims: bool, initial: Any, largest: bool) -> tuple[Any, Any]:
    """The extreme, and nothing: where it was found is for kernels to tell."""
    if initial is not None:
        initial = as_number("initial", initial, _max_by_ops if largest else _min_by_ops)
        return _with_initial(xp, x, "max" if largest else "min", axis, keepdims, initial), None
    return (x.max if largest else x.min)(axis=axes_of(axis), keepdims=keepdims), None


@op(_extreme_rule, saves=("places",))
def max(
    xp: Numpy, x: Array, axis: Axes = None, keepdims: bool = False, initial: Any = None, *, keep: bool = False
) -> Any:
    """Maximum over `axis`. Equal maxima share the gradient equally.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.
        initial: a number that counts as one more element, which is needed where there are no elements.

    Raises:
        ValueError: for an axis without elements, unless `initial` is given.

    >>> ef.ops.max([[1.0, 5.0], [7.0, 2.0]], axis=1).tolist()
    [5.0, 7.0]
    >>> ef.grad(ef.ops.max)([3.0, 7.0, 7.0]).tolist()
    [0.0, 0.5, 0.5]
    """
    return _extreme(xp, x, axis, keepdims, initial, True)


@op(_extreme_rule, saves=("places",))
def min(
    xp: Numpy, x: Array, axis: Axes = None, keepdims: bool = False, initial: Any = None, *, keep: bool = False
) -> Any:
    """Minimum over `axis`. Equal minima share the gradient equally.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.
        initial: a number that counts as one more element, which is needed where there are no elements.

    Raises:
        ValueError: for an axis without elements, unless `initial` is given.

    >>> ef.ops.min([[1.0, 5.0], [7.0, 2.0]], axis=1).tolist()
    [1.0, 2.0]
    >>> float(ef.ops.min([3.0, 1.0], initial=0.0))
    0.0
    """
    return _extreme(xp, x, axis, keepdims, initial, False)


def _max_by_ops(x: Any, axis: Axes, keepdims: bool, initial: Any) -> Any:
    return maximum(max(x, axis, keepdims), initial)


def _min_by_ops(x: Any, axis: Axes, keepdims: bool, initial: Any) -> Any:
    return minimum(min(x, axis, keepdims), initial)


def _with_initial(xp: Numpy, x: Array, method: str, axis: Axes, keepdims: bool, initial: Any) -> Any:
    """The extreme of the elements and `initial` (NumPy alone knows the argument)."""
    initial = initial.item() if hasattr(initial, "item") else initial
    reduced = listed(axis, x.ndim)
    if math.prod([x.shape[a] for a in reduced]):
        found = getattr(x, method)(axis=axes_of(axis), keepdims=keepdims)
        if x.dtype.kind in "bV":  # a number would widen truth values and bfloat16
            initial = xp.asarray(initial, x.dtype)
        return (xp.maximum if method == "max" else xp.minimum)(found, initial)
    shape = [1 if i in reduced else n for i, n in enumerate(x.shape) if keepdims or i not in reduced]
    return xp.full(tuple(shape), initial, x.dtype)


@composite
def amax(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Maximum over `axis`: `max` without `initial`.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.amax([[1.0, 5.0, 3.0], [4.0, 2.0, 6.0]], axis=0).tolist()
    [4.0, 5.0, 6.0]
    """
    return max(x, axis=axis, keepdims=keepdims)


@composite
def amin(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Minimum over `axis`: `min` without `initial`.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.amin([[1.0, 5.0, 3.0], [4.0, 2.0, 6.0]], axis=1).tolist()
    [1.0, 2.0]
    """
    return min(x, axis=axis, keepdims=keepdims)


def _prod_rule(xp: Numpy, g: Array, x: Array, axis: Axes) -> Array:
    """The product of all the others, from both sides, so that zeros need no care."""
    axes = listed(axis, x.ndim)
    last = tuple(range(x.ndim - len(axes), x.ndim))
    moved = xp.moveaxis(x, axes, last)
    place = x.ndim - len(axes)
    rows = moved.reshape((math.prod(moved.shape[:place]), math.prod(moved.shape[place:])))
    ones = xp.ones_like(rows[:, :1])
    before = xp.cumprod(xp.concatenate([ones, rows[:, :-1]], axis=1), axis=1)
    after = xp.flip(xp.cumprod(xp.concatenate([ones, xp.flip(rows, axis=1)[:, :-1]], axis=1), axis=1), axis=1)
    others = xp.moveaxis((before * after).reshape(moved.shape), last, axes)
    return g.reshape(kept(x.shape, axis)) * others


@op(_prod_rule, holomorphic=True)
def prod(xp: Numpy, x: Array, axis: Axes = None, keepdims: bool = False, dtype: DType = None) -> Array:
    """Product over `axis`.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.
        dtype: the type to compute in; default: that of `x`, but 64 bits for bools and smaller integers.

    >>> ef.ops.prod([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], axis=1).tolist()
    [6.0, 120.0]
    """
    return x.prod(axis=axes_of(axis), dtype=dtype, keepdims=keepdims)


@op()
def argmax(xp: Numpy, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The index of the (first) maximum along `axis`, or in the flattened tensor.

    Args:
        x: a tensor of real numbers.
        axis: one axis; default: the flattened tensor.
        keepdims: whether to keep the reduced axes, with length 1.

    Raises:
        ValueError: for an axis without elements.

    >>> ef.ops.argmax([[1.0, 5.0], [7.0, 2.0]], axis=1).tolist()
    [1, 0]
    >>> int(ef.ops.argmax([[1.0, 5.0], [7.0, 2.0]]))
    2
    """
    return x.argmax(axis=axis, keepdims=keepdims)


@op()
def argmin(xp: Numpy, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The index of the (first) minimum along `axis`, or in the flattened tensor.

    Args:
        x: a tensor of real numbers.
        axis: one axis; default: the flattened tensor.
        keepdims: whether to keep the reduced axes, with length 1.

    Raises:
        ValueError: for an axis without elements.

    >>> ef.ops.argmin([[3, 1, 2], [4, 6, 4]], axis=1).tolist()
    [1, 0]
    """
    return x.argmin(axis=axis, keepdims=keepdims)


def _wide(x: Any) -> tuple[Any, Any]:
    """Halves as float32, with the type to go back to: float16 holds no square above 65504. Others as they are."""
    dtype = getattr(x, "dtype", None)
    if dtype is None or getattr(dtype, "itemsize", 0) != 2 or not is_half(dtype):
        return x, None
    return convert_to_tensor(x).astype("float32"), dtype


@composite
def var(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Variance over `axis` (the mean squared distance from the mean).

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.var([[1.0, 3.0], [5.0, 5.0]], axis=1).tolist()
    [1.0, 0.0]
    """
    wide, dtype = _wide(x)
    if dtype is not None:
        return var(wide, axis, keepdims).astype(dtype)
    distance = subtract(x, mean(x, axis=axis, keepdims=True))
    if distance.dtype.kind == "c":
        distance = absolute(distance)
    return mean(square(distance), axis=axis, keepdims=keepdims)


@composite
def std(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Standard deviation over `axis`: the square root of `var`.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> ef.ops.std([[1.0, 3.0], [5.0, 5.0]], axis=1).tolist()
    [1.0, 0.0]
    """
    wide, dtype = _wide(x)
    found = power(var(wide, axis=axis, keepdims=keepdims), 0.5)
    return found if dtype is None else found.astype(dtype)


@composite
def ptp(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Peak to peak: maximum minus minimum over `axis`.

    Args:
        x: a tensor of real numbers.
        axis: the axis or axes to reduce; default: all.
        keepdims: whether to keep the reduced axes, with length 1.

    >>> float(ef.ops.ptp([1.0, 5.0, 3.0]))
    4.0
    """
    return subtract(max(x, axis=axis, keepdims=keepdims), min(x, axis=axis, keepdims=keepdims))


@composite
def count_nonzero(x: TensorLike, axis: Axes = None) -> Tensor:
    """Counts the elements along `axis` that are not 0.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.

    >>> int(ef.ops.count_nonzero([0, 3, 4]))
    2
    """
    return sum(not_equal(x, 0), axis=axis)


@composite
def average(x: TensorLike, axis: Axes = None, weights: Any = None) -> Tensor:
    """Weighted mean over `axis`.

    Args:
        x: a tensor.
        axis: the axis or axes to reduce; default: all.
        weights: a tensor of the shape of `x`, or a vector where `axis` is one axis; default: equal weights.

    Raises:
        ValueError: when `weights` have another shape.

    >>> float(ef.ops.average([1.0, 3.0], weights=[3.0, 1.0]))
    1.5
    >>> ef.ops.average([[1.0, 3.0], [5.0, 7.0]], axis=0).tolist()
    [3.0, 5.0]
    """
    if weights is None:
        return mean(x, axis=axis)
    x, weights = convert_to_tensor(x), convert_to_tensor(weights)
    if weights.shape != x.shape:
        axes = listed(axis, x.ndim)
        if axis is None or weights.shape != tuple([x.shape[a] for a in axes]):
            raise ValueError(
                f"average: weights of shape {weights.shape} fit neither x's shape {x.shape} nor its axis {axis}."
            )
        weights = weights.reshape(tuple([n if i in axes else 1 for i, n in enumerate(x.shape)]))
    total = sum(broadcast_to(weights, x.shape), axis=axis)
    return divide(sum(multiply(x, weights), axis=axis), total)
