"""Convolutions: plain, depthwise, separable."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, ConvolutionPadding, DataFormat, Needs, Numpy, Sizes, TensorLike
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.neural.data_format import channels_first_to_last, is_channels_first, spatial_rank, to_first
from eagerflow.ops.neural.windows import gather_windows
from eagerflow.ops.windows import convolution, depthwise
from eagerflow.ops.windows.geometry import Geometry, window_geometry

__all__ = ["conv", "depthwise_conv", "separable_conv"]


def _check_kernel(x: Any, kernel: Any, rank: int) -> None:
    if kernel.ndim != rank + 2:
        raise ValueError(
            f"kernel: expected {rank + 2} axes, {rank} spatial ones before those of channels; "
            f"got {signature_of(kernel)}."
        )
    if x.dtype.kind in "iub":
        raise TypeError(f"inputs: expected floats; got {x.dtype}. Cast them first: ops.cast(x, 'float32').")


def _geometry(x: Any, kernel: Any, strides: Sizes, padding: Any, dilation_rate: Sizes) -> Geometry:
    return window_geometry(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation_rate)


def _groups(x: Any, kernel: Any) -> int:
    """How many groups of channels there are: a kernel that sees fewer channels than come is grouped."""
    channels, seen, filters = x.shape[-1], kernel.shape[-2], kernel.shape[-1]
    if not seen or channels % seen or filters % (channels // seen or 1) or not channels:
        raise ValueError(
            f"kernel: its last axes (channels of the input per group, filters) are ({seen}, {filters}), which don't "
            f"fit inputs of {channels} channels; expected {channels} channels, or a divisor of it for groups."
        )
    return int(channels // seen)


def planned(x: Any, kernel: Any, strides: Sizes, padding: Any, dilation_rate: Sizes) -> tuple[Geometry, int]:
    """The windows and the number of groups of a convolution of x, channels last.

    Raises:
        ValueError: when shapes and settings don't fit together.
        TypeError: for integers.
    """
    _check_kernel(x, kernel, spatial_rank(x))
    return _geometry(x, kernel, strides, padding, dilation_rate), _groups(x, kernel)


def placed(x: Any, data_format: DataFormat | None) -> Any:
    """What was computed with the channels last in the layout that is asked for; None stays None."""
    return to_first(x) if x is not None and is_channels_first(data_format) else x


def _conv_rule(
    xp: Numpy, g: Array, needs: Needs, inputs: Array, kernel: Array, data_format: DataFormat | None, plan: Any
) -> Any:
    x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
    dx = convolution.input_gradient(xp, g, kernel, *plan) if needs[0] else None
    dk = convolution.kernel_gradient(xp, x, g, kernel.shape, *plan) if needs[1] else None
    return placed(dx, data_format), dk


def _conv_of_windows(inputs: Any, kernel: Any, data_format: DataFormat | None, plan: Any, **_: Any) -> Any:
    """The convolution as a product of matrices, one per group."""
    geometry, groups = plan[:2]
    windows = gather_windows(channels_first_to_last(inputs, data_format), geometry)
    width, filters = kernel.shape[-2], kernel.shape[-1] // groups
    columns = windows.reshape((-1, geometry.taps, groups, width)).transpose((2, 0, 1, 3))
    matrices = kernel.reshape((geometry.taps * width, groups, filters)).transpose((1, 0, 2))
    product = columns.reshape((groups, -1, geometry.taps * width)) @ matrices
    out = product.transpose((1, 0, 2)).reshape((inputs.shape[0], *geometry.outputs, groups * filters))
    return to_first(out) if is_channels_first(data_format) else out


@op(_conv_rule, joint=True, reference=_conv_of_windows, saves=("plan",))
def conv(
    xp: Numpy,
    inputs: Array,
    kernel: Array,
    strides: Sizes = 1,
    padding: ConvolutionPadding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Sizes = 1,
) -> Any:
    """Convolution over one, two or three spatial axes (cross-correlation, as usual in deep learning).

    Args:
        inputs: (batch, *spatial, channels), or (batch, channels, *spatial) with `"channels_first"`.
        kernel: (*sizes, channels / groups, filters). The number of groups follows from the shapes.
        strides: an integer or one per spatial axis.
        padding: `"valid"`, `"same"`, or (one spatial axis) `"causal"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: an integer or one per spatial axis.

    Returns:
        (batch, *outputs, filters), or (batch, filters, *outputs).

    Raises:
        ValueError: when shapes and settings don't fit together.

    >>> x = ef.ops.reshape([1.0, 2.0, 3.0], (1, 3, 1))
    >>> kernel = ef.ops.reshape([1.0, 10.0], (2, 1, 1))
    >>> ef.ops.conv(x, kernel).tolist()
    [[[21.0], [32.0]]]
    >>> ef.ops.conv(ef.ops.ones((2, 8, 8, 3)), ef.ops.ones((3, 3, 3, 16)), padding="same").shape
    (2, 8, 8, 16)
    """
    x = channels_first_to_last(inputs, data_format)
    plan = planned(x, kernel, strides, padding, dilation_rate)
    return placed(convolution.forward(xp, x, kernel, *plan), data_format), plan


def _depthwise_rule(
    xp: Numpy, g: Array, needs: Needs, inputs: Array, kernel: Array, data_format: DataFormat | None, plan: Any
) -> Any:
    x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
    dx = depthwise.input_gradient(xp, g, kernel, plan) if needs[0] else None
    dk = depthwise.kernel_gradient(xp, x, g, kernel.shape, plan) if needs[1] else None
    return placed(dx, data_format), dk


def _depthwise_of_windows(inputs: Any, kernel: Any, data_format: DataFormat | None, plan: Any, **_: Any) -> Any:
    """The windows times the kernel, summed over the taps."""
    windows = gather_windows(channels_first_to_last(inputs, data_format), plan)
    channels, multiplier = kernel.shape[-2:]
    spread = windows.reshape((*windows.shape, 1)) * kernel.reshape((plan.taps, channels, multiplier))
    out = spread.sum(axis=-3).reshape((inputs.shape[0], *plan.outputs, channels * multiplier))
    return to_first(out) if is_channels_first(data_format) else out


@op(_depthwise_rule, joint=True, reference=_depthwise_of_windows, saves=("plan",))
def depthwise_conv(
    xp: Numpy,
    inputs: Array,
    kernel: Array,
    strides: Sizes = 1,
    padding: ConvolutionPadding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Sizes = 1,
) -> Any:
    """Depthwise convolution: each channel is convolved with its own filters.

    Args:
        inputs: (batch, *spatial, channels), or (batch, channels, *spatial) with `"channels_first"`.
        kernel: (*sizes, channels, multiplier).
        strides: an integer or one per spatial axis.
        padding: `"valid"`, `"same"`, or (one spatial axis) `"causal"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: an integer or one per spatial axis.

    Returns:
        (batch, *outputs, channels * multiplier), where the results of one channel follow each other.

    Raises:
        ValueError: when shapes and settings don't fit together.

    >>> x = ef.ops.reshape([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (1, 3, 2))
    >>> kernel = ef.ops.reshape([1.0, 10.0, 1.0, 10.0], (2, 2, 1))
    >>> ef.ops.depthwise_conv(x, kernel).tolist()
    [[[4.0, 60.0], [8.0, 100.0]]]
    """
    x = channels_first_to_last(inputs, data_format)
    plan = planned_depthwise(x, kernel, strides, padding, dilation_rate)
    return placed(depthwise.forward(xp, x, kernel, plan), data_format), plan


def planned_depthwise(x: Any, kernel: Any, strides: Sizes, padding: Any, dilation_rate: Sizes) -> Geometry:
    """The windows of a depthwise convolution of x, channels last.

    Raises:
        ValueError: when shapes and settings don't fit together.
        TypeError: for integers.
    """
    _check_kernel(x, kernel, spatial_rank(x))
    if kernel.shape[-2] != x.shape[-1]:
        raise ValueError(
            f"kernel: expected (*sizes, {x.shape[-1]}, multiplier) for inputs of {x.shape[-1]} channels; "
            f"got {signature_of(kernel)}."
        )
    return _geometry(x, kernel, strides, padding, dilation_rate)


@composite
def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Sizes = 1,
    padding: ConvolutionPadding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Separable convolution: a depthwise convolution, then a pointwise one that mixes the channels.

    Args:
        inputs: (batch, *spatial, channels), or (batch, channels, *spatial) with `"channels_first"`.
        depthwise_kernel: (*sizes, channels, multiplier).
        pointwise_kernel: (1, ..., channels * multiplier, filters).
        strides: the strides of the depthwise convolution: an integer or one per spatial axis.
        padding: the padding of the depthwise convolution: `"valid"`, `"same"`, or (one spatial axis) `"causal"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: the dilation of the depthwise convolution: an integer or one per spatial axis.

    Returns:
        (batch, *outputs, filters), or (batch, filters, *outputs).

    Raises:
        ValueError: when shapes and settings don't fit together.

    >>> x = ef.ops.reshape([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (1, 3, 2))
    >>> depthwise, pointwise = ef.ops.ones((2, 2, 1)), ef.ops.ones((1, 2, 3))
    >>> ef.ops.separable_conv(x, depthwise, pointwise).tolist()
    [[[10.0, 10.0, 10.0], [18.0, 18.0, 18.0]]]
    """
    pointwise = convert_to_tensor(pointwise_kernel)
    if set(pointwise.shape[:-2]) - {1}:
        raise ValueError(
            f"separable_conv: pointwise_kernel: expected spatial lengths of 1; got shape {pointwise.shape}."
        )
    depth = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(depth, pointwise, 1, "valid", data_format)
