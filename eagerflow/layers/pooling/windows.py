"""Pooling over windows: `MaxPooling1D` to `3D`, `AveragePooling1D` to `3D`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, Padding, Shape, Sizes, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import UnnamedOptions
from eagerflow.layer.settings import layout, one_of, sizes
from eagerflow.layers.convolutional.conv_base import how_to_fit, windows_along, with_defaults

__all__ = ["AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D"]
__all__ += ["AvgPool1D", "AvgPool2D", "AvgPool3D", "MaxPool1D", "MaxPool2D", "MaxPool3D"]


class _Pooling(Layer):
    """One value per window and channel."""

    _stateless = True

    rank: int
    pool: Callable[..., Tensor]

    def __init__(
        self,
        pool_size: Sizes,
        strides: Sizes | None = None,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = sizes(self, "pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else sizes(self, "strides", strides, self.rank)
        self.padding = one_of(self, "padding", padding, ("valid", "same"))
        self.data_format = layout(self, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The pooled inputs."""
        return type(self).pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape with one position per window."""
        last = self.data_format == "channels_last"
        spatial = input_shape[1:-1] if last else input_shape[2:]
        settings = zip(spatial, self.pool_size, self.strides, strict=True)
        found = [windows_along(n, size, stride, self.padding) for n, size, stride in settings]
        if any(n is not None and n < 1 for n in found):
            raise ValueError(
                f"{describe(self)}: windows of {self.pool_size} don't fit into inputs of shape "
                f"{(None, *input_shape[1:])}. {how_to_fit(self, spatial)}"
            )
        if last:
            return (input_shape[0], *found, input_shape[-1])
        return (input_shape[0], input_shape[1], *found)


class _WithDefaultSize(_Pooling):
    """Max pooling has a default size, average pooling none."""

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    pool = staticmethod(ops.max_pool)


class MaxPooling1D(_WithDefaultSize):
    """The largest value of each window along one axis.

    Args:
        pool_size: the length of the window.
        strides: the step from one window to the next; default: `pool_size`.
        padding: `"valid"` (no padding) or `"same"` (padded, so that strides of 1 keep the length).
        data_format: `"channels_last"`: (batch, steps, channels); `"channels_first"`: (batch, channels, steps).
        name: the layer's name.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, steps, channels). Output: (batch, new_steps, channels). With `"valid"`, new_steps is (steps -
    pool_size) // strides + 1; with `"same"` it is steps / strides, rounded up.

    Raises:
        ValueError: for sizes below 1, or unknown padding.

    >>> steps = ef.Tensor([[[1.0], [3.0], [5.0], [2.0]]])
    >>> ef.layers.MaxPooling1D(2)(steps).tolist()
    [[[3.0], [5.0]]]
    >>> ef.layers.MaxPooling1D(2, strides=1)(steps).tolist()
    [[[3.0], [5.0], [5.0]]]
    """

    rank = 1


@with_defaults(pool_size=(2, 2))
class MaxPooling2D(_WithDefaultSize):
    """The largest value of each window of an image.

    Args:
        pool_size: an integer, or height and width of the window.
        strides: an integer, or the steps from one window to the next; default: `pool_size`.
        padding: `"valid"` (no padding) or `"same"` (padded, so that strides of 1 keep height and width).
        data_format: `"channels_last"`: (batch, height, width, channels); `"channels_first"`: (batch, channels,
            height, width).
        name: the layer's name.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, height, width, channels). Output: (batch, new_height, new_width, channels). With `"valid"`,
    new_height is (height - pool_size) // strides + 1; with `"same"` it is height / strides, rounded up. The same holds
    for the width.

    Raises:
        ValueError: for sizes below 1, or unknown padding.

    >>> image = ef.ops.reshape(ef.ops.arange(16.0), (1, 4, 4, 1))
    >>> ef.layers.MaxPooling2D()(image)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """

    rank = 2


@with_defaults(pool_size=(2, 2, 2))
class MaxPooling3D(_WithDefaultSize):
    """The largest value of each window of a volume.

    Args:
        pool_size: an integer, or the three lengths of the window.
        strides: an integer, or the steps from one window to the next; default: `pool_size`.
        padding: `"valid"` (no padding) or `"same"` (padded, so that strides of 1 keep the lengths).
        data_format: `"channels_last"` or `"channels_first"`.
        name: the layer's name.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, depth, height, width, channels). Output: (batch, new_depth, new_height, new_width, channels). With
    `"valid"`, new_depth is (depth - pool_size) // strides + 1; with `"same"` it is depth / strides, rounded up. The
    same holds for height and width.

    Raises:
        ValueError: for sizes below 1, or unknown padding.

    >>> ef.layers.MaxPooling3D()(ef.ops.ones((2, 4, 6, 8, 3))).shape
    (2, 2, 3, 4, 3)
    """

    rank = 3


class AveragePooling1D(_Pooling):
    """The mean of each window along one axis; padding doesn't count.

    Args:
        pool_size: the length of the window.
        strides: the step from one window to the next; default: `pool_size`.
        padding: `"valid"` (no padding) or `"same"` (padded, so that strides of 1 keep the length).
        data_format: `"channels_last"`: (batch, steps, channels); `"channels_first"`: (batch, channels, steps).
        name: the layer's name.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, steps, channels). Output: (batch, new_steps, channels). With `"valid"`, new_steps is (steps -
    pool_size) // strides + 1; with `"same"` it is steps / strides, rounded up.

    Raises:
        ValueError: for sizes below 1, or unknown padding.

    >>> steps = ef.Tensor([[[1.0], [3.0], [5.0], [7.0]]])
    >>> ef.layers.AveragePooling1D(2)(steps).tolist()
    [[[2.0], [6.0]]]
    >>> ef.layers.AveragePooling1D(2, strides=1)(steps).tolist()
    [[[2.0], [4.0], [6.0]]]
    """

    rank = 1
    pool = staticmethod(ops.average_pool)


class AveragePooling2D(_Pooling):
    """The mean of each window of an image; padding doesn't count.

    Args:
        pool_size: an integer, or height and width of the window.
        strides: an integer, or the steps from one window to the next; default: `pool_size`.
        padding: `"valid"` (no padding) or `"same"` (padded, so that strides of 1 keep height and width).
        data_format: `"channels_last"`: (batch, height, width, channels); `"channels_first"`: (batch, channels,
            height, width).
        name: the layer's name.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, height, width, channels). Output: (batch, new_height, new_width, channels). With `"valid"`,
    new_height is (height - pool_size) // strides + 1; with `"same"` it is height / strides, rounded up. The same holds
    for the width.

    Raises:
        ValueError: for sizes below 1, or unknown padding.

    >>> image = ef.ops.reshape(ef.ops.arange(16.0), (1, 4, 4, 1))
    >>> ef.layers.AveragePooling2D(2)(image)[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """

    rank = 2
    pool = staticmethod(ops.average_pool)


class AveragePooling3D(_Pooling):
    """The mean of each window of a volume; padding doesn't count.

    Args:
        pool_size: an integer, or the three lengths of the window.
        strides: an integer, or the steps from one window to the next; default: `pool_size`.
        padding: `"valid"` (no padding) or `"same"` (padded, so that strides of 1 keep the lengths).
        data_format: `"channels_last"` or `"channels_first"`.
        name: the layer's name.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, depth, height, width, channels). Output: (batch, new_depth, new_height, new_width, channels). With
    `"valid"`, new_depth is (depth - pool_size) // strides + 1; with `"same"` it is depth / strides, rounded up. The
    same holds for height and width.

    Raises:
        ValueError: for sizes below 1, or unknown padding.

    >>> volume = ef.ops.reshape(ef.ops.arange(8.0), (1, 2, 2, 2, 1))
    >>> ef.layers.AveragePooling3D(2)(volume).tolist()
    [[[[[3.5]]]]]
    """

    rank = 3
    pool = staticmethod(ops.average_pool)


AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
