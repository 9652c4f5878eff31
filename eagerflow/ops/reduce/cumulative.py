"""Running sums and products, and differences between neighbours."""

from __future__ import annotations

import builtins
from typing import Any

from eagerflow.base.typing import Array, DType, Numpy, TensorLike
from eagerflow.core.dtypes import is_half
from eagerflow.core.op import composite, identity, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import axis_of
from eagerflow.ops.arrays.join import concatenate
from eagerflow.ops.arrays.shape import ravel
from eagerflow.ops.elementwise.arithmetic import divide, multiply, subtract
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import not_equal
from eagerflow.ops.reduce.reductions import sum

__all__ = ["cumprod", "cumsum", "diff", "trapezoid"]


def _cumsum_rule(xp: Numpy, g: Array, axis: int | None, x_shape: tuple[int, ...]) -> Array:
    along = 0 if axis is None else axis
    return xp.flip(_running(xp.flip(g, along), along), along).reshape(x_shape)


def _running(x: Any, axis: int | None, dtype: DType = None) -> Any:
    """`x.cumsum`; that of halves in float32, as `wide_sum`."""
    if not isinstance(x, Tensor) and is_half(x.dtype) and (dtype is None or dtype == x.dtype):
        return x.cumsum(axis=axis, dtype="float32").astype(x.dtype)
    return x.cumsum(axis=axis, dtype=dtype)


@op(_cumsum_rule)
def cumsum(xp: Numpy, x: Array, axis: int | None = None, dtype: DType = None) -> Array:
    """Cumulative sums: each element becomes the sum of all elements up to it.

    Args:
        x: a tensor.
        axis: the axis along which to accumulate; default: the flattened tensor.
        dtype: the type to add up in; default: that of `x`, but 64 bits for bools and smaller integers.

    >>> ef.ops.cumsum([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], axis=1).tolist()
    [[1.0, 3.0, 6.0], [4.0, 9.0, 15.0]]
    """
    return _running(x, axis, dtype)


@composite
def cumprod(x: TensorLike, axis: int | None = None, dtype: DType = None) -> Tensor:
    """Cumulative products: each element becomes the product of all elements up to it.

    Args:
        x: a tensor. Gradients are right also where it contains zeros.
        axis: the axis along which to accumulate; default: the flattened tensor.
        dtype: the type to multiply in; default: that of `x`, but 64 bits for bools and smaller integers.

    >>> ef.ops.cumprod([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], axis=1).tolist()
    [[1.0, 2.0, 6.0], [4.0, 20.0, 120.0]]
    """
    x = convert_to_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = axis_of(axis, x.ndim)
    if dtype is None and x.dtype.kind in "iub":
        dtype = "uint64" if x.dtype.kind == "u" else "int64"
    x = x if dtype is None else cast(x, dtype)
    if is_half(x.dtype):  # every product would be rounded
        return cast(cumprod(cast(x, "float32"), axis), x.dtype)
    if x.shape[axis] == 1:
        return identity(x)
    lead = (slice(None),) * axis
    distance = 1
    while distance < x.shape[axis]:  # after each step, windows twice as long are multiplied up
        longer = multiply(x[(*lead, slice(distance, None))], x[(*lead, slice(None, -distance))])
        x = concatenate([x[(*lead, slice(None, distance))], longer], axis=axis)
        distance *= 2
    return x


@composite
def diff(a: TensorLike, n: int = 1, axis: int = -1) -> Tensor:
    """Differences between neighbouring elements: `a[i + 1] - a[i]`.

    Args:
        a: a tensor of at least one axis. For bools, the result is True where neighbours differ.
        n: how many times to take differences.
        axis: the axis along which neighbours lie.

    Raises:
        ValueError: for a negative `n`.

    >>> ef.ops.diff([1.0, 4.0, 9.0]).tolist(), ef.ops.diff([1.0, 4.0, 9.0], n=2).tolist()
    ([3.0, 5.0], [2.0])
    """
    a = convert_to_tensor(a)
    if n < 0:
        raise ValueError(f"diff: n={n} must not be negative.")
    place = axis_of(axis, a.ndim)
    lead = (slice(None),) * place
    operation = not_equal if a.dtype.kind == "b" else subtract
    if not n:
        return identity(a)
    for _ in builtins.range(min(n, a.shape[place])):  # then nothing is left
        a = operation(a[(*lead, slice(1, None))], a[(*lead, slice(None, -1))])
    return a


@composite
def trapezoid(y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """Integrates sampled values by the trapezoidal rule.

    Args:
        y: the values.
        x: the points of the samples: a vector, or a tensor of the shape of `y`; default: equal distances `dx`.
        dx: the distance between samples, where `x` isn't given.
        axis: the axis to integrate along.

    >>> float(ef.ops.trapezoid([1.0, 2.0, 3.0]))
    4.0
    """
    y = convert_to_tensor(y)
    if is_half(y.dtype):  # differences between places are small ones of rounded numbers
        places = None if x is None else cast(x, "float32")
        return cast(trapezoid(cast(y, "float32"), places, dx, axis), y.dtype)
    along = axis_of(axis, y.ndim)
    lead = (slice(None),) * along
    width: Any = dx
    if x is not None:
        x = convert_to_tensor(x)
        width = diff(x, axis=along if x.ndim > 1 else 0)
        if x.ndim == 1:
            width = width.reshape((-1,) + (1,) * (y.ndim - along - 1))
    heights = y[(*lead, slice(1, None))] + y[(*lead, slice(None, -1))]
    return sum(divide(multiply(heights, width), 2.0), axis=along)
