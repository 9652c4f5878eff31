"""What classes of layers compute with a large weight that is kept as small integers, or has an adapter."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from eagerflow import ops
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.tensor_masks import set_mask
from eagerflow.layers.core.dense import Dense
from eagerflow.layers.core.einsum_dense import EinsumDense
from eagerflow.layers.core.embedding import Embedding
from eagerflow.layers.core.reversible_embedding import ReversibleEmbedding
from eagerflow.quantizers.float8_layers import FLOAT8_NAMES, float8_product
from eagerflow.quantizers.packed_weight import PackedWeight

__all__ = ["FORMS", "Form", "adapter_of", "form_of"]

_EXACT = 2**24  # float32 holds all integers up to here


class Form:
    """What a layer computes with such a weight.

    Args:
        layer: the layer.
    """

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def plan(self, mode: str, shape: tuple[int, ...], block: int | None) -> tuple[PackedWeight, ...]:
        """How the weights are kept; the large one first."""
        raise NotImplementedError

    def call(self, inputs: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The outputs, with weights of small integers."""
        bits = self.layer._packed_weights[0]
        x = self.with_adapter(self.packed_product(inputs, bits), lambda a: self.product(inputs, a))
        return self.activated(x, self.layer.bias)

    def float8_call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The outputs, with weights rounded to floats of eight bits."""
        if self.layer.lora_enabled:
            raise NotImplementedError(f"{describe(self.layer)}: Currently, `_float8_call` doesn't support LoRA")
        x, bias = float8_product(self.layer, self.product, inputs, training), self.layer.bias
        if bias is not None and self.layer.compute_dtype == "float32":  # as Keras rounds it
            bias = ops.cast(ops.cast(bias, "bfloat16"), "float32")
        return self.activated(x, bias)

    def activated(self, x: Tensor, bias: Any) -> Tensor:
        """The product, with bias and activation."""
        activation = self.layer.activation
        x = x if bias is None else x + bias
        return x if activation is None else activation(x)

    def product(self, inputs: Tensor, weight: Any) -> Tensor:
        """The layer's product, with the weight in its whole shape."""
        return ops.matmul(inputs, weight)

    def gradient(self, upstream: Tensor, weight: Any) -> Tensor:
        """The gradient of the inputs of the product."""
        return ops.matmul(upstream, ops.transpose(weight))

    def input_axes(self, rank: int) -> tuple[int, ...]:
        """The axes of the inputs that the product sums over."""
        return (-1,)

    def as_output(self, scale: Tensor) -> Tensor:
        """Scales of the inputs, to be broadcast with the outputs."""
        return scale

    def with_adapter(self, x: Tensor, through: Callable[[Any], Tensor]) -> Tensor:
        """The product with integers, and that of the adapter."""
        if not self.layer.lora_enabled:
            return x
        a, b, scale = adapter_of(self.layer)
        return ops.cast(x + scale * ops.matmul(through(a), b), self.layer.compute_dtype)

    def packed_product(self, inputs: Tensor, bits: PackedWeight) -> Tensor:
        """The product with quantized inputs. Its gradient is that of the numbers which the weights stand for."""
        layer = self.layer
        if layer.inputs_quantizer is None or bits.block:
            return self.product(inputs, bits.numbers(layer))
        axes = self.input_axes(inputs.ndim)
        length = math.prod([inputs.shape[axis] for axis in axes])
        exact = "float32" if length * 127 * 127 < _EXACT else "float64"
        if bits.whole is None:
            weight, of_weight = ops.cast(bits.integers(layer), exact), getattr(layer, f"{bits.name}_scale")
        else:  # their matrix has no scale for each output
            exact, weight, of_weight = layer.compute_dtype, bits.numbers(layer), 1.0

        @custom_gradient
        def product(x: Any) -> Any:
            values, scale = layer.inputs_quantizer(x, axis=axes)
            found = ops.cast(self.product(ops.cast(values, exact), weight), layer.compute_dtype)
            found = found / (self.as_output(scale) * of_weight)
            return found, lambda upstream: self.gradient(upstream, bits.numbers(layer))

        found: Tensor = product(inputs)
        return found

    def names(self) -> list[str]:
        """The attributes of variables in files, in Keras' order."""
        layer = self.layer
        first = [f"_{layer._large}", *(["bias"] if layer._large == "kernel" else [])]
        if layer.quantization_mode == "float8":
            return [*first, *FLOAT8_NAMES]
        return [*first, *[name for bits in layer._packed_weights[:1] for name in bits.names()]]


class _Dense(Form):
    def plan(self, mode: str, shape: tuple[int, ...], block: int | None) -> tuple[PackedWeight, ...]:
        return (PackedWeight("kernel", mode, shape, (0,), block=block),)


