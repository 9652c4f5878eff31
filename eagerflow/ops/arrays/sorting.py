"""Sorting and searching. Positions (argsort, searchsorted ...) are integers, without gradient."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import axis_of
from eagerflow.ops.arrays.indexing import take_along_axis
from eagerflow.ops.arrays.shape import expand_dims, ravel
from eagerflow.ops.elementwise.comparison import isfinite

__all__ = ["argpartition", "argsort", "digitize", "in_top_k", "searchsorted", "sort", "top_k"]


@op()
def argsort(xp: Numpy, x: Array, axis: int | None = -1) -> Array:
    """The indices that sort `x` along `axis` in increasing order; equal elements keep their order.

    Args:
        x: a tensor of real numbers.
        axis: one axis; None for the flattened tensor.

    >>> ef.ops.argsort([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]]).tolist()
    [[1, 2, 0], [0, 2, 1]]
    """
    if x.ndim == 0:
        return xp.zeros((1,) if axis is None else (), "int64")
    return x.argsort(axis=axis, kind="stable")


@composite
def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The elements along `axis` in increasing order.

    Args:
        x: a tensor of real numbers.
        axis: one axis; None for the flattened tensor.

    >>> ef.ops.sort([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]]).tolist()
    [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    """
    x = convert_to_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    return take_along_axis(x, argsort(x, axis=axis_of(axis, x.ndim)), axis)


@composite
def argpartition(x: TensorLike, kth: int, axis: int | None = -1) -> Tensor:
    """The indices that partition `x` along `axis`: the k-th smallest at position `kth`, smaller ones before it.

    Args:
        x: a tensor of real numbers.
        kth: the position of the element to put into its place, from 0.
        axis: one axis; None for the flattened tensor.

    Raises:
        ValueError: when there is no k-th element.

    >>> int(ef.ops.argpartition([3.0, 1.0, 2.0], 1)[1])
    2
    """
    x = convert_to_tensor(x)
    length = x.size if axis is None else x.shape[axis_of(axis, x.ndim)]
    if not -length <= kth < length:
        raise ValueError(f"argpartition: kth={kth} is outside of an axis of length {length} (shape {x.shape}).")
    return argsort(x, axis=axis)  # a sorted axis is partitioned everywhere


@op()
def searchsorted(
    xp: Numpy, sorted_sequence: Array, values: Array, side: Literal["left", "right"] | str = "left"
) -> Array:
    """The indices at which to insert `values` into a sorted sequence so that it stays sorted.

    Args:
        sorted_sequence: a vector in increasing order.
        values: a tensor of any shape.
        side: `"left"` for the first suitable index, `"right"` for the last.

    Raises:
        ValueError: for another side, or a sequence that isn't a vector.

    >>> ef.ops.searchsorted([1, 3, 5], [3, 4]).tolist()
    [1, 2]
    """
    if sorted_sequence.ndim != 1:
        raise ValueError(f"the sorted sequence must be a vector; got shape {sorted_sequence.shape}")
    return xp.searchsorted(sorted_sequence, values, side=side)


@composite
def digitize(x: TensorLike, bins: Any) -> Tensor:
    """The index `i` of the bin that each element falls into: `bins[i - 1] <= x < bins[i]`.

    Args:
        x: a tensor of real numbers.
        bins: the increasing edges between bins.

    Raises:
        ValueError: when the edges don't increase (not checked on a GPU, which would have to wait).

    >>> ef.ops.digitize([0.5, 1.0, 9.0], [1.0, 2.0]).tolist()
    [0, 1, 2]
    """
    bins = convert_to_tensor(bins)
    if isinstance(bins.data, numpy.ndarray) and bins.ndim == 1 and (bins.data[1:] < bins.data[:-1]).any():
        raise ValueError(f"digitize: bins must increase; got {bins.tolist()!r:.80}.")
    return searchsorted(bins, x, side="right")


@op(name="top_k")
def top_positions(xp: Numpy, x: Array, k: int = 1) -> Array:
    """The positions of the `k` largest elements along the last axis, the largest first, of equals the first first."""
    # Turned round before and after, so that among equals the first one comes first.
    order = x[..., ::-1].argsort(axis=-1, kind="stable")[..., ::-1][..., :k]
    return x.shape[-1] - 1 - order


class TopK(NamedTuple):
    """The largest elements and where they stood."""

    values: Tensor
    indices: Tensor


@composite
def top_k(x: TensorLike, k: int, sorted: bool = True) -> TopK:
    """The `k` largest elements along the last axis, the largest first, and their indices.

    Args:
        x: a tensor of real numbers.
        k: the number of elements to return.
        sorted: accepted for Keras' signature; the elements are always sorted.

    Returns:
        `(values, indices)`, whose last axis has length `k`. Of equal elements the first counts as larger.

    Raises:
        ValueError: when there are fewer elements.

    >>> values, indices = ef.ops.top_k([[1.0, 3.0, 2.0], [9.0, 7.0, 8.0]], 2)
    >>> values.tolist(), indices.tolist()
    ([[3.0, 2.0], [9.0, 8.0]], [[1, 2], [0, 2]])
    """
    x = convert_to_tensor(x)
    if not x.ndim or not 0 <= k <= x.shape[-1]:
        raise ValueError(f"top_k: k={k} elements can't be taken from the last axis of shape {x.shape}.")
    indices = top_positions(x, k)
    return TopK(take_along_axis(x, indices, -1), indices)


@composite
def in_top_k(targets: TensorLike, predictions: TensorLike, k: int) -> Tensor:
    """Whether each target is among the `k` classes with the highest predictions.

    Args:
        targets: class numbers, of shape `(batch,)`.
        predictions: scores, of shape `(batch, classes)`.
        k: how many classes count; those with the same score as the last of them count, too.

    Returns:
        Bools of shape `(batch,)`; False where the target's score isn't finite.

    >>> ef.ops.in_top_k([1, 0], [[0.1, 0.9], [0.1, 0.9]], 1).tolist()
    [True, False]
    """
    targets, predictions = convert_to_tensor(targets), convert_to_tensor(predictions)
    score = take_along_axis(predictions, expand_dims(targets, -1), -1)
    larger = (predictions > score).sum(axis=-1)
    return (larger < k) & isfinite(score[..., 0])
