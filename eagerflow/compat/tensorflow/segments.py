"""`tf.math` by segments of rows, and products that are 0 where one factor is, whatever the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow import ops
from eagerflow.core.tensor import Tensor

__all__ = ["segment_max", "segment_mean", "segment_min", "segment_prod"]
__all__ += ["segment_sum", "unsorted_segment_max", "unsorted_segment_mean", "unsorted_segment_min"]
__all__ += ["unsorted_segment_prod", "unsorted_segment_sum", "xdivy", "xlogy"]


def _in_order(op: Callable[..., Tensor], empty: float | None = None) -> Callable[..., Tensor]:
    """An op of rows whose segments are numbered in order; a segment without rows gets the value `empty`."""

    def call(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        data = ops.convert_to_tensor(data)
        found = op(data, segment_ids)
        return found if empty is None else ops.where(_counts(data, segment_ids, None) > 0, found, empty)

    return call


def _unsorted(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
        return op(ops.convert_to_tensor(data), segment_ids, int(num_segments))

    return call


def _counts(data: Tensor, segment_ids: Any, num_segments: int | None) -> Tensor:
    """How many rows each segment has, in a shape that goes with `data`."""
    ones = ops.ones_like(ops.convert_to_tensor(segment_ids), dtype=data.dtype.name)
    return ops.reshape(ops.segment_sum(ones, segment_ids, num_segments), (-1,) + (1,) * (data.ndim - 1))


def _mean(data: Tensor, segment_ids: Any, count: int | None = None) -> Tensor:
    return ops.segment_sum(data, segment_ids, count) / ops.maximum(_counts(data, segment_ids, count), 1)


segment_sum, segment_prod, segment_mean = (_in_order(op) for op in (ops.segment_sum, ops.segment_prod, _mean))
segment_max, segment_min = _in_order(ops.segment_max, 0), _in_order(ops.segment_min, 0)
unsorted_segment_sum, unsorted_segment_prod = _unsorted(ops.segment_sum), _unsorted(ops.segment_prod)
unsorted_segment_max, unsorted_segment_min = _unsorted(ops.segment_max), _unsorted(ops.segment_min)
unsorted_segment_mean = _unsorted(_mean)


def _unless_zero(x: Any, other: Any, function: Any) -> Tensor:
    """`function(x, other)`, and 0 with gradient 0 where `x` is 0, whatever `other` is."""
    x = ops.convert_to_tensor(x)
    zero = ops.equal(x, 0)
    return ops.where(zero, ops.zeros_like(x), function(x, ops.where(zero, ops.ones_like(x), other)))


def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x * log(y)`, and 0 where `x` is 0.

    >>> xlogy([0.0, 2.0], [0.0, 1.0]).tolist()
    [0.0, 0.0]
    """
    return _unless_zero(x, y, lambda x, y: x * ops.log(y))


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x / y`, and 0 where `x` is 0.

    >>> xdivy([0.0, 6.0], [0.0, 2.0]).tolist()
    [0.0, 3.0]
    """
    return _unless_zero(x, y, lambda x, y: x / y)
