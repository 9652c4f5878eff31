"""`Conv1DTranspose`, `Conv2DTranspose`, `Conv3DTranspose`."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.activations import relu
from eagerflow.base.typing import (
    ActivationLike,
    ConstraintLike,
    DataFormat,
    InitializerLike,
    Integer,
    Padding,
    RegularizerLike,
    Shape,
    Sizes,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer_options import WeightOptions
from eagerflow.layer.settings import integer, passed_on, settled_weight, sizes
from eagerflow.layers.convolutional.conv_base import ConvolutionBase, with_defaults
from eagerflow.ops.neural.fused import conv_transpose_bias

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]
__all__ += ["Convolution1DTranspose", "Convolution2DTranspose", "Convolution3DTranspose"]


class _ConvTranspose(ConvolutionBase):
    """The adjoint of a convolution: each input position adds a window to the output."""

    kernel_initializer: Any
    kernel_regularizer: Any
    kernel_constraint: Any

    def __init__(
        self,
        filters: Integer,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        output_padding: Sizes | None = None,
        data_format: DataFormat | None = None,
        dilation_rate: Sizes = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[WeightOptions],
    ) -> None:
        super().__init__(locals(), **kwargs)
        self.filters = integer(self, "filters", filters)
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = sizes(self, "output_padding", output_padding, self.rank, least=0)
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides)):
                raise ValueError(
                    f"{type(self).__name__}(output_padding={output_padding!r}): expected less than "
                    f"strides={self.strides} along each axis."
                )
        self._refuse_strides_with_dilation()

    def build(self, input_shape: Shape) -> None:
        """Make the kernel and the bias."""
        channels = self._channels(input_shape)
        self.kernel = settled_weight(self, "kernel", (*self.kernel_size, self.filters, channels))
        self.bias = settled_weight(self, "bias", (self.filters,)) if self.use_bias else None
        self._expect_channels(channels)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The outputs of the transposed convolution, with bias and activation."""
        settings = self.strides, self.padding, self.output_padding, self.data_format, self.dilation_rate
        if self.bias is None:
            return self._finished(ops.conv_transpose(inputs, self.kernel, *settings))
        rectified = self.activation is relu
        outputs = conv_transpose_bias(inputs, self.kernel, self.bias, *settings, rectified)
        return outputs if rectified or self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *lengths, filters), or (batch, filters, *lengths)."""
        extra = self.output_padding or (None,) * self.rank
        settings = zip(self.kernel_size, self.strides, self.dilation_rate, extra, strict=True)
        lengths = [self._length(n, *s) for n, s in zip(self._spatial(input_shape), settings, strict=True)]
        return self._shape(input_shape[0], lengths, self.filters)

    def _length(self, length: int | None, size: int, stride: int, dilation: int, extra: int | None) -> int | None:
        if length is None:
            return None
        reach = (size - 1) * dilation + 1
        if self.padding == "same":
            return length * stride if extra is None else (length - 1) * stride + reach % 2 + extra
        return (length - 1) * stride + (max(reach, stride) if extra is None else reach + extra)


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution along one axis: `strides` times as many positions.

    Args:
        filters: the number of output channels.
        kernel_size: the length of the window.
        strides: the step from one window to the next in the output.
        padding: `"valid"` or `"same"` (the output is `strides` times as long as the input).
        output_padding: how much longer the output is than its shortest possible length, below `strides`; None: its
            length is that which `padding` gives.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: the step between the elements of a window.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (kernel_size, filters, channels).
        bias_initializer: initializer of the bias, (filters,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, steps, channels). Output: (batch, new_steps, filters). With `"same"`, new_steps is steps * strides;
    with `"valid"` it is (steps - 1) * strides + max(kernel_size, strides) (for a dilation_rate of 1, without
    output_padding).

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation.

    >>> layer = ef.layers.Conv1DTranspose(1, 2, strides=2, kernel_initializer="ones")
    >>> layer(ef.Tensor([[[1.0], [5.0]]])).tolist()  # each number goes to two places
    [[[1.0], [1.0], [5.0], [5.0]]]
    >>> ef.layers.Conv1DTranspose(4, 3, strides=2, padding="same")(ef.ops.ones((2, 10, 8))).shape
    (2, 20, 4)
    """

    rank = 1


@with_defaults(strides=(1, 1), dilation_rate=(1, 1))
class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over images: `strides` times as many pixels in height and width.

    Args:
        filters: the number of output channels.
        kernel_size: an integer, or height and width of the window.
        strides: an integer, or the steps from one window to the next in the output.
        padding: `"valid"` or `"same"` (the output is `strides` times as large as the input).
        output_padding: how much longer the output is than its shortest possible length, below `strides`; None: its
            length is that which `padding` gives.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: an integer, or the steps between the elements of a window.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (*kernel_size, filters, channels).
        bias_initializer: initializer of the bias, (filters,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, height, width, channels). Output: (batch, new_height, new_width, filters). With `"same"`, new_height
    is height * strides; with `"valid"` it is (height - 1) * strides + max(kernel_size, strides) (for a dilation_rate of
    1, without output_padding). The same holds for the width.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation.

    >>> layer = ef.layers.Conv2DTranspose(1, 2, strides=2, kernel_initializer="ones")
    >>> image = ef.Tensor([[[[1.0], [5.0]]]])
    >>> layer(image)[0, :, :, 0].tolist()  # each pixel becomes four
    [[1.0, 1.0, 5.0, 5.0], [1.0, 1.0, 5.0, 5.0]]
    >>> ef.layers.Conv2DTranspose(4, 3, strides=2, padding="same")(ef.ops.ones((2, 5, 5, 8))).shape
    (2, 10, 10, 4)
    """

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over volumes: `strides` times as many positions along each axis.

    Args:
        filters: the number of output channels.
        kernel_size: an integer, or the three lengths of the window.
        strides: an integer, or the steps from one window to the next in the output.
        padding: `"valid"` or `"same"` (the output is `strides` times as large as the input).
        data_format: `"channels_last"` or `"channels_first"`.
        output_padding: how much longer the output is than its shortest possible length, below `strides`; None: its
            length is that which `padding` gives.
        dilation_rate: an integer, or the steps between the elements of a window.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (*kernel_size, filters, channels).
        bias_initializer: initializer of the bias, (filters,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, depth, height, width, channels). Output: (batch, new_depth, new_height, new_width, filters). With
    `"same"`, new_depth is depth * strides; with `"valid"` it is (depth - 1) * strides + max(kernel_size, strides) (for
    a dilation_rate of 1, without output_padding). The same holds for height and width.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation.

    >>> ef.layers.Conv3DTranspose(2, 3, strides=2)(ef.ops.ones((1, 2, 2, 2, 1))).shape
    (1, 5, 5, 5, 2)
    """

    rank = 3

    # `data_format` and `output_padding` stand the other way round here, in Keras too.
    def __init__(
        self,
        filters: Integer,
        kernel_size: Sizes,
        strides: Sizes = (1, 1, 1),
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        output_padding: Sizes | None = None,
        dilation_rate: Sizes = (1, 1, 1),
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[WeightOptions],
    ) -> None:
        super().__init__(**passed_on(locals(), _ConvTranspose), **kwargs)


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
