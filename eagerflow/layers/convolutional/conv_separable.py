"""`SeparableConv1D`, `SeparableConv2D`."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import (
    ActivationLike,
    ConstraintLike,
    ConvolutionPadding,
    DataFormat,
    InitializerLike,
    Integer,
    RegularizerLike,
    Shape,
    Sizes,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer_options import WeightOptions
from eagerflow.layer.settings import integer, settled_weight
from eagerflow.layers.convolutional.conv_base import ConvolutionBase, with_defaults

__all__ = ["SeparableConv1D", "SeparableConv2D"]
__all__ += ["SeparableConvolution1D", "SeparableConvolution2D"]


class _SeparableConv(ConvolutionBase):
    """A convolution of each channel, then a mixture of the channels at each position."""

    depthwise_initializer: Any
    pointwise_initializer: Any
    depthwise_regularizer: Any
    pointwise_regularizer: Any
    depthwise_constraint: Any
    pointwise_constraint: Any

    _may_be_causal = True

    def __init__(
        self,
        filters: Integer,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: ConvolutionPadding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: Sizes = 1,
        depth_multiplier: int = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        pointwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        pointwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[WeightOptions],
    ) -> None:
        super().__init__(locals(), **kwargs)
        self.filters = integer(self, "filters", filters)
        self.depth_multiplier = integer(self, "depth_multiplier", depth_multiplier)
        self._refuse_strides_with_dilation()

    def build(self, input_shape: Shape) -> None:
        """Make both kernels and the bias."""
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        depth = self.depth_multiplier
        self.depthwise_kernel = settled_weight(
            self, "depthwise_kernel", (*self.kernel_size, channels, depth), kind="depthwise"
        )
        self.pointwise_kernel = settled_weight(
            self, "pointwise_kernel", ((1,) * self.rank) + (channels * depth, self.filters), kind="pointwise"
        )
        self.bias = settled_weight(self, "bias", (self.filters,)) if self.use_bias else None
        self._expect_channels(channels)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The convolved inputs, with bias and activation."""
        outputs = ops.separable_conv(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._finished(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *windows, filters), or (batch, filters, *windows)."""
        return self._shape_of_windows(input_shape, self.filters)


class SeparableConv1D(_SeparableConv):
    """Separable convolution over sequences: a convolution of each channel, then a pointwise one across channels.

    Args:
        filters: the number of output channels.
        kernel_size: the length of the window.
        strides: the step from one window to the next.
        padding: `"valid"`, `"same"` or `"causal"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: the step between the elements of a window.
        depth_multiplier: the number of filters per channel.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        depthwise_initializer: initializer of the depthwise kernel, (*kernel_size, channels, depth_multiplier).
        pointwise_initializer: initializer of the pointwise kernel, (1, ..., channels * depth_multiplier, filters).
        bias_initializer: initializer of the bias.
        depthwise_regularizer: penalty on the depthwise kernel.
        pointwise_regularizer: penalty on the pointwise kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        depthwise_constraint: constraint on the depthwise kernel.
        pointwise_constraint: constraint on the pointwise kernel.
        bias_constraint: constraint on the bias.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, steps, channels). Output: (batch, new_steps, filters). With `"valid"`, new_steps is (steps -
    kernel_size) // strides + 1 (for a dilation_rate of 1); with `"same"` and `"causal"` it is steps / strides, rounded
    up.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation.

    >>> layer = ef.layers.SeparableConv1D(4, 3)
    >>> layer(ef.ops.ones((2, 10, 8))).shape
    (2, 8, 4)
    >>> [tuple(w.shape) for w in layer.weights]  # 24 + 32 + 4 weights; Conv1D has 3 * 8 * 4 + 4 = 100
    [(3, 8, 1), (1, 8, 4), (4,)]
    """

    rank = 1


@with_defaults(strides=(1, 1), dilation_rate=(1, 1))
class SeparableConv2D(_SeparableConv):
    """Separable convolution over images: a convolution of each channel, then a pointwise one across channels.

    Args:
        filters: the number of output channels.
        kernel_size: an integer, or height and width of the window.
        strides: an integer, or the steps from one window to the next.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: an integer, or the steps between the elements of a window.
        depth_multiplier: the number of filters per channel.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        depthwise_initializer: initializer of the depthwise kernel, (*kernel_size, channels, depth_multiplier).
        pointwise_initializer: initializer of the pointwise kernel, (1, ..., channels * depth_multiplier, filters).
        bias_initializer: initializer of the bias.
        depthwise_regularizer: penalty on the depthwise kernel.
        pointwise_regularizer: penalty on the pointwise kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        depthwise_constraint: constraint on the depthwise kernel.
        pointwise_constraint: constraint on the pointwise kernel.
        bias_constraint: constraint on the bias.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, height, width, channels). Output: (batch, new_height, new_width, filters). With `"valid"`, new_height
    is (height - kernel_size) // strides + 1 (for a dilation_rate of 1); with `"same"` it is height / strides, rounded
    up. The same holds for the width.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation.

    Source: Chollet 2016, https://arxiv.org/abs/1610.02357.

    >>> layer = ef.layers.SeparableConv2D(4, 3)
    >>> layer(ef.ops.ones((2, 5, 5, 8))).shape
    (2, 3, 3, 4)
    >>> [tuple(w.shape) for w in layer.weights]  # 72 + 32 + 4 weights; Conv2D has 9 * 8 * 4 + 4 = 292
    [(3, 3, 8, 1), (1, 1, 8, 4), (4,)]
    """

    rank = 2


SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
