"""Putting elements into tensors."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy

from eagerflow.base.typing import NewShape, TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.creation import shape_of
from eagerflow.ops.arrays.indexing import block, raw_index, scatter_index, take
from eagerflow.ops.arrays.join import concatenate
from eagerflow.ops.arrays.placement import overwrite, scatter_extreme
from eagerflow.ops.arrays.shape import reshape
from eagerflow.ops.elementwise.arithmetic import add, multiply
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.selection import where

__all__ = ["scatter", "scatter_update", "slice_update"]


@composite
def slice_update(inputs: TensorLike, start_indices: Any, updates: TensorLike) -> Tensor:
    """A copy of `inputs` in which the block that begins at `start_indices` is replaced by `updates`.

    Args:
        inputs: a tensor.
        start_indices: the first index of the block along each axis.
        updates: the new block, with as many axes as `inputs`.

    Raises:
        ValueError: when the block doesn't lie inside.

    >>> ef.ops.slice_update([1.0, 2.0, 3.0], [1], [9.0]).tolist()
    [1.0, 9.0, 3.0]
    """
    inputs, updates = convert_to_tensor(inputs), convert_to_tensor(updates)
    place_of_it = block("slice_update", inputs.shape, start_indices, updates.shape)
    return overwrite(inputs, cast(updates, inputs.dtype), place_of_it)


@composite
def scatter(indices: TensorLike, values: TensorLike, shape: NewShape) -> Tensor:
    """A tensor of zeros with `values` added at `indices`.

    Args:
        indices: integers of shape `(..., k)`: along the last axis lie the first `k` coordinates of a position.
        values: a tensor of shape `(...) + shape[k:]`.
        shape: the shape of the result.

    Raises:
        ValueError: when the shapes don't fit.
        IndexError: for a position outside (on a GPU it wraps around).

    >>> ef.ops.scatter([[0], [2], [0]], [1.0, 2.0, 3.0], (4,)).tolist()
    [4.0, 0.0, 2.0, 0.0]
    """
    values, lengths = convert_to_tensor(values), shape_of(shape, "scatter")
    index = _coordinates("scatter", indices, lengths, values)
    return scatter_index(values, index, lengths)


def _coordinates(name: str, indices: Any, shape: tuple[int, ...], values: Tensor) -> tuple[Any, ...]:
    """Raw arrays of coordinates, one per axis, from indices whose last axis lists them."""
    indices = convert_to_tensor(indices)
    count = indices.shape[-1] if indices.ndim else 0
    fitting = indices.shape[:-1] + shape[count:]
    if not indices.ndim or count > len(shape) or values.shape != fitting:
        raise ValueError(
            f"{name}: indices of shape {indices.shape} into shape {shape} want values of shape {fitting}; "
            f"got {values.shape}."
        )
    return raw_index(values, tuple([indices[..., i] for i in range(count)]))


_COMBINE = {"max": "maximum", "min": "minimum"}


@composite
def scatter_update(
    inputs: TensorLike,
    indices: TensorLike,
    updates: TensorLike,
    reduction: Literal["add", "mul", "max", "min"] | str | None = None,
) -> Tensor:
    """A copy of `inputs` in which the elements at `indices` are replaced by `updates`, or combined with them.

    Args:
        inputs: a tensor.
        indices: integers of shape `(..., k)`: along the last axis lie the first `k` coordinates of a position.
        updates: a tensor of shape `(...) + inputs.shape[k:]`.
        reduction: None to replace elements (by the last update of a position); `"add"`, `"mul"`, `"max"` or `"min"` to
            combine them with the updates.

    Raises:
        ValueError: when the shapes don't fit, or for another reduction.
        IndexError: for a position outside (on a GPU it wraps around).

    >>> ef.ops.scatter_update([1.0, 2.0, 3.0], [[1]], [9.0]).tolist()
    [1.0, 9.0, 3.0]
    """
    if reduction not in (None, "add", "mul", *_COMBINE):
        raise ValueError(f"scatter_update: reduction={reduction!r}; expected None, 'add', 'mul', 'max' or 'min'.")
    inputs = convert_to_tensor(inputs)
    updates = cast(updates, inputs.dtype)
    index = _coordinates("scatter_update", indices, inputs.shape, updates)
    if reduction is None:
        return overwrite(inputs, updates, index)
    if reduction == "add":
        return add(inputs, scatter_index(updates, index, inputs.shape))
    if reduction == "mul":
        return multiply(inputs, _products_at(indices, updates, inputs.shape))
    return scatter_extreme(inputs, updates, index, _COMBINE[reduction])


def _products_at(indices: Any, updates: Tensor, shape: tuple[int, ...]) -> Tensor:
    """What to multiply each element by: the product of all updates at its place."""
    places = numpy.asarray(convert_to_tensor(indices).numpy())
    count = places.shape[-1]
    heads = shape[:count]
    flat = numpy.ravel_multi_index(tuple(numpy.moveaxis(places % numpy.array(heads), -1, 0)), heads).reshape(-1)
    rows = reshape(updates, (flat.size, *shape[count:]))
    return reshape(product_of_rows(rows, flat, math.prod(heads)), shape)


def product_of_rows(data: Tensor, ids: numpy.ndarray, count: int) -> Tensor:
    """Products by segment: rows are sorted by segment, then windows twice as long are multiplied at each step."""
    order = numpy.argsort(ids, kind="stable")
    ids, rows = ids[order], take(data, order, axis=0)
    distance = 1
    while distance < len(ids) and (ids[distance:] == ids[:-distance]).any():
        same = (ids[distance:] == ids[:-distance]).reshape((-1,) + (1,) * (data.ndim - 1))
        factor = where(Tensor(same, device=data.device), rows[:-distance], 1)
        rows = concatenate([rows[:distance], multiply(rows[distance:], factor)], axis=0)
        distance *= 2
    present, lengths = numpy.unique(ids, return_counts=True)
    ends = numpy.cumsum(lengths) - 1  # the last row of each segment holds the product of all
    blank = Tensor(numpy.ones((count, *data.shape[1:]), data.dtype), device=data.device)
    where_to = Tensor(present, device=data.device).data
    return overwrite(blank, take(rows, ends, axis=0), (where_to,))
