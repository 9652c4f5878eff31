"""What all convolution layers share: windows, channels, bias and activation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import ConvolutionPadding, Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.calling import cast_with_mask
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import WeightOptions
from eagerflow.layer.settings import activated_shape, layout, one_of, settle, sizes
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["ConvolutionBase", "how_to_fit", "with_defaults", "windows_along"]

T = TypeVar("T")


class ConvolutionBase(Layer):
    """A layer that moves a window over `rank` spatial axes.

    Args:
        arguments: those of the layer's `__init__` (its `locals()`), of which this class keeps the lengths of the
            window `kernel_size`, the steps `strides` from one window to the next and `dilation_rate` from one
            element of a window to the next, the `padding` (`"valid"`, `"same"`, or with one spatial axis `"causal"`),
            where the channels are (`data_format`), the `activation` of the output, `use_bias`, and initializers,
            regularizers and constraints.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.
    """

    rank: int
    activation: Any
    use_bias: bool
    bias: Variable | Any
    bias_initializer: Any
    bias_regularizer: Any
    bias_constraint: Any
    _may_be_causal = False  # the padding

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def __init__(self, arguments: Mapping[str, Any], /, **kwargs: Unpack[WeightOptions]) -> None:
        super().__init__(activity_regularizer=arguments["activity_regularizer"], **kwargs)
        self.kernel_size, self.strides, self.dilation_rate = [
            sizes(self, name, arguments[name], self.rank) for name in ("kernel_size", "strides", "dilation_rate")
        ]
        allowed = ("valid", "same", "causal") if self._may_be_causal and self.rank == 1 else ("valid", "same")
        if isinstance(arguments["padding"], int):
            raise ValueError(
                f"{type(self).__name__}(padding={arguments['padding']!r}): expected one of "
                f"{', '.join(map(repr, allowed))}. 'same' keeps the size; for that many zeros on each side put "
                f"layers.ZeroPadding{self.rank}D({arguments['padding']}) in front."
            )
        self.padding = one_of(self, "padding", arguments["padding"], allowed)
        self.data_format = layout(self, arguments["data_format"])
        settle(self, arguments, "use_bias")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _convert(self, x: Any) -> Any:
        """Whole numbers, such as the bytes of pictures, become floats here: the ops themselves refuse them."""
        x = super()._convert(x)
        if isinstance(x, Tensor) and not isinstance(x, SymbolicTensor) and x.dtype.kind in "iub":
            return cast_with_mask(x, self._ef_state.compute_type)
        return x

    def _refuse_strides_with_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}(strides={self.strides}, dilation_rate={self.dilation_rate}): one of them must "
                "be 1."
            )

    def _channels(self, input_shape: Shape) -> int:
        """The number of channels of the input, which is fixed from now on."""
        if len(input_shape) != self.rank + 2:
            axes = "(batch, {spatial}, channels)".format(spatial=", ".join(["length"] * self.rank))
            raise ValueError(f"{describe(self)} expects inputs {axes}; got the shape {tuple(input_shape)}.")
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"{describe(self)} needs to know the number of channels; got inputs of shape "
                f"{tuple(input_shape)} with data_format={self.data_format!r}."
            )
        return int(channels)

    def _expect_channels(self, channels: int) -> None:
        axis = -1 if self.data_format == "channels_last" else 1
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def _finished(self, outputs: Tensor) -> Tensor:
        """The outputs with bias and activation."""
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = bias.reshape((-1,) + (1,) * self.rank)
            outputs = outputs + bias
        return outputs if self.activation is None else self.activation(outputs)

    def _shape_of_windows(self, input_shape: Shape, filters: int) -> Shape:
        """The shape with one position per window, and `filters` channels."""
        spatial = self._spatial(input_shape)
        found = [
            windows_along(n, (k - 1) * d + 1, s, self.padding)
            for n, k, s, d in zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        ]
        if any(n is not None and n < 1 for n in found):
            raise ValueError(
                f"{describe(self)}: windows of {self.kernel_size} (dilation_rate "
                f"{self.dilation_rate}) don't fit into inputs of shape {(None, *input_shape[1:])}. "
                f"{how_to_fit(self, spatial)}"
            )
        return self._shape(input_shape[0], found, filters)

    def _spatial(self, input_shape: Shape) -> Shape:
        return tuple(input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:])

    def _shape(self, batch: int | None, spatial: Any, filters: int) -> Shape:
        last = self.data_format == "channels_last"
        return activated_shape(self, (batch, *spatial, filters) if last else (batch, filters, *spatial))


def how_to_fit(layer: Any, spatial: Shape) -> str:
    """What to do where a window is larger than the input."""
    known = [n for n in spatial if n is not None]
    if layer.data_format == "channels_last" and len(known) > 1 and 4 * known[0] <= known[-1]:
        return (
            "Are the inputs (batch, channels, height, width)? The layers take channels last: use "
            "ops.transpose(x, (0, 2, 3, 1)), or data_format='channels_first' in each layer."
        )
    return (
        "Use padding='same' (here, or in the layers before, which keeps them larger), fewer pooling layers or strides "
        "before it, or larger inputs."
    )


def windows_along(length: int | None, reach: int, stride: int, padding: ConvolutionPadding) -> int | None:
    """How many windows there are along an axis; None when its length is unknown."""
    if length is None:
        return None
    return (length - reach) // stride + 1 if padding == "valid" else -(-length // stride)


def with_defaults(**defaults: Any) -> Callable[[type[T]], type[T]]:
    """A class decorator that shows other default values in the signature, which mean the same.

    `strides=1` is `strides=(1, 1)` for two spatial axes; signatures are those that Keras' users know.
    """

    def decorate(cls: type[T]) -> type[T]:
        inherited = cls.__init__

        @boundary
        @wraps(inherited)
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            inherited(self, *args, **kwargs)

        signature = inspect.signature(inherited)
        parameters = [p.replace(default=defaults.get(n, p.default)) for n, p in signature.parameters.items()]
        init.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        cls.__init__ = init  # type: ignore[method-assign]
        return cls

    return decorate