class _EinsumDense(Form):
    def plan(self, mode: str, shape: tuple[int, ...], block: int | None) -> tuple[PackedWeight, ...]:
        """Integers of eight bits lie as the kernel does, those of four as a matrix, its first axis summed over."""
        _, of_kernel, of_output = self.layer._letters
        summed = tuple([i for i, letter in enumerate(of_kernel) if letter not in of_output])
        if mode == "int4":
            rows = math.prod([shape[i] for i in summed])
            return (PackedWeight("kernel", mode, (rows, math.prod(shape) // rows), (0,), whole=shape, block=block),)
        kept = [letter for letter in of_kernel if letter in of_output]
        order = tuple([kept.index(letter) for letter in of_output if letter in kept])
        lengths = dict(zip(of_kernel, shape, strict=True))
        hidden = (1,) * self._elided()
        own = tuple([lengths.get(letter, 1) for letter in of_output])
        scales = (*hidden, *own) if self.layer._left else (*own, *hidden)
        return (PackedWeight("kernel", mode, shape, summed, order=order, scale_shape=scales),)

    def _elided(self) -> int:
        """How many axes of the inputs the ellipsis stands for."""
        return int(self.layer.input_spec.ndim or 0) - len(self.layer._letters[0])

    def product(self, inputs: Tensor, weight: Any) -> Tensor:
        return ops.einsum(self.layer.equation, inputs, weight)

    def gradient(self, upstream: Tensor, weight: Any) -> Tensor:
        inputs, kernel, outputs = re.split(",|->", self.layer.equation.replace(" ", ""))
        return ops.einsum(f"{outputs},{kernel}->{inputs}", upstream, weight)

    def with_adapter(self, x: Tensor, through: Callable[[Any], Tensor]) -> Tensor:
        """Through both matrices one after the other, where the kernel's last axis is that of the output."""
        layer, (_, of_kernel, of_output) = self.layer, self.layer._letters
        if layer.lora_enabled and (of_kernel[-1] != of_output[-1] or (not layer._left and self._elided())):
            a, b, scale = adapter_of(layer)
            return ops.cast(x + scale * through(ops.matmul(a, b)), layer.compute_dtype)
        return super().with_adapter(x, through)

    def input_axes(self, rank: int) -> tuple[int, ...]:
        of_input, _, of_output = self.layer._letters
        before = rank - len(of_input) if self.layer._left else 0
        return tuple([before + i for i, letter in enumerate(of_input) if letter not in of_output])

    def as_output(self, scale: Tensor) -> Tensor:
        (of_input, _, of_output), left = self.layer._letters, self.layer._left
        kept = [letter for letter in of_input if letter in of_output]
        hidden = self._elided()
        shape = ops.squeeze(scale, self.input_axes(scale.ndim))
        first = hidden if left else 0
        turned = [kept.index(letter) + first for letter in of_output if letter in kept]
        others = list(range(hidden)) if left else list(range(len(kept), len(kept) + hidden))
        shape = ops.transpose(shape, [*others, *turned] if left else [*turned, *others])
        missing = [i + first for i, letter in enumerate(of_output) if letter not in kept]
        return ops.expand_dims(shape, missing) if missing else shape


class _Embedding(Form):
    def plan(self, mode: str, shape: tuple[int, ...], block: int | None) -> tuple[PackedWeight, ...]:
        return (PackedWeight("embeddings", mode, shape, (1,), block=block),)

    def call(self, inputs: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        indices = self.layer._in_range(inputs)
        rows = self.layer._packed_weights[0].numbers_at(self.layer, indices)
        return self.with_adapter(rows, lambda a: ops.take(a, indices, axis=0))


class _ReversibleEmbedding(_Embedding):
    def plan(self, mode: str, shape: tuple[int, ...], block: int | None) -> tuple[PackedWeight, ...]:
        found = super().plan(mode, shape, block)
        if self.layer.tie_weights:
            return found
        turned = PackedWeight("reverse_embeddings", mode, shape[::-1], (0,), packed=0, block=block, hidden=False)
        return (*found, turned)

    def call(self, inputs: Tensor, reverse: bool = False, *args: Any, **kwargs: Any) -> Tensor:
        if reverse:  # by the vectors themselves where they are tied
            scores: Tensor = self.layer._capped(self.packed_product(inputs, self.layer._packed_weights[-1]))
            return scores
        vectors = super().call(inputs)
        if self.layer.mask_zero:
            set_mask(vectors, ops.not_equal(inputs, 0))
        return vectors

    def product(self, inputs: Tensor, weight: Any) -> Tensor:
        return ops.matmul(inputs, ops.transpose(weight) if self.layer.tie_weights else weight)

    def gradient(self, upstream: Tensor, weight: Any) -> Tensor:
        return ops.matmul(upstream, weight if self.layer.tie_weights else ops.transpose(weight))

    def names(self) -> list[str]:
        if self.layer.tie_weights:
            return super().names()
        packed = self.layer._packed_weights
        reverse = PackedWeight("reverse_embeddings", "int8", (), (), block=packed[0].block if packed else None)
        return list(dict.fromkeys([*super().names(), "reverse_embeddings", *reverse.names()]))


FORMS: dict[type, type[Form]] = {
    Dense: _Dense,
    EinsumDense: _EinsumDense,
    Embedding: _Embedding,
    ReversibleEmbedding: _ReversibleEmbedding,
}


def form_of(layer: Any) -> Form | None:
    """What a layer computes with packed weights; None where its class can't have them."""
    return next((FORMS[cls](layer) for cls in type(layer).__mro__ if cls in FORMS), None)


def adapter_of(layer: Any) -> tuple[Tensor, Tensor, float]:
    """Both matrices of an adapter, and its scale."""
    a, b = (getattr(layer, f"lora_{layer._large}_{letter}") for letter in "ab")
    return a, b, float(layer.lora_alpha or 0) / layer.lora_rank
