"""`tf.math` by segments of rows, and products that are 0 where one factor is, whatever the other."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.core.tensor import Tensor

__all__ = ["polyval", "reduce_euclidean_norm", "segment_max", "segment_mean", "segment_min", "segment_prod"]
__all__ += ["unsorted_segment_min", "unsorted_segment_prod", "unsorted_segment_sqrt_n", "xdivy", "xlog1py", "xlogy"]


def _counts(data: Tensor, segment_ids: Any, num_segments: int | None) -> Tensor:
    """How many rows each segment has, in a shape that goes with `data`."""
    ones = ops.ones_like(ops.convert_to_tensor(segment_ids), dtype=data.dtype.name)
    return ops.reshape(ops.segment_sum(ones, segment_ids, num_segments), (-1,) + (1,) * (data.ndim - 1))


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The means of rows with the same number; zeros where there is none.

    >>> segment_mean([1.0, 3.0, 5.0], [0, 0, 1]).tolist()
    [2.0, 5.0]
    """
    data = ops.convert_to_tensor(data)
    total = ops.segment_sum(data, segment_ids)
    return total / ops.maximum(_counts(data, segment_ids, None), 1)


def _or_zero(found: Tensor, data: Tensor, segment_ids: Any) -> Tensor:
    return ops.where(_counts(data, segment_ids, None) > 0, found, 0)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The largest of rows with the same number; zeros where there is none.

    >>> segment_max([1.0, 3.0, 5.0], [0, 0, 1]).tolist()
    [3.0, 5.0]
    """
    data = ops.convert_to_tensor(data)
    return _or_zero(ops.segment_max(data, segment_ids), data, segment_ids)


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The smallest of rows with the same number; zeros where there is none.

    >>> segment_min([1.0, 3.0, 5.0], [0, 0, 1]).tolist()
    [1.0, 5.0]
    """
    data = ops.convert_to_tensor(data)
    return _or_zero(ops.segment_min(data, segment_ids), data, segment_ids)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The products of rows with the same number; ones where there is none.

    >>> segment_prod([1.0, 3.0, 5.0], [0, 0, 1]).tolist()
    [3.0, 5.0]
    """
    return ops.segment_prod(data, segment_ids)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The smallest of rows with the same number.

    >>> unsorted_segment_min([1.0, 3.0, 5.0], [1, 0, 1], 2).tolist()
    [3.0, 1.0]
    """
    return ops.segment_min(data, segment_ids, int(num_segments))


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The products of rows with the same number; ones where there is none.

    >>> unsorted_segment_prod([1.0, 3.0, 5.0], [1, 0, 1], 3).tolist()
    [3.0, 5.0, 1.0]
    """
    return ops.segment_prod(data, segment_ids, int(num_segments))


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sums of rows with the same number, divided by the root of how many they are.

    >>> unsorted_segment_sqrt_n([1.0, 3.0, 5.0, 7.0], [0, 0, 0, 0], 1).tolist()
    [8.0]
    """
    data, count = ops.convert_to_tensor(data), int(num_segments)
    total = ops.segment_sum(data, segment_ids, count)
    return total / ops.sqrt(ops.maximum(_counts(data, segment_ids, count), 1))


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


def xlog1py(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x * log(1 + y)`, and 0 where `x` is 0.

    >>> xlog1py([0.0, 2.0], [-1.0, 0.0]).tolist()
    [0.0, 0.0]
    """
    return _unless_zero(x, y, lambda x, y: x * ops.log1p(y))


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x / y`, and 0 where `x` is 0.

    >>> xdivy([0.0, 6.0], [0.0, 2.0]).tolist()
    [0.0, 3.0]
    """
    return _unless_zero(x, y, lambda x, y: x / y)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The root of the sum of squares.

    >>> float(reduce_euclidean_norm([3.0, 4.0]))
    5.0
    """
    x = ops.convert_to_tensor(input_tensor)
    squares = ops.square(ops.abs(x) if x.dtype.kind == "c" else x)
    return ops.cast(ops.sqrt(ops.sum(squares, axis=axis, keepdims=keepdims)), x.dtype)


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """A polynomial at `x`, of its coefficients from the highest power down.

    >>> float(polyval([2.0, 0.0, 1.0], 3.0))
    19.0
    """
    total: Any = ops.zeros_like(ops.convert_to_tensor(x))
    for coefficient in coeffs:
        total = total * x + coefficient
    return total
