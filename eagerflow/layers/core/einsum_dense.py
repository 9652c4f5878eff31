"""`EinsumDense`: a product with a learned kernel, given by an equation."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from eagerflow import ops
from eagerflow.activations import relu
from eagerflow.base.typing import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike, Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.initializers import VarianceScaling
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import activated_shape, settle, settled_weight
from eagerflow.layers.core.large_weight import LargeWeight, LargeWeightLayer, StoredWeight
from eagerflow.ops.neural.fused import dense

__all__ = ["EinsumDense"]

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class _Plan(NamedTuple):
    """What an equation and the shapes say."""

    kernel: tuple[int, ...]
    bias: tuple[int, ...] | None
    output: Shape
    input_axes: list[int]
    output_axes: list[int]


class EinsumDense(LargeWeightLayer):
    """A dense layer along any axes: `activation(einsum(equation, inputs, kernel) + bias)`.

    Args:
        equation: such as `"ab,bc->ac"` (what `Dense` does), or with an ellipsis: `"...x,xy->...y"`.
        output_shape: the shape of the output without the batch axis (and without the axes that an ellipsis stands for);
            None for lengths that are those of the input.
        activation: a function or its name; None for no activation.
        bias_axes: the axes of the output that the bias has, by their letters; None for no bias.
        kernel_initializer: initializer of the kernel.
        bias_initializer: initializer of the bias.
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        kernel_constraint: constraint on the kernel.
        bias_constraint: constraint on the bias.
        lora_rank: if given, a low-rank adapter of this rank is trained instead of the kernel (see `enable_lora`).
        lora_alpha: the adapter's output is multiplied by `lora_alpha / lora_rank`.
        gptq_unpacked_column_size: only None; Keras has it for GPTQ, which eagerflow doesn't have.
        quantization_config: how a layer with a quantized `dtype` is quantized.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for an equation or shapes that don't fit together.

    >>> layer = ef.layers.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d")
    >>> layer(ef.ops.ones((2, 5, 3))).shape, layer.kernel.shape, layer.bias.shape
    ((2, 5, 4), (3, 4), (4,))
    """

    _config_omits = ("lora_rank", "lora_alpha", "gptq_unpacked_column_size")
    _config_adds = ("activity_regularizer",)
    _kept_as = {"output_shape": "partial_output_shape"}
    kernel: Variable = LargeWeight()  # type: ignore[assignment]
    _kernel: Variable = StoredWeight()  # type: ignore[assignment]
    activation: Any
    bias_axes: str | None
    bias: Variable | Any
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: ActivationLike = None,
        bias_axes: str | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self._set_weight_form(lora_rank, lora_alpha, quantization_config)
        if gptq_unpacked_column_size is not None:
            raise ValueError("EinsumDense(gptq_unpacked_column_size=...): GPTQ is left out. Leave the argument away.")
        found = _EQUATION.fullmatch(str(equation).replace(" ", ""))
        if found is None or bool(found[1]) != bool(found[5]) or bool(found[3]) != bool(found[7]):
            raise ValueError(
                f"EinsumDense(equation={equation!r}): expected the form 'ab,bc->ac', '...b,bc->...c' or "
                "'ab...,bc->ac...'."
            )
        self._left, self._letters = bool(found[1]), (found[2], found[4], found[6])
        self.equation = equation
        shape = output_shape if isinstance(output_shape, (list, tuple)) else (output_shape,)
        self.partial_output_shape = tuple(shape)
        settle(self, locals(), "bias_axes")

    def build(self, input_shape: Shape) -> None:
        """Make the kernel and the bias."""
        plan = self._plan(tuple(input_shape))
        self.input_spec = InputSpec(ndim=len(input_shape))
        self._make_large(plan.kernel, initializer=self._scaled(plan))
        self.bias = None if plan.bias is None else settled_weight(self, "bias", plan.bias)
        self.built = True
        self._make_adapter()

    def _scaled(self, plan: _Plan) -> Any:
        """The kernel's initializer, told which axes are inputs and which outputs."""
        given = self.kernel_initializer
        if not isinstance(given, VarianceScaling) or (given.input_axes and given.output_axes):
            return given
        axes = {"input_axes": plan.input_axes, "output_axes": plan.output_axes}
        return type(given).from_config({**given.get_config(), **axes})

    def _plan(self, input_shape: Shape) -> _Plan:
        """The shapes of kernel, bias and output."""
        of_input, of_kernel, of_output = self._letters
        elided = len(input_shape) - len(of_input)
        hidden = input_shape[:elided] if self._left else input_shape[len(of_input) :]
        lengths = dict(zip(of_input, input_shape[elided if self._left else 0 :], strict=False))
        # The batch axis comes from the input: the ellipsis' first, or the first letter's.
        told = self.partial_output_shape if self._left and elided else (input_shape[0], *self.partial_output_shape)
        if elided < 0 or len(told) != len(of_output):
            raise self._mismatch(input_shape)
        of_outputs = dict(zip(of_output, told, strict=True))
        for letter, n in of_outputs.items():
            if letter in lengths and n is not None and lengths[letter] not in (None, n):
                raise self._mismatch(input_shape)
        lengths = {**{k: n for k, n in of_outputs.items() if n is not None or k not in lengths}, **lengths}
        if any(lengths.get(letter) is None for letter in of_kernel):
            raise self._mismatch(input_shape)
        output = tuple([lengths.get(letter) for letter in of_output])
        return _Plan(
            tuple([int(lengths[letter] or 0) for letter in of_kernel]),
            self._bias_shape(lengths, 0 if self._left else elided),
            (*hidden, *output) if self._left else (*output, *hidden),
            [i for i, letter in enumerate(of_kernel) if letter not in of_output],
            [i for i, letter in enumerate(of_kernel) if letter in of_output],
        )

    def _bias_shape(self, lengths: dict[str, Any], trailing: int) -> tuple[int, ...] | None:
        if not self.bias_axes:
            return None
        of_output = self._letters[2]
        unknown = [letter for letter in self.bias_axes if letter not in of_output]
        if unknown:
            raise ValueError(
                f"EinsumDense(bias_axes={self.bias_axes!r}): {unknown[0]!r} is no axis of the output {of_output!r}."
            )
        first = min(of_output.index(letter) for letter in self.bias_axes)
        shape = [lengths[letter] if letter in self.bias_axes else 1 for letter in of_output[first:]]
        return (*shape, *((1,) * trailing))

    def _mismatch(self, input_shape: Any) -> ValueError:
        return ValueError(
            f"{describe(self)}(equation={self.equation!r}, output_shape={self.partial_output_shape}) doesn't "
            f"fit inputs of shape {input_shape}: every axis of the kernel needs one known length."
        )

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The product, with bias and activation."""
        kernel, bias, activation = self.kernel, self.bias, self.activation
        if bias is not None and self._sums_over_last(inputs.shape, kernel.shape, bias.shape):
            x = _as_dense(inputs, kernel, bias, activation is relu)
            return x if activation is None or activation is relu else activation(x)
        x = ops.einsum(self.equation, inputs, kernel)
        if bias is not None:
            x = x + bias
        return x if activation is None else activation(x)

    def _sums_over_last(self, of_inputs: Shape, of_kernel: Shape, of_bias: Shape) -> bool:
        """Whether this is a dense layer, whose inputs and units may have several axes each."""
        given, weights, made = self._letters
        units = len(of_bias)
        summed = len(weights) - units
        kept = given[: len(given) - summed]
        return (
            summed > 0
            and (self._left or len(of_inputs) == len(given))
            and weights == given[len(kept) :] + made[len(kept) :]
            and made[: len(kept)] == kept
            and of_kernel == (*of_inputs[len(of_inputs) - summed :], *of_bias)
            and None not in of_inputs[:-summed]
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the output, as the equation says."""
        return activated_shape(self, self._plan(tuple(input_shape)).output)


def _as_dense(inputs: Tensor, kernel: Any, bias: Any, relu: bool) -> Tensor:
    """The last axes of the inputs meet the first ones of the kernel, as one axis each: bias and relu in the same op."""
    units = bias.shape
    before = inputs.shape[: inputs.ndim + len(units) - kernel.ndim]
    width, all_units = math.prod(inputs.shape[len(before) :]), math.prod(units)
    x = inputs if inputs.ndim == len(before) + 1 else ops.reshape(inputs, (*before, width))
    if kernel.ndim > 2:
        kernel = ops.reshape(kernel, (width, all_units))
    if len(units) == 1:
        return dense(x, kernel, bias, relu)
    return ops.reshape(dense(x, kernel, ops.reshape(bias, (all_units,)), relu), (*before, *units))
