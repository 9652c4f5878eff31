"""`LocallyConnected1D` and `LocallyConnected2D`: convolutions with a kernel of its own at each place."""

from __future__ import annotations

import itertools
import math
from typing import Any

from eagerflow import ops
from eagerflow.base.config_from_init import setting_names
from eagerflow.base.typing import Identifier, Shape, Sizes
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.settings import described, integer, settled_weight
from eagerflow.layers.convolutional.conv_base import ConvolutionBase

__all__ = ["LocallyConnected1D", "LocallyConnected2D"]


class _LocallyConnected(ConvolutionBase):
    """Every window has a kernel of its own."""

    _config_omits = ("implementation",)

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: Any = None,
        activation: Identifier = None,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        activity_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        implementation: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__({**locals(), "dilation_rate": 1}, **kwargs)
        self.filters = integer(self, "filters", filters)
        if self.padding != "valid":
            raise ValueError(
                f"{type(self).__name__}(padding={padding!r}): only 'valid'; put a ZeroPadding layer before it."
            )

    def build(self, input_shape: Shape) -> None:
        """Make a kernel and a bias for every window."""
        channels = self._channels(input_shape)
        if None in self._spatial(input_shape):
            raise ValueError(
                f"{describe(self)} needs to know the lengths of its inputs, as every place has "
                f"weights of its own; got {tuple(input_shape)}."
            )
        places: Any = self._spatial(self.compute_output_shape(input_shape))
        self.places = places
        width = math.prod(self.kernel_size) * channels
        self.kernel = settled_weight(self, "kernel", (math.prod(places), width, self.filters))
        self.bias = settled_weight(self, "bias", (*places, self.filters)) if self.use_bias else None
        self._expect_channels(channels)

    def call(self, inputs: Tensor) -> Tensor:
        """What each window's kernel makes of it, with bias and activation."""
        last = self.data_format == "channels_last"
        inputs = inputs if last else ops.moveaxis(inputs, 1, -1)
        windows = ops.stack([inputs[(slice(None), *place)] for place in self._windows()], axis=1)
        windows = ops.reshape(windows, (-1, *self.kernel.shape[:2]))
        outputs = ops.einsum("bpw,pwf->bpf", windows, self.kernel)
        outputs = ops.reshape(outputs, (-1, *self.places, self.filters))
        outputs = outputs if self.bias is None else outputs + self.bias
        outputs = outputs if self.activation is None else self.activation(outputs)
        return outputs if last else ops.moveaxis(outputs, -1, 1)

    def _windows(self) -> list[tuple[slice, ...]]:
        """Where each window lies."""
        along = [
            [slice(i * stride, i * stride + length) for i in range(count)]
            for count, stride, length in zip(self.places, self.strides, self.kernel_size, strict=True)
        ]
        return list(itertools.product(*along))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *windows, filters), or (batch, filters, *windows)."""
        return self._shape_of_windows(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        names = setting_names(_LocallyConnected)
        return self._base_config() | {name: described(name, getattr(self, name)) for name in names}


class LocallyConnected1D(_LocallyConnected):
    """A convolution along one axis whose kernel differs from place to place.

    Input: (batch, steps, channels), the number of steps known.
    """

    rank = 1


class LocallyConnected2D(_LocallyConnected):
    """A convolution over images whose kernel differs from place to place.

    Input: (batch, height, width, channels), the sizes known.
    """

    rank = 2
