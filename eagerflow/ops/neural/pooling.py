"""Pooling over spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from eagerflow.base.typing import Array, DataFormat, Numpy, Padding, Sizes
from eagerflow.core.device import namespace_of
from eagerflow.core.dtypes import in_float32
from eagerflow.core.op import op
from eagerflow.ops.neural.data_format import channels_first_to_last, is_channels_first, spatial_rank, to_first
from eagerflow.ops.neural.windows import gather_windows
from eagerflow.ops.windows import pooling as plain
from eagerflow.ops.windows.geometry import Geometry, per_axis, window_geometry

__all__ = ["average_pool", "max_pool"]


def _geometry(x: Any, pool_size: Sizes, strides: Sizes | None, padding: Padding) -> Geometry:
    sizes = per_axis(pool_size, spatial_rank(x), "pool_size")
    return window_geometry(x.shape[1:-1], sizes, sizes if strides is None else strides, padding)


def spread_back(gradient: Callable[..., Any], g: Any, data_format: DataFormat | None, *found: Any) -> Any:
    """The gradient of the inputs, by a function of channels-last arrays, in either layout."""
    dx = gradient(channels_first_to_last(g, data_format), *found)
    return ((to_first(dx) if is_channels_first(data_format) else dx),)


def _max_rule(xp: Numpy, g: Array, data_format: DataFormat | None, which: Any, plan: Any) -> Any:
    return spread_back(partial(in_float32, plain.maximum_gradient, xp), g, data_format, which, plan)


def maxima(
    maximum: Callable[..., Any],
    inputs: Any,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
    *,
    keep: bool = False,
) -> Any:
    """`max_pool` by a function of channels-last arrays."""
    x = channels_first_to_last(inputs, data_format)
    plan = _geometry(x, pool_size, strides, padding)
    out, which = maximum(x, plan, keep)
    return (to_first(out) if is_channels_first(data_format) else out), which, plan


def _max_of_windows(inputs: Any, data_format: DataFormat | None, which: Any, plan: Any, **_: Any) -> Any:
    """The elements of the windows that were the maxima."""
    windows = gather_windows(channels_first_to_last(inputs, data_format), plan)
    taps = namespace_of(which.data).arange(plan.taps)[:, None]
    out = (windows * (which.data[..., None, :] == taps)).sum(axis=-2)
    return to_first(out) if is_channels_first(data_format) else out


@op(_max_rule, arrays=("inputs",), joint=True, reference=_max_of_windows, saves=("which", "plan"))
def max_pool(
    xp: Numpy,
    inputs: Array,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
    *,
    keep: bool = False,
) -> Any:
    """The maximum of each window. Of equal maxima, the first in reading order gets the gradient.

    Args:
        inputs: (batch, *spatial, channels), or (batch, channels, *spatial) with `"channels_first"`.
        pool_size: an integer or one per spatial axis.
        strides: an integer or one per spatial axis; default: `pool_size`.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        (batch, *outputs, channels), or (batch, channels, *outputs).

    Raises:
        ValueError: when shapes and settings don't fit together.

    >>> x = ef.ops.reshape([1.0, 4.0, 3.0, 2.0], (1, 4, 1))
    >>> ef.ops.max_pool(x, 2).tolist()
    [[[4.0], [3.0]]]
    >>> ef.ops.max_pool(x, 2, strides=1).tolist()
    [[[4.0], [4.0], [3.0]]]
    """
    return maxima(partial(plain.maximum, xp), inputs, pool_size, strides, padding, data_format, keep=keep)


def _average_rule(xp: Numpy, g: Array, data_format: DataFormat | None, plan: Any) -> Any:
    return spread_back(partial(in_float32, plain.average_gradient, xp), g, data_format, plan)


def means(
    average: Callable[..., Any],
    inputs: Any,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Any:
    """`average_pool` by a function of channels-last arrays."""
    x = channels_first_to_last(inputs, data_format)
    plan = _geometry(x, pool_size, strides, padding)
    out = average(x, plan)
    return (to_first(out) if is_channels_first(data_format) else out), plan


def _counts(windows: Any, plan: Any) -> Any:
    found = plain.counts(namespace_of(windows.data), plan, "float32")  # which a half could not count beyond 2048
    return found.astype(windows.dtype) if plan.is_padded else found


def _average_of_windows(inputs: Any, data_format: DataFormat | None, plan: Any, **_: Any) -> Any:
    """The sum over each window, divided by how much of it lies in the input."""
    windows = gather_windows(channels_first_to_last(inputs, data_format), plan)
    out = windows.sum(axis=-2) / _counts(windows, plan)
    return to_first(out) if is_channels_first(data_format) else out


@op(_average_rule, arrays=("inputs",), joint=True, reference=_average_of_windows, saves=("plan",), floating=True)
def average_pool(
    xp: Numpy,
    inputs: Array,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Any:
    """The mean of each window, counting only what lies in the input.

    Args:
        inputs: (batch, *spatial, channels), or (batch, channels, *spatial) with `"channels_first"`.
        pool_size: an integer or one per spatial axis.
        strides: an integer or one per spatial axis; default: `pool_size`.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        (batch, *outputs, channels), or (batch, channels, *outputs).

    Raises:
        ValueError: when shapes and settings don't fit together.

    >>> x = ef.ops.reshape([1.0, 3.0, 5.0, 7.0, 9.0], (1, 5, 1))
    >>> ef.ops.average_pool(x, 2).tolist()
    [[[2.0], [6.0]]]
    >>> ef.ops.average_pool(x, 2, padding="same").tolist()
    [[[2.0], [6.0], [9.0]]]
    """
    return means(partial(in_float32, plain.average, xp), inputs, pool_size, strides, padding, data_format)
