"""`Conv1D`, `Conv2D`, `Conv3D`."""

from __future__ import annotations

from typing import Any, Unpack, cast

from eagerflow import ops
from eagerflow.activations import relu
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
from eagerflow.core.variable import Variable
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer_options import ConvOptions, WeightOptions
from eagerflow.layer.settings import integer, settled_weight
from eagerflow.layers.convolutional.conv_base import ConvolutionBase, with_defaults
from eagerflow.layers.core.large_weight import LargeWeight, LargeWeightLayer, StoredWeight
from eagerflow.ops.neural.fused import conv_bias

__all__ = ["Conv1D", "Conv2D", "Conv3D"]
__all__ += ["Convolution1D", "Convolution2D", "Convolution3D"]


def _next_multiple(filters: int, groups: int) -> str:
    """The numbers of filters around this one that divide into groups: `"4 or 8"`."""
    below = filters // groups * groups
    return f"{below} or {below + groups}" if below else str(groups)


class _Conv(ConvolutionBase, LargeWeightLayer):
    """A convolution with learned filters, in one to three spatial axes."""

    _may_be_causal = True

    kernel: Variable = LargeWeight()  # type: ignore[assignment]
    _kernel: Variable = StoredWeight()  # type: ignore[assignment]
    kernel_initializer: Any
    kernel_regularizer: Any
    kernel_constraint: Any

    def __init__(
        self,
        filters: Integer,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: ConvolutionPadding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: Sizes = 1,
        groups: int = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[ConvOptions],
    ) -> None:
        lora_rank, lora_alpha = kwargs.pop("lora_rank", None), kwargs.pop("lora_alpha", None)
        super().__init__(locals(), **cast(WeightOptions, kwargs))
        self._set_weight_form(lora_rank, lora_alpha)
        self.filters = integer(self, "filters", filters)
        self.groups = integer(self, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(
                f"{type(self).__name__}(filters={filters}, groups={groups}): {filters} filters don't divide into "
                f"{groups} groups; {_next_multiple(self.filters, self.groups)} would."
            )
        self._refuse_strides_with_dilation()

    def build(self, input_shape: Shape) -> None:
        """Make the kernel and the bias."""
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{describe(self)}(groups={self.groups}): the {channels} channels of inputs of "
                f"shape {tuple(input_shape)} don't divide into {self.groups} groups."
            )
        self.compute_output_shape(input_shape)  # before weights exist: windows must fit
        self.kernel = settled_weight(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.bias = settled_weight(self, "bias", (self.filters,)) if self.use_bias else None
        self._expect_channels(channels)
        self.built = True
        self._make_adapter()

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The convolution alone, without bias and activation; subclasses may override it to change the kernel first.

        Args:
            inputs: the inputs of the layer.
            kernel: the kernel.

        >>> layer = ef.layers.Conv1D(1, 2)
        >>> x, kernel = ef.Tensor([[[1.0], [2.0], [3.0]]]), ef.ops.ones((2, 1, 1))
        >>> layer.convolution_op(x, kernel).tolist()
        [[[3.0], [5.0]]]
        """
        return ops.conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )

    def call(self, inputs: Tensor) -> Tensor:
        """The convolved inputs, with bias and activation."""
        if self.bias is not None and type(self).convolution_op is _Conv.convolution_op:
            return self._fused(inputs)
        return self._finished(self.convolution_op(inputs, self.kernel))

    def _fused(self, inputs: Tensor) -> Tensor:
        rectified = self.activation is relu
        outputs = conv_bias(
            inputs, self.kernel, self.bias, self.strides, self.padding, self.data_format, self.dilation_rate, rectified
        )
        return outputs if rectified or self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *windows, filters), or (batch, filters, *windows)."""
        return self._shape_of_windows(input_shape, self.filters)


class Conv1D(_Conv):
    """Convolution along one axis, such as time.

    Args:
        filters: the number of output channels.
        kernel_size: the length of the window.
        strides: the step from one window to the next.
        padding: `"valid"` (no padding), `"same"` (zero-padded, so that strides of 1 keep the length), or
            `"causal"` (zero-padded at the beginning only: an output depends on no later input).
        data_format: `"channels_last"`: (batch, steps, channels); `"channels_first"`: (batch, channels, steps).
        dilation_rate: the step between the elements of a window.
        groups: how many groups the channels are split into, each with its own filters.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (kernel_size, channels / groups, filters).
        bias_initializer: initializer of the bias, (filters,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        **kwargs: `lora_rank` and `lora_alpha` of an adapter (see `enable_lora`), and arguments of every layer.

    Input: (batch, steps, channels). Output: (batch, new_steps, filters). With `"valid"`, new_steps is (steps -
    kernel_size) // strides + 1 (for a dilation_rate of 1); with `"same"` and `"causal"` it is steps / strides, rounded
    up.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation, groups that don't divide.

    >>> layer = ef.layers.Conv1D(1, 2, kernel_initializer="ones")
    >>> layer(ef.Tensor([[[1.0], [2.0], [3.0], [4.0]]])).tolist()  # sums of two neighbours
    [[[3.0], [5.0], [7.0]]]
    >>> ef.layers.Conv1D(4, 3, padding="same", strides=2)(ef.ops.ones((2, 10, 8))).shape
    (2, 5, 4)
    """

    rank = 1


@with_defaults(strides=(1, 1), dilation_rate=(1, 1))
class Conv2D(_Conv):
    """Convolution over images.

    Args:
        filters: the number of output channels.
        kernel_size: an integer, or height and width of the window.
        strides: an integer, or the steps from one window to the next.
        padding: `"valid"` (no padding) or `"same"` (zeros are added around the image, so that strides of 1 keep height
            and width; where their number is odd, as with even kernels, the bottom and the right get one more).
        data_format: `"channels_last"`: (batch, height, width, channels); `"channels_first"`: (batch, channels,
            height, width).
        dilation_rate: an integer, or the steps between the elements of a window.
        groups: how many groups the channels are split into, each with its own filters.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (*kernel_size, channels / groups, filters).
        bias_initializer: initializer of the bias, (filters,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        **kwargs: `lora_rank` and `lora_alpha` of an adapter (see `enable_lora`), and arguments of every layer.

    Input: (batch, height, width, channels). Output: (batch, new_height, new_width, filters). With `"valid"`, new_height
    is (height - kernel_size) // strides + 1 (for a dilation_rate of 1); with `"same"` it is height / strides, rounded
    up. The same holds for the width.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation, groups that don't divide.

    >>> layer = ef.layers.Conv2D(1, 2, kernel_initializer="ones")
    >>> image = ef.ops.reshape(ef.ops.arange(9.0), (1, 3, 3, 1))
    >>> layer(image)[0, :, :, 0].tolist()  # sums of 2 × 2 neighbours: 0 + 1 + 3 + 4 ...
    [[8.0, 12.0], [20.0, 24.0]]
    >>> ef.layers.Conv2D(4, 3, padding="same", activation="relu")(ef.ops.ones((2, 8, 8, 1))).shape
    (2, 8, 8, 4)
    """

    rank = 2


@with_defaults(strides=(1, 1, 1), dilation_rate=(1, 1, 1))
class Conv3D(_Conv):
    """Convolution over volumes.

    Args:
        filters: the number of output channels.
        kernel_size: an integer, or the three lengths of the window.
        strides: an integer, or the steps from one window to the next.
        padding: `"valid"` (no padding) or `"same"` (zeros are added at both ends of each axis, so that strides of 1
            keep the lengths; where their number is odd, as with even kernels, the end of the axis gets one more).
        data_format: `"channels_last"`: (batch, *lengths, channels); `"channels_first"`: (batch, channels,
            *lengths).
        dilation_rate: an integer, or the steps between the elements of a window.
        groups: how many groups the channels are split into, each with its own filters.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (*kernel_size, channels / groups, filters).
        bias_initializer: initializer of the bias, (filters,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        **kwargs: `lora_rank` and `lora_alpha` of an adapter (see `enable_lora`), and arguments of every layer.

    Input: (batch, depth, height, width, channels). Output: (batch, new_depth, new_height, new_width, filters). With
    `"valid"`, new_depth is (depth - kernel_size) // strides + 1 (for a dilation_rate of 1); with `"same"` it is depth /
    strides, rounded up. The same holds for height and width.

    Raises:
        ValueError: for sizes below 1, unknown padding, strides with dilation, groups that don't divide.

    >>> layer = ef.layers.Conv3D(4, 2)
    >>> layer(ef.ops.ones((2, 5, 5, 5, 1))).shape, layer.kernel.shape
    ((2, 4, 4, 4, 4), (2, 2, 2, 1, 4))
    """

    rank = 3


Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
