"""`tf.math` by segments of rows, and products that are 0 where one factor is, whatever the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow import ops
from eagerflow.core.tensor import Tensor

__all__ = ["segment_max", "segment_mean", "segment_min", "segment_prod"]
__all__ += ["segment_sum", "unsorted_segment_max", "unsorted_segment_mean", "unsorted_segment_min"]
__all__ += ["unsorted_segment_prod", "unsorted_segment_sum"]


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
