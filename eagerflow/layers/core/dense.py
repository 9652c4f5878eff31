"""`Dense`: every output sees every input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from eagerflow.activations import relu
from eagerflow.base.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    RegularizerLike,
    Shape,
    TensorLike,
)
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer_options import WeightOptions
from eagerflow.layer.settings import activated_shape, integer, settle, settled_weight
from eagerflow.layers.core.large_weight import LargeWeight, LargeWeightLayer, StoredWeight
from eagerflow.ops.neural.fused import dense

if TYPE_CHECKING:
    pass

__all__ = ["Dense"]


class Dense(LargeWeightLayer):
    """A fully connected layer: `activation(inputs @ kernel + bias)` over the last axis.

    Args:
        units: the length of the last axis of the output.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, of shape (inputs, units).
        bias_initializer: initializer of the bias, of shape (units,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        lora_rank: if given, a low-rank adapter of this rank is trained instead of the kernel (see `enable_lora`).
        lora_alpha: the adapter's output is multiplied by `lora_alpha / lora_rank`.
        quantization_config: how a layer with a quantized `dtype` is quantized.
        **kwargs: arguments of every layer, such as `name` and `dtype`.

    Input: (batch, ..., inputs). Output: (batch, ..., units).

    Raises:
        ValueError: for units below 1; on a call, when the last axis has another length than at first.

    >>> layer = ef.layers.Dense(2, kernel_initializer="ones")
    >>> x = ef.Tensor([[1.0, 2.0, 3.0]])
    >>> with ef.GradientTape() as tape:
    ...     y = layer(x)
    >>> y.tolist(), tape.gradient(y, layer.kernel).tolist()
    ([[6.0, 6.0]], [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    """

    _config_omits = ("activity_regularizer", "lora_rank", "lora_alpha")
    kernel: Variable = LargeWeight()  # type: ignore[assignment]
    _kernel: Variable = StoredWeight()  # type: ignore[assignment]
    activation: Any
    use_bias: bool
    bias: Variable | Any
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any

    def __init__(
        self,
        units: Integer,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[WeightOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_weight_form(lora_rank, lora_alpha, quantization_config)
        self.units = integer(self, "units", units)
        settle(self, locals(), "use_bias")
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Creates the kernel and the bias."""
        inputs = known_last(self, input_shape)
        self._make_large((inputs, self.units))
        self.bias = settled_weight(self, "bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: inputs})
        self.built = True
        self._make_adapter()

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The layer's output for `inputs`."""
        kernel, bias, activation = self.kernel, self.bias, self.activation
        if bias is None:
            x = inputs @ kernel
        elif activation is relu:
            return dense(inputs, kernel, bias, True)
        else:
            x = dense(inputs, kernel, bias)
        return x if activation is None else activation(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, ..., units)."""
        return activated_shape(self, (*input_shape[:-1], self.units))


def known_last(layer: Any, input_shape: Shape) -> int:
    """The length of the last axis, which a weight depends on.

    Raises:
        ValueError: when it is unknown.
    """
    length = input_shape[-1]
    if length is None:
        raise ValueError(
            f"{describe(layer)} needs to know the length of the last axis of its inputs; "
            f"got the shape {tuple(input_shape)}. {_how_to_know(input_shape)}"
        )
    return int(length)


def _how_to_know(shape: Shape) -> str:
    """What makes the length of the last axis known."""
    if len(shape) == 2:
        return (
            "Give Input every length that it depends on: behind a Flatten, the sizes of images, or how many steps "
            "sequences have. Or take GlobalAveragePooling2D (1D, 3D) in its place."
        )
    return f"Say it where the inputs are made: Input(({', '.join(['...'] * (len(shape) > 2))}, n)) with a number for n."
