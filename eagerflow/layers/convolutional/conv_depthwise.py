"""`DepthwiseConv1D`, `DepthwiseConv2D`."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import (
    ActivationLike,
    ConstraintLike,
    DataFormat,
    InitializerLike,
    Padding,
    RegularizerLike,
    Shape,
    Sizes,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer_options import WeightOptions
from eagerflow.layer.settings import integer, settled_weight
from eagerflow.layers.convolutional.conv_base import ConvolutionBase, with_defaults

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D"]


class _DepthwiseConv(ConvolutionBase):
    """A convolution of each channel with filters of its own."""

    depthwise_initializer: Any
    depthwise_regularizer: Any
    depthwise_constraint: Any

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        depth_multiplier: int = 1,
        data_format: DataFormat | None = None,
        dilation_rate: Sizes = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[WeightOptions],
    ) -> None:
        super().__init__(locals(), **kwargs)
        self.depth_multiplier = integer(self, "depth_multiplier", depth_multiplier)
        self._refuse_strides_with_dilation()

    def build(self, input_shape: Shape) -> None:
        """Make the kernel and the bias."""
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = settled_weight(self, "kernel", shape, kind="depthwise")
        self.bias = settled_weight(self, "bias", (channels * self.depth_multiplier,)) if self.use_bias else None
        self._expect_channels(channels)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The convolved inputs, with bias and activation."""
        outputs = ops.depthwise_conv(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._finished(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *windows, channels * depth_multiplier), or channels first."""
        return self._shape_of_windows(input_shape, self._channels(input_shape) * self.depth_multiplier)


class DepthwiseConv1D(_DepthwiseConv):
    """Depthwise convolution over sequences: each channel is convolved with its own filters.

    Args:
        kernel_size: the length of the window.
        strides: the step from one window to the next.
        padding: `"valid"` or `"same"`.
        depth_multiplier: the number of filters per channel.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: the step between the elements of a window.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        depthwise_initializer: initializer of the kernel, (kernel_size, channels, depth_multiplier).
        bias_initializer: initializer of the bias.
        depthwise_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        depthwise_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, steps, channels). Output: (batch, new_steps, channels * depth_multiplier). With `"valid"`, new_steps
    is (steps - kernel_size) // strides + 1 (for a dilation_rate of 1); with `"same"` it is steps / strides, rounded up.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation.

    >>> layer = ef.layers.DepthwiseConv1D(2, depthwise_initializer="ones")
    >>> layer(ef.Tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])).tolist()  # channels stay apart
    [[[3.0, 30.0], [5.0, 50.0]]]
    """

    rank = 1


@with_defaults(strides=(1, 1), dilation_rate=(1, 1))
class DepthwiseConv2D(_DepthwiseConv):
    """Depthwise convolution over images: each channel is convolved with its own filters.

    Args:
        kernel_size: an integer, or height and width of the window.
        strides: an integer, or the steps from one window to the next.
        padding: `"valid"` or `"same"`.
        depth_multiplier: the number of filters per channel.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: an integer, or the steps between the elements of a window.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        depthwise_initializer: initializer of the kernel, (*kernel_size, channels, depth_multiplier).
        bias_initializer: initializer of the bias.
        depthwise_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        depthwise_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, height, width, channels). Output: (batch, new_height, new_width, channels * depth_multiplier). With
    `"valid"`, new_height is (height - kernel_size) // strides + 1 (for a dilation_rate of 1); with `"same"` it is
    height / strides, rounded up. The same holds for the width.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation.

    >>> layer = ef.layers.DepthwiseConv2D(3, depth_multiplier=2)
    >>> layer(ef.ops.ones((2, 5, 5, 8))).shape, layer.kernel.shape  # two filters for each of 8 channels
    ((2, 3, 3, 16), (3, 3, 8, 2))
    """

    rank = 2
