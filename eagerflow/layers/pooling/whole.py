"""Pooling over all positions, and over a fixed number of windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, Shape, Sizes, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import layout, sizes

__all__ = ["AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D"]
__all__ += ["AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"]
__all__ += ["GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"]
__all__ += [
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
]


class _GlobalPooling(Layer):
    """One value per channel."""

    _stateless = True

    rank: int
    reduce: Callable[..., Tensor]

    def __init__(
        self, data_format: DataFormat | None = None, keepdims: bool = False, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = layout(self, data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _spatial_axes(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The pooled inputs."""
        axes = self._spatial_axes()
        if any(inputs.shape[axis] == 0 for axis in axes):
            raise ValueError(f"{describe(self)}: there is nothing to pool in inputs of shape {inputs.shape}.")
        return type(self).reduce(inputs, axis=axes, keepdims=self.keepdims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, channels), with `keepdims` the axes of the input."""
        axes = self._spatial_axes()
        if self.keepdims:
            return tuple([1 if i in axes else n for i, n in enumerate(input_shape)])
        return tuple([n for i, n in enumerate(input_shape) if i not in axes])


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over all timesteps, for each channel; masked timesteps don't count.

    Args:
        data_format: `"channels_last"`: (batch, steps, channels); `"channels_first"`: (batch, channels, steps).
        keepdims: whether the axis of timesteps stays, with length 1.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for an unknown data format.

    >>> ef.layers.GlobalAveragePooling1D()(ef.Tensor([[[1.0], [3.0]]])).tolist()
    [[2.0]]
    """

    rank = 1
    reduce = staticmethod(ops.mean)

    def __init__(
        self, data_format: DataFormat | None = None, keepdims: bool = False, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, mask: TensorLike = None, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The means, over the timesteps where `mask` (batch, steps) is True."""
        if mask is None:
            return super().call(inputs)
        (axis,) = self._spatial_axes()
        kept = ops.expand_dims(ops.cast(mask, inputs.dtype), 3 - axis)
        total = ops.sum(ops.where(ops.cast(kept, "bool"), inputs, 0), axis=axis, keepdims=self.keepdims)
        return total / ops.sum(kept, axis=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Returns None: the output has no timesteps."""
        return


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over all positions, for each channel.

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        keepdims: whether the spatial axes stay, with length 1.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, height, width, channels). Output: (batch, channels), with `keepdims` the axes of the input.

    Raises:
        ValueError: for an unknown data format.

    >>> ef.layers.GlobalAveragePooling2D()(ef.Tensor([[[[1.0], [2.0]], [[3.0], [6.0]]]])).tolist()
    [[3.0]]
    """

    rank = 2
    reduce = staticmethod(ops.mean)


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over all positions, for each channel.

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        keepdims: whether the spatial axes stay, with length 1.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, *lengths, channels). Output: (batch, channels), with `keepdims` the axes of the input.

    Raises:
        ValueError: for an unknown data format.

    >>> volume = ef.ops.reshape(ef.ops.arange(16.0), (1, 2, 2, 2, 2))  # two channels: 0, 2, ... 14 and 1, 3, ... 15
    >>> ef.layers.GlobalAveragePooling3D()(volume).tolist()
    [[7.0, 8.0]]
    >>> ef.layers.GlobalAveragePooling3D(keepdims=True)(volume).shape
    (1, 1, 1, 1, 2)
    """

    rank = 3
    reduce = staticmethod(ops.mean)


class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum over all positions, for each channel.

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        keepdims: whether the spatial axes stay, with length 1.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, steps, channels). Output: (batch, channels), with `keepdims` the axes of the input.

    Raises:
        ValueError: for an unknown data format.

    >>> ef.layers.GlobalMaxPooling1D()(ef.Tensor([[[1.0, 9.0], [3.0, 4.0], [2.0, 5.0]]])).tolist()
    [[3.0, 9.0]]
    """

    rank = 1
    reduce = staticmethod(ops.max)


class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum over all positions, for each channel.

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        keepdims: whether the spatial axes stay, with length 1.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, height, width, channels). Output: (batch, channels), with `keepdims` the axes of the input.

    Raises:
        ValueError: for an unknown data format.

    >>> ef.layers.GlobalMaxPooling2D()(ef.Tensor([[[[1.0], [2.0]], [[3.0], [6.0]]]])).tolist()
    [[6.0]]
    """

    rank = 2
    reduce = staticmethod(ops.max)


