"""Layers with one large weight, which can be quantized."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eagerflow import ops
from eagerflow.base.typing import TensorLike
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.links import above
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.dtype_policy import QUANTIZATION_MODES, get_policy
from eagerflow.layer.input_spec import describe
from eagerflow.layer.settings import settled_weight
from eagerflow.layer.weights import drop_weight
from eagerflow.layers.core.lora import LoraLayer

if TYPE_CHECKING:
    from eagerflow.layers.core.packed_weight import PackedWeight

__all__ = ["QuantizableLayer"]

_EXACT = 2**24  # float32 holds all integers up to here


class QuantizableLayer(LoraLayer):
    """Base of `Dense`, `EinsumDense` and `Embedding`, which can be quantized, too.

    Attributes:
        quantization_config: how the weights were quantized.
    """

    bias: Variable | Any
    activation: Any
    _packed_weights: tuple[PackedWeight, ...] = ()
    inputs_quantizer: Any = None

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def _adapted(self, lora_rank: int | None, lora_alpha: float | None, quantization_config: Any) -> None:
        """Set the arguments of `__init__` that this class handles."""
        self._set_adapter_arguments(lora_rank, lora_alpha)
        config = quantization_config
        self.quantization_config = None if config is None else above.quantization().config_of(config)

    def _weight_shape(self) -> tuple[int, ...]:
        bits = self._bits_of(self._large)
        return super()._weight_shape() if bits is None else tuple(bits.whole or bits.shape)

    def _bits_of(self, name: str) -> PackedWeight | None:
        return next((bits for bits in self._packed_weights if bits.name == name), None)

    def _seen_weight(self) -> Any:
        """The large weight as numbers, with what the adapter adds."""
        bits = self._bits_of(self._large)
        if bits is None:
            return super()._seen_weight()
        weight = bits.numbers(self)
        return self._with_product(weight) if self.lora_enabled else weight

    def _with_adapter(self, x: Tensor, through: Callable[[Any], Tensor]) -> Tensor:
        """The product with integers, and that of the adapter."""
        if not self.lora_enabled:
            return x
        a, b, scale = self._adapter()
        return ops.cast(x + scale * ops.matmul(through(a), b), self.compute_dtype)

    @property
    def _is_changed(self) -> bool:
        return self.lora_enabled or self._is_quantized

    def _names_in_files(self) -> list[str]:
        first = super()._names_in_files()
        if self.quantization_mode == "float8":
            return [*first, *above.quantization().FLOAT8_NAMES]
        return [*first, *[name for bits in self._packed_weights[:1] for name in bits.names()]]

    def _merged_values(self) -> dict[str, Any]:
        bits = self._bits_of(self._large)
        return super()._merged_values() if bits is None else bits.encode(self._seen_weight())

    # Quantization

    def _planned_bits(self, mode: str, shape: tuple[int, ...], block: int | None) -> tuple[PackedWeight, ...]:
        """How the weights are kept; the large one first."""
        raise NotImplementedError

    def _block_size(self, config: Any) -> int | None:
        """How many rows share a scale in `"int4"`; None for all."""
        if isinstance(config, above.quantization().Int4QuantizationConfig):
            size = config.block_size
        else:
            size = getattr(self._ef_state.policy, "block_size", None)
        return None if size == -1 else size

    def quantized_build(self, input_shape: Any, mode: str, config: Any = None) -> None:
        """Make the variables of quantized weights.

        Args:
            input_shape: the shape of the large weight.
            mode: `"int8"`, `"int4"` or `"float8"`.
            config: the layer's `quantization_config`.

        Raises:
            NotImplementedError: for a mode that the layer hasn't.
        """
        if mode == "float8":
            self._float8_build()
        elif mode not in ("int8", "int4"):
            raise NotImplementedError(
                f"{describe(self)}: Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: "
                f"quantization_mode={mode}"
            )
        else:
            block = self._block_size(config) if mode == "int4" else None
            self._packed_weights = self._planned_bits(mode, tuple(input_shape), block)
            default = above.quantization().AbsMaxQuantizer() if mode == "int8" else None
            self.inputs_quantizer = default if config is None else config.activation_quantizer
            for bits in self._packed_weights:
                bits.make(self)
        self._is_quantized = True

    def _float8_build(self) -> None:
        if self._large != "kernel":
            raise NotImplementedError(
                f"{describe(self)}: Invalid quantization mode. Expected one of ('int8', 'int4'). Received: "
                "quantization_mode='float8'"
            )
        above.quantization().make_float8(self)

    def _float8_call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if self.lora_enabled:
            raise NotImplementedError(f"{describe(self)}: Currently, `_float8_call` doesn't support LoRA")
        x, bias = above.quantization().float8_product(self, inputs, training), self.bias
        if bias is not None and self.compute_dtype == "float32":  # as Keras rounds it
            bias = ops.cast(ops.cast(bias, "bfloat16"), "float32")
        return self._activated(x, bias)

    _quantizable: type  # the class itself: subclasses may compute anything

    def _quantize(self, config: Any, type_check: bool) -> None:
        if type_check and type(self) is not self._quantizable:
            raise above.quantization().not_quantizable(self, "quantize")
        mode, name = config.mode, config.mode
        if mode == "float8":
            self.quantized_build(self._weight_shape(), mode)
        else:
            block = self._block_size(config) if mode == "int4" else None
            arrays: dict[str, Any] = {}
            for bits in self._planned_bits(mode, self._weight_shape(), block):
                arrays |= bits.encode(self._kept_weight(bits.name), config.weight_quantizer)
            shape = self._weight_shape()
            for bits in self._planned_bits(mode, shape, block):
                drop_weight(self, bits.name if bits.name in self.__dict__ else f"_{bits.name}")
            self.quantized_build(shape, mode, config)
            for attribute, array in arrays.items():
                getattr(self, attribute).assign(array)
            name = f"int4/{block or -1}" if mode == "int4" else mode
        self.quantization_config = config
        if self._ef_state.policy.quantization_mode is None:
            self.dtype_policy = get_policy(f"{name}_from_{self._ef_state.policy.name}")

    def _kept_weight(self, name: str) -> Any:
        """A weight that is to be quantized, without an adapter's part."""
        return self.__dict__.get(name, self.__dict__.get(f"_{name}"))

    def _make_kernel(self, shape: tuple[int, ...], **others: Any) -> None:
        """Make the kernel, in the form that the layer's policy asks for."""
        mode = self.quantization_mode
        if mode is not None:
            self.quantized_build(shape, mode, self.quantization_config)
        if not self._packed_weights:
            setattr(self, self._large, settled_weight(self, self._large, shape, **others))

    def _activated(self, x: Tensor, bias: Any) -> Tensor:
        """The product, with bias and activation."""
        activation = self.activation
        x = x if bias is None else x + bias
        return x if activation is None else activation(x)

    # Products with small integers

    def _product(self, inputs: Tensor, weight: Any) -> Tensor:
        """The layer's product, with the weight in its whole shape."""
        raise NotImplementedError

    def _back(self, upstream: Tensor, weight: Any) -> Tensor:
        """The gradient of the inputs of the product."""
        raise NotImplementedError

    def _input_axes(self, rank: int) -> tuple[int, ...]:
        """The axes of the inputs that the product sums over."""
        return (-1,)

    def _as_output(self, scale: Tensor) -> Tensor:
        """Scales of the inputs, to be broadcast with the outputs."""
        return scale

    def _product_of_integers(self, inputs: Tensor, bits: PackedWeight) -> Tensor:
        """The product with quantized inputs. Its gradient is that of the numbers which the weights stand for."""
        axes = self._input_axes(inputs.ndim)
        length = math.prod([inputs.shape[axis] for axis in axes])
        exact = "float32" if length * 127 * 127 < _EXACT else "float64"
        if bits.whole is None:
            weight, of_weight = ops.cast(bits.integers(self), exact), getattr(self, f"{bits.name}_scale")
        else:  # their matrix has no scale for each output
            exact, weight, of_weight = self.compute_dtype, bits.numbers(self), 1.0

        @custom_gradient
        def product(x: Any) -> Any:
            values, scale = self.inputs_quantizer(x, axis=axes)
            found = ops.cast(self._product(ops.cast(values, exact), weight), self.compute_dtype)
            found = found / (self._as_output(scale) * of_weight)
            return found, lambda upstream: self._back(upstream, bits.numbers(self))

        found: Tensor = product(inputs)
        return found

    def _quantized_product(self, inputs: Tensor) -> Tensor:
        """The product with the large weight as it is kept, and the adapter's."""
        bits = self._packed_weights[0]
        if self.inputs_quantizer is None or bits.block:
            x = self._product(inputs, bits.numbers(self))
        else:
            x = self._product_of_integers(inputs, bits)
        return self._with_adapter(x, lambda a: self._product(inputs, a))
