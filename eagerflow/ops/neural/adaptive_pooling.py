"""Adaptive pooling: as many windows as asked for, whatever the input's size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.base.typing import DataFormat, Sizes, TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.neural.data_format import is_channels_first, spatial_rank
from eagerflow.ops.reduce.reductions import max as max_of
from eagerflow.ops.windows.geometry import per_axis

__all__ = ["adaptive_average_pool", "adaptive_max_pool"]


def _bins(length: int, count: int) -> list[tuple[int, int]]:
    """Start and end of each window; neighbours share an element where `count` doesn't divide `length`."""
    return [(i * length // count, math.ceil((i + 1) * length / count)) for i in range(count)]


def _along_each_axis(
    name: str,
    inputs: Any,
    output_size: Sizes,
    data_format: DataFormat | None,
    pool: Callable[[Tensor, int, int], Tensor],
) -> Tensor:
    x = convert_to_tensor(inputs)
    rank = spatial_rank(x)
    first = 2 if is_channels_first(data_format) else 1
    if 0 in x.shape[first : first + rank]:
        raise ValueError(f"{name}: inputs: expected spatial axes of at least 1; got shape {x.shape}.")
    for i, count in enumerate(per_axis(output_size, rank, "output_size")):
        x = pool(x, first + i, count)
    return x


def _average(x: Tensor, axis: int, count: int) -> Tensor:
    weights = numpy.zeros((x.shape[axis], count))
    for i, (start, end) in enumerate(_bins(x.shape[axis], count)):
        weights[start:end, i] = 1 / (end - start)
    product = x.swapaxes(axis, -1) @ Tensor(weights, x.dtype, device=x.device)
    return product.swapaxes(axis, -1)


def _maximum(x: Tensor, axis: int, count: int) -> Tensor:
    bins = _bins(x.shape[axis], count)
    width = max(end - start for start, end in bins)
    table = [[min(start + i, end - 1) for i in range(width)] for start, end in bins]
    places = Tensor(table, "int64", device=x.device).data
    return max_of(x[(*(slice(None),) * axis, places)], axis=axis + 1)


@composite
def adaptive_average_pool(inputs: TensorLike, output_size: Sizes, data_format: DataFormat | None = None) -> Tensor:
    """Divides each spatial axis into `output_size` windows, and takes the mean of each window.

    Args:
        inputs: (batch, *spatial, channels), or (batch, channels, *spatial) with `"channels_first"`.
        output_size: an integer or one per spatial axis.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: when shapes and settings don't fit together.

    >>> ef.ops.adaptive_average_pool([[[1.0], [3.0], [5.0], [7.0]]], 2).tolist()
    [[[2.0], [6.0]]]
    """
    x = convert_to_tensor(inputs)
    x = x.astype(float) if x.dtype.kind in "iub" else x
    return _along_each_axis("adaptive_average_pool", x, output_size, data_format, _average)


@composite
def adaptive_max_pool(inputs: TensorLike, output_size: Sizes, data_format: DataFormat | None = None) -> Tensor:
    """Divides each spatial axis into `output_size` windows, and takes the maximum of each window.

    Args:
        inputs: (batch, *spatial, channels), or (batch, channels, *spatial) with `"channels_first"`.
        output_size: an integer or one per spatial axis.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: when shapes and settings don't fit together.

    >>> ef.ops.adaptive_max_pool([[[1.0], [3.0], [5.0], [7.0]]], 2).tolist()
    [[[3.0], [7.0]]]
    """
    return _along_each_axis("adaptive_max_pool", inputs, output_size, data_format, _maximum)