class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum over all positions, for each channel.

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        keepdims: whether the spatial axes stay, with length 1.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, *lengths, channels). Output: (batch, channels), with `keepdims` the axes of the input.

    Raises:
        ValueError: for an unknown data format.

    >>> volume = ef.ops.reshape(ef.ops.arange(16.0), (1, 2, 2, 2, 2))  # two channels: 0, 2, ... 14 and 1, 3, ... 15
    >>> ef.layers.GlobalMaxPooling3D()(volume).tolist()
    [[14.0, 15.0]]
    """

    rank = 3
    reduce = staticmethod(ops.max)


class _AdaptivePooling(Layer):
    """A fixed number of windows."""

    rank: int
    pool: Callable[..., Tensor]

    def __init__(
        self, output_size: Sizes, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.output_size = sizes(self, "output_size", output_size, self.rank)
        self.data_format = layout(self, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The pooled inputs."""
        return type(self).pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape with `output_size` for the spatial axes."""
        if self.data_format == "channels_last":
            return (input_shape[0], *self.output_size, input_shape[-1])
        return (input_shape[0], input_shape[1], *self.output_size)


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """Divides the input into a fixed number of windows and takes the mean of each, channel by channel.

    Args:
        output_size: the number of windows, which is the length of the output.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a number below 1 or an unknown data format.

    >>> steps = ef.Tensor([[[1.0], [3.0], [5.0], [7.0]]])
    >>> ef.layers.AdaptiveAveragePooling1D(2)(steps).tolist()
    [[[2.0], [6.0]]]
    """

    rank = 1
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """Divides the input into a fixed number of windows and takes the mean of each, channel by channel.

    Args:
        output_size: the number of windows, an integer or `(height, width)`: the size of the output.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a number below 1 or an unknown data format.

    >>> image = ef.ops.reshape(ef.ops.arange(16.0), (1, 4, 4, 1))
    >>> ef.layers.AdaptiveAveragePooling2D(2)(image)[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    >>> ef.layers.AdaptiveAveragePooling2D((1, 4))(image)[0, :, :, 0].tolist()
    [[6.0, 7.0, 8.0, 9.0]]
    """

    rank = 2
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """Divides the input into a fixed number of windows and takes the mean of each, channel by channel.

    Args:
        output_size: the number of windows, an integer or three: the size of the output along the spatial axes.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a number below 1 or an unknown data format.

    >>> ef.layers.AdaptiveAveragePooling3D((1, 2, 2))(ef.ops.ones((2, 4, 6, 8, 3))).shape
    (2, 1, 2, 2, 3)
    """

    rank = 3
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """Divides the input into a fixed number of windows and takes the maximum of each, channel by channel.

    Args:
        output_size: the number of windows, which is the length of the output.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a number below 1 or an unknown data format.

    >>> steps = ef.Tensor([[[1.0], [3.0], [5.0], [7.0]]])
    >>> ef.layers.AdaptiveMaxPooling1D(2)(steps).tolist()
    [[[3.0], [7.0]]]
    """

    rank = 1
    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """Divides the input into a fixed number of windows and takes the maximum of each, channel by channel.

    Args:
        output_size: the number of windows, an integer or `(height, width)`: the size of the output.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a number below 1 or an unknown data format.

    >>> image = ef.ops.reshape(ef.ops.arange(16.0), (1, 4, 4, 1))
    >>> ef.layers.AdaptiveMaxPooling2D(2)(image)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """

    rank = 2
    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """Divides the input into a fixed number of windows and takes the maximum of each, channel by channel.

    Args:
        output_size: the number of windows, an integer or three: the size of the output along the spatial axes.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a number below 1 or an unknown data format.

    >>> ef.layers.AdaptiveMaxPooling3D((1, 2, 2))(ef.ops.ones((2, 4, 6, 8, 3))).shape
    (2, 1, 2, 2, 3)
    """

    rank = 3
    pool = staticmethod(ops.adaptive_max_pool)


GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
