"""Reductions by segment: of the elements that carry the same number."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.capturing import capturing, replayed_check
from eagerflow.base.typing import TensorLike
from eagerflow.core.device import to_host
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.indexing import raw_index, scatter_index
from eagerflow.ops.arrays.placement import scatter_extreme
from eagerflow.ops.arrays.scatter import product_of_rows
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import less
from eagerflow.ops.elementwise.selection import where

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def _checked(name: str, data: Any, segment_ids: Any, num_segments: Any) -> tuple[Tensor, Tensor, int, int]:
    """The rows, their numbers, how many segments there are, and how many to compute: those that come first count."""
    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or not data.ndim or ids.shape[0] != data.shape[0]:
        raise ValueError(
            f"{name}: segment_ids must be a vector of integers, one per row of data; got {ids.dtype}{list(ids.shape)} "
            f"for data of shape {data.shape}."
        )
    if num_segments is None:
        count = max(int(ids.data.max()) + 1, 0) if ids.size else 0
    else:
        count = int(num_segments)
        _expect_below(name, ids, count)
    if ids.dtype.kind == "u":
        return data, ids, count, count
    # A captured step doesn't know whether there are negative ones in its replays.
    if (num_segments is not None and capturing.get() is not None) or (ids.size and int(ids.data.min()) < 0):
        numbers = cast(ids, "int64")
        return data, where(less(numbers, 0), count, numbers), count, count + 1  # one more, for rows that are left out
    return data, ids, count, count


@replayed_check
def _expect_below(name: str, ids: Tensor, count: int) -> None:
    highest = int(ids.data.max()) if ids.size else -1
    if highest >= count:
        raise ValueError(
            f"{name}: segment_ids go up to {highest}; num_segments={count} allows 0 to {count - 1}, and negative ones "
            "for rows that are left out."
        )


@composite
def segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sum of the rows of each segment.

    Args:
        data: a tensor.
        segment_ids: for each row (along axis 0), the number of its segment, from 0; rows with negative numbers are left
            out.
        num_segments: the number of segments; default: the highest number plus one.
        sorted: accepted for Keras' signature; the numbers may come in any order.

    Returns:
        A tensor of shape `(num_segments,) + data.shape[1:]`; 0 for segments without rows.

    Raises:
        ValueError: for segment numbers that are too large, or if there isn't one for each row.

    >>> rows = [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]
    >>> ef.ops.segment_sum(rows, [0, 1, 0]).tolist()
    [[4.0, 40.0], [2.0, 20.0]]
    """
    data, ids, count, computed = _checked("segment_sum", data, segment_ids, num_segments)
    found = scatter_index(data, raw_index(data, (ids,)), (computed, *data.shape[1:]))
    return found if computed == count else found[:count]


def _extreme(name: str, function: str, data: Any, segment_ids: Any, num_segments: Any) -> Tensor:
    data, ids, count, computed = _checked(name, data, segment_ids, num_segments)
    sign = -1 if function == "maximum" else 1
    if data.dtype.kind in "iu":
        limits = numpy.iinfo(data.dtype)
        worst: Any = int(limits.min if sign < 0 else limits.max)
    else:
        worst = sign * float("inf")
    start = Tensor(numpy.full((computed, *data.shape[1:]), worst, data.dtype), device=data.device)
    found = scatter_extreme(start, data, raw_index(data, (ids,)), function)
    return found if computed == count else found[:count]


@composite
def segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The elementwise maximum of the rows of each segment. Equal maxima share the gradient equally.

    Args:
        data: a tensor of real numbers.
        segment_ids: for each row (along axis 0), the number of its segment, from 0; rows with negative numbers are left
            out.
        num_segments: the number of segments; default: the highest number plus one.
        sorted: accepted for Keras' signature; the numbers may come in any order.

    Returns:
        A tensor of shape `(num_segments,) + data.shape[1:]`; -inf (or the smallest integer) for segments
        without rows.

    Raises:
        ValueError: for segment numbers that are too large, or if there isn't one for each row.

    >>> ef.ops.segment_max([5.0, 1.0, 7.0, 2.0], [0, 0, 1, 1]).tolist()
    [5.0, 7.0]
    """
    return _extreme("segment_max", "maximum", data, segment_ids, num_segments)


@composite
def segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The elementwise minimum of the rows of each segment. Equal minima share the gradient equally.

    Args:
        data: a tensor of real numbers.
        segment_ids: for each row (along axis 0), the number of its segment, from 0; rows with negative numbers are left
            out.
        num_segments: the number of segments; default: the highest number plus one.
        sorted: accepted for Keras' signature; the numbers may come in any order.

    Returns:
        A tensor of shape `(num_segments,) + data.shape[1:]`; inf (or the largest integer) for segments
        without rows.

    Raises:
        ValueError: for segment numbers that are too large, or if there isn't one for each row.

    >>> ef.ops.segment_min([5.0, 1.0, 7.0, 2.0], [0, 0, 1, 1]).tolist()
    [1.0, 2.0]
    """
    return _extreme("segment_min", "minimum", data, segment_ids, num_segments)


@composite
def segment_prod(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The elementwise product of the rows of each segment. Gradients are right also where there are zeros.

    Args:
        data: a tensor.
        segment_ids: for each row (along axis 0), the number of its segment, from 0; rows with negative numbers are left
            out.
        num_segments: the number of segments; default: the highest number plus one.
        sorted: accepted for Keras' signature; the numbers may come in any order.

    Returns:
        A tensor of shape `(num_segments,) + data.shape[1:]`; 1 for segments without rows.

    Raises:
        ValueError: for segment numbers that are too large, or if there isn't one for each row.

    >>> ef.ops.segment_prod([5.0, 2.0, 7.0, 2.0], [0, 0, 1, 1]).tolist()
    [10.0, 14.0]
    """
    data, ids, count, computed = _checked("segment_prod", data, segment_ids, num_segments)
    found = product_of_rows(data, to_host(ids.data), computed)
    return found if computed == count else found[:count]
