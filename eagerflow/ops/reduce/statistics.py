"""Counting, comparing and relating samples."""

from __future__ import annotations

import math
from typing import Any, Literal, overload

import numpy

from eagerflow.base.capturing import replayed_check
from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.dtypes import as_dtype, is_half
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.creation import arange, ones
from eagerflow.ops.arrays.indexing import raw_index, scatter_index, take
from eagerflow.ops.arrays.join import pad
from eagerflow.ops.arrays.shape import expand_dims, ravel, reshape
from eagerflow.ops.arrays.sorting import searchsorted, sort
from eagerflow.ops.elementwise.arithmetic import absolute, add, floor_divide, mod, multiply, square, subtract
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import equal, isfinite, isnan, less_equal
from eagerflow.ops.elementwise.exponential import sqrt
from eagerflow.ops.elementwise.logic import logical_and, logical_not, logical_or
from eagerflow.ops.elementwise.selection import minimum, where
from eagerflow.ops.reduce.reductions import sum
from eagerflow.ops.reduce.truth import all

__all__ = ["allclose", "bincount", "cdist", "histogram", "isclose", "isin", "unique", "unravel_index"]


@composite
def isclose(x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether two tensors agree elementwise, up to `atol + rtol * |x2|`.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.
        rtol: the relative tolerance.
        atol: the absolute tolerance.
        equal_nan: whether NaN is close to NaN.

    >>> ef.ops.isclose([1.0, 2.0], [1.000001, 2.1]).tolist()
    [True, False]
    """
    x1, x2 = multiply(x1, 1.0), multiply(x2, 1.0)
    finite = logical_and(isfinite(x1), isfinite(x2))
    a, b = where(finite, x1, 0), where(finite, x2, 0)
    near = less_equal(absolute(subtract(a, b)), add(multiply(absolute(b), rtol), atol))
    close = logical_or(logical_and(finite, near), equal(x1, x2))
    return logical_or(close, logical_and(isnan(x1), isnan(x2))) if equal_nan else close


@composite
def allclose(x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether all elements are close (see `isclose`).

    Args:
        x1: a tensor or number.
        x2: a tensor or number.
        rtol: the relative tolerance.
        atol: the absolute tolerance.
        equal_nan: whether NaN is close to NaN.

    >>> bool(ef.ops.allclose([1.0, 2.0], [1.0, 2.0]))
    True
    """
    return all(isclose(x1, x2, rtol, atol, equal_nan))


@composite
def isin(x1: TensorLike, x2: TensorLike, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of `x1` is among those of `x2`.

    Args:
        x1: a tensor of real numbers.
        x2: a tensor of real numbers.
        assume_unique: accepted for Keras' signature, and without effect.
        invert: whether to negate the result.

    >>> ef.ops.isin([1, 2, 3], [2, 5]).tolist()
    [False, True, False]
    """
    x1, x2 = convert_to_tensor(x1), ravel(x2)
    if not x2.size:
        found = cast(multiply(cast(x1, "int32"), 0), "bool")
    else:
        ordered = sort(x2)
        place = minimum(searchsorted(ordered, x1), x2.size - 1)
        found = equal(take(ordered, place), x1)
    return logical_not(found) if invert else found


@composite
def bincount(x: TensorLike, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """Counts how often each of the numbers 0, 1, 2 ... occurs.

    Args:
        x: integers of at least 0: a vector, or a matrix, of which each row is counted separately.
        weights: a tensor of the shape of `x` whose values are summed instead of counting. Gradients flow to it.
        minlength: the smallest length of the result.
        sparse: accepted for compatibility with Keras; only False is possible.

    Returns:
        A tensor of shape `(n,)` or `(rows, n)`, where n is at least `minlength` and above every number.

    Raises:
        ValueError: for negative numbers, or another number of axes.

    >>> ef.ops.bincount([0, 1, 1, 3]).tolist()
    [1, 2, 0, 1]
    """
    if sparse:
        raise ValueError("bincount(sparse=True): there are no sparse tensors here.")
    x = convert_to_tensor(x)
    if x.ndim not in (1, 2) or x.dtype.kind not in "iub":
        raise ValueError(f"bincount: expected a vector or matrix of integers; got {x.dtype}{list(x.shape)}.")
    x = cast(x, "int64") if x.dtype.kind == "b" else x
    lowest, highest = (int(x.data.min()), int(x.data.max())) if x.size else (0, -1)
    if lowest < 0:
        raise ValueError(f"bincount: numbers must not be negative; the lowest is {lowest}.")
    length = max(highest + 1, minlength)
    values = ones(x.shape, "int64") if weights is None else convert_to_tensor(weights)
    if values.shape != x.shape:
        raise ValueError(f"bincount: weights need x's shape, {x.shape}; got {values.shape}.")
    index = raw_index(x, (x,) if x.ndim == 1 else (expand_dims(arange(x.shape[0]), 1), x))
    return scatter_index(values, index, (*x.shape[:-1], length))


@op(arrays=("indices",))
def occurrences(xp: Numpy, indices: Array, depth: int = 1) -> Array:
    """How often each integer from 0 to `depth - 1` occurs along axis 1 (or the only one), as a new last axis.

    Integers outside of the range count for nothing.
    """
    array = indices[None] if indices.ndim == 1 else indices
    array = array.swapaxes(1, -1)
    flat = array.reshape(math.prod(array.shape[:-1]), array.shape[-1])  # also of rows without an element
    usable = (flat >= 0) & (flat < depth)
    # One slot per row and index, and one at the end for what counts as nothing.
    slots = xp.where(usable, flat + xp.arange(len(flat))[:, None] * depth, len(flat) * depth)
    counted = xp.bincount(slots.reshape(-1).astype("int64"), minlength=len(flat) * depth + 1)[:-1]
    shape = (*array.shape[:-1], depth)
    return counted.reshape(shape[1:] if indices.ndim == 1 else shape)


@op(outputs=2, arrays=("x",))
def binned(xp: Numpy, x: Array, bins: Any = 10, range: Any = None) -> tuple[Array, ...]:
    """How many elements fall into each bin, and the edges of the bins."""
    counts, edges = xp.histogram(x, bins, range)
    return counts, edges.astype(x.dtype if x.dtype.kind == "f" else as_dtype(None))


@composite
def histogram(x: TensorLike, bins: Any = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """Counts how many elements fall into each of several bins.

    Args:
        x: a vector of real numbers.
        bins: the number of bins of equal width, or a vector of their edges.
        range: `(lowest, highest)` edge; default: the smallest and largest element of `x`.

    Returns:
        `(counts, edges)`, one more edge than bins. No gradient flows to either.

    Raises:
        ValueError: for less than one bin, decreasing edges, a range that isn't finite, or several axes.

    >>> ef.ops.histogram([1.0, 2.0, 2.0, 5.0], bins=2)[0].tolist()
    [3, 1]
    """
    x = convert_to_tensor(x)
    if x.ndim > 1:
        raise ValueError(f"histogram: x: expected one axis; got shape {x.shape}. Flatten it: x.reshape(-1).")
    if not isinstance(bins, (int, numpy.integer)):
        bins = convert_to_tensor(bins, x.dtype if x.dtype.kind == "f" else None).data
    elif bins < 1:
        raise ValueError(f"histogram: bins={bins} must be at least 1.")
    counts, edges = binned(x, bins, range)
    return counts, edges


@op(outputs="many", arrays=("x",), name="unique")
def distinct(
    xp: Numpy,
    x: Array,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
) -> tuple[Array, ...]:
    """The different elements, in order, and what else was asked for."""
    found = xp.unique(x, return_index, return_inverse, return_counts, axis=axis, equal_nan=False)
    return found if isinstance(found, tuple) else (found,)


@overload
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: Literal[False] = False,
    return_inverse: Literal[False] = False,
    return_counts: Literal[False] = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: TensorLike | None = None,
) -> Tensor: ...
@overload
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: TensorLike | None = None,
) -> Tensor | tuple[Tensor, ...]: ...
@composite
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: TensorLike | None = None,
) -> Any:
    """The distinct elements of a tensor, in increasing order.

    Args:
        x: a tensor of real numbers.
        sorted: accepted for Keras' signature; the elements are always sorted.
        return_index: whether to return the index of the first occurrence of each distinct element, too.
        return_inverse: whether to return, for each element of `x`, its index in the result, too.
        return_counts: whether to return how often each distinct element occurs, too.
        axis: compare slices along this axis; default: single elements of the flattened tensor.
        size: the length that the result is cut or padded to; default: as many elements as there are.
        fill_value: the value to pad with; default: 0. Indices are padded with the first of them, counts with 0.

    Returns:
        A tensor, or a tuple of it and the other results. No gradient flows.

    >>> values, counts = ef.ops.unique([3, 1, 3], return_counts=True)
    >>> values.tolist(), counts.tolist()
    ([1, 3], [1, 2])
    """
    x = convert_to_tensor(x)
    values, *others = distinct(x, return_index, return_inverse, return_counts, axis)
    names = [n for n, asked in zip("xic", (return_index, return_inverse, return_counts), strict=True) if asked]
    if size is not None:
        values = _resized(values, size, 0 if axis is None else axis, 0 if fill_value is None else fill_value)
        first = {n: o[0] if n == "x" and o.size else 0 for n, o in zip(names, others)}  # where the filling is met
        others = [o if n == "i" else _resized(o, size, 0, first[n]) for n, o in zip(names, others, strict=True)]
    others = [
        reshape(o, x.shape if axis is None else (-1,)) if n == "i" else o for n, o in zip(names, others, strict=True)
    ]
    return (values, *others) if others else values


def _resized(x: Tensor, size: int, axis: int, fill_value: Any) -> Tensor:
    """Cut off or padded along an axis."""
    axis %= x.ndim
    lead = (slice(None),) * axis
    missing = size - x.shape[axis]
    if missing <= 0:
        return x[(*lead, slice(0, size))]
    widths = [(0, missing if i == axis else 0) for i in range(x.ndim)]
    return pad(x, widths, constant_values=fill_value)


@composite
def unravel_index(indices: TensorLike, shape: Any) -> tuple[Tensor, ...]:
    """Converts indices into a flattened tensor to coordinates in a tensor of a given shape.

    Args:
        indices: integers; negative ones count from the end.
        shape: the shape of the tensor.

    Returns:
        A tuple with one tensor of coordinates per axis.

    Raises:
        ValueError: for positions outside.

    >>> [int(i) for i in ef.ops.unravel_index(5, (2, 3))]
    [1, 2]
    """
    indices = convert_to_tensor(indices)
    total = int(numpy.prod(shape))
    _expect_within(indices, total, tuple(shape))
    rest = mod(indices, total) if total else indices
    found = []
    for length in reversed(tuple(shape)):
        found.append(mod(rest, int(length)))
        rest = floor_divide(rest, int(length))
    return tuple(reversed(found))


@replayed_check
def _expect_within(indices: Tensor, total: int, shape: tuple[int, ...]) -> None:
    if indices.size and not -total <= int(indices.data.min()) <= int(indices.data.max()) < total:
        raise ValueError(f"unravel_index: positions must lie within {total}, the size of shape {shape}.")


@composite
def cdist(x: TensorLike, y: TensorLike) -> Tensor:
    """The Euclidean distances between all pairs of vectors.

    Args:
        x: vectors, of shape `(..., n, d)`.
        y: vectors, of shape `(..., m, d)`.

    Returns:
        A tensor of shape `(..., n, m)`. Where a distance is 0, so is its gradient.

    Raises:
        ValueError: when the shapes don't fit.

    >>> ef.ops.cdist([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
    [[5.0]]
    """
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(f"cdist: expected vectors (..., n, d) and (..., m, d); got shapes {x.shape} and {y.shape}.")
    apart = subtract(expand_dims(x, -2), expand_dims(y, -3))
    if is_half(apart.dtype):  # float16 holds no square above 65504
        return cast(cdist(cast(x, "float32"), cast(y, "float32")), apart.dtype)
    squares = sum(square(apart), axis=-1)
    same = equal(squares, 0)
    return where(same, 0, sqrt(where(same, 1, squares)))
