"""Layers with one large weight, which can be quantized and get an adapter of low rank (LoRA)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eagerflow import initializers, ops
from eagerflow.base.errors import no_attribute
from eagerflow.base.init_settings import automatic
from eagerflow.base.typing import InitializerLike
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.dtype_policy import QUANTIZATION_MODES, get_policy
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.settings import integer, settled_weight
from eagerflow.layers.core.few_bits import FewBits
from eagerflow.layers.core.float8 import FLOAT8_NAMES, float8_product, make_float8
from eagerflow.quantizers import AbsMaxQuantizer, Int4QuantizationConfig
from eagerflow.quantizers.configs import config_of

__all__ = ["AdaptedLayer", "LargeWeight", "StoredWeight"]

_EXACT = 2**24  # float32 holds all integers up to here


class LargeWeight:
    """An attribute that is the weight itself, and where an adapter or integers stand for it, what they amount to.

    A weight that is kept as an attribute of the same name goes before, so that a plain layer pays nothing.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: Any, owner: type) -> Any:
        if layer is None:
            return self
        if not layer.built:
            asked = f"You must build the layer before accessing `{self.name}`: {describe(layer)}."
            raise no_attribute(f"{asked} Call it, or layer.build(input_shape).", self.name)
        return layer._seen_weight()


class StoredWeight:
    """The variable behind it, under the name with an underscore."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name[1:]

    def __get__(self, layer: Any, owner: type) -> Any:
        return self if layer is None else getattr(layer, self.name)


class AdaptedLayer(Layer):
    """Base of `Dense`, `EinsumDense` and `Embedding`.

    Attributes:
        lora_enabled: whether an adapter of low rank is trained instead of the large weight.
        lora_rank: its rank.
        lora_alpha: what its product is multiplied with, times the rank.
        quantization_config: how the weights were quantized.
    """

    _large = "kernel"
    bias: Any
    activation: Any
    lora_enabled = False
    lora_rank: int | None = None
    lora_alpha: float | None = None
    _few_bits: tuple[FewBits, ...] = ()
    inputs_quantizer: Any = None

    def _adapted(self, lora_rank: int | None, lora_alpha: float | None, quantization_config: Any) -> None:
        """Keep what `__init__` was given of this."""
        self.lora_rank = None if lora_rank is None else integer(self, "lora_rank", lora_rank, least=0)
        self.lora_alpha = lora_rank if lora_alpha is None else lora_alpha
        self.quantization_config = config_of(quantization_config)

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as values that fit into JSON."""
        adapter = {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}
        return super().get_config() | adapter

    # The adapter

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: InitializerLike = "he_uniform",
        b_initializer: InitializerLike = "zeros",
    ) -> None:
        """Train two small matrices, whose product is added to the large weight, instead of that.

        Files hold the sum. A layer with an adapter that reads one goes on with `b` zero; Keras clears `a` too, and
        then nothing is left that could train.

        Args:
            rank: of the product.
            lora_alpha: the product counts `lora_alpha / rank` times; default: once.
            a_initializer: first values of the first matrix.
            b_initializer: first values of the second one.

        Raises:
            ValueError: in a layer that is not built, has an adapter, or a constraint on the weight.

        Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685.

        >>> layer = ef.layers.Dense(8)
        >>> layer.build((None, 16))
        >>> before = sum(w.size for w in layer.trainable_weights)  # 16 * 8 + 8
        >>> layer.enable_lora(rank=2)
        >>> before, sum(w.size for w in layer.trainable_weights)  # (16 + 8) * 2 + 8
        (136, 56)
        """
        large = self._large
        if getattr(self, f"{large}_constraint") is not None:
            raise ValueError(
                f"{describe(self)}.enable_lora: Lora is incompatible with {large} constraints. Remove "
                f"`{large}_constraint`."
            )
        if not self.built:
            raise ValueError(f"{describe(self)}: Cannot enable lora on a layer that isn't yet built.")
        if self.lora_enabled:
            raise ValueError(f"{describe(self)}: lora is already enabled. This can only be done once per layer.")
        shape, penalty = self._weight_shape(), getattr(self, f"{large}_regularizer")
        for letter, sizes, first in (
            ("a", (*shape[:-1], rank), a_initializer),
            ("b", (rank, shape[-1]), b_initializer),
        ):
            name = f"lora_{large}_{letter}"
            made = self.add_weight(
                name=name, shape=sizes, initializer=initializers.get(first), dtype="float32", regularizer=penalty
            )
            setattr(self, name, made)
        stored = self._move_away()
        self._switched_off[:] = [v for v in self._switched_off if v is not stored]
        stored.trainable = False
        self.lora_enabled, self.lora_rank = True, rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def _move_away(self) -> Variable:
        """Keep the variable of the large weight under its private name alone."""
        if self._large in self.__dict__:
            variable = getattr(self, self._large)
            delattr(self, self._large)
            setattr(self, f"_{self._large}", variable)
        stored: Variable = getattr(self, f"_{self._large}")
        return stored

    def _weight_shape(self) -> tuple[int, ...]:
        bits = self._bits_of(self._large)
        return tuple(getattr(self, f"_{self._large}").shape) if bits is None else tuple(bits.whole or bits.shape)

    def _bits_of(self, name: str) -> FewBits | None:
        return next((bits for bits in self._few_bits if bits.name == name), None)

    def _adapter(self) -> tuple[Tensor, Tensor, float]:
        return getattr(self, f"lora_{self._large}_a"), getattr(self, f"lora_{self._large}_b"), self._lora_scale

    @property
    def _lora_scale(self) -> float:
        assert self.lora_rank
        return float(self.lora_alpha or 0) / self.lora_rank

    def _seen_weight(self) -> Any:
        """The large weight as numbers, with what the adapter adds."""
        bits = self._bits_of(self._large)
        weight = getattr(self, f"_{self._large}") if bits is None else bits.numbers(self)
        if not self.lora_enabled:
            return weight
        a, b, scale = self._adapter()
        return ops.cast(weight + scale * ops.matmul(a, b), self.compute_dtype)

    def _with_adapter(self, x: Tensor, through: Callable[[Any], Tensor]) -> Tensor:
        """The product with integers, and that of the adapter."""
        if not self.lora_enabled:
            return x
        a, b, scale = self._adapter()
        return ops.cast(x + scale * ops.matmul(through(a), b), self.compute_dtype)

    # Files: Keras' order, and its sum of weight and adapter

    def _variables_in_files(self) -> list[Variable]:
        if not self.built or not (self.lora_enabled or self._is_quantized):
            return super()._variables_in_files()
        names = self._names_in_files()
        return [v for v in (getattr(self, name, None) for name in names) if v is not None]

    def _names_in_files(self) -> list[str]:
        first = [f"_{self._large}", *(["bias"] if self._large == "kernel" else [])]
        if self.quantization_mode == "float8":
            return [*first, *FLOAT8_NAMES]
        return [*first, *[name for bits in self._few_bits[:1] for name in bits.names()]]

    def _values_in_files(self) -> Any:
        variables = self._variables_in_files()
        if not self.lora_enabled:
            return variables
        merged, bits = self._seen_weight(), self._bits_of(self._large)
        values = {f"_{self._large}": merged} if bits is None else bits.encode(merged)
        replaced = {id(getattr(self, name)): value for name, value in values.items()}
        return [replaced.get(id(variable), variable) for variable in variables]

    def _cleared_by_files(self) -> list[Variable]:
        return [getattr(self, f"lora_{self._large}_b")] if self.lora_enabled else []

    # Quantization

    def _planned_bits(self, mode: str, shape: tuple[int, ...], block: int | None) -> tuple[FewBits, ...]:
        """How the weights are kept; the large one first."""
        raise NotImplementedError

    def _block_size(self, config: Any) -> int | None:
        """How many rows share a scale in `"int4"`; None for all."""
        if isinstance(config, Int4QuantizationConfig):
            size = config.block_size
        else:
            size = getattr(self._policy, "block_size", None)
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
            self._few_bits = self._planned_bits(mode, tuple(input_shape), block)
            default = AbsMaxQuantizer() if mode == "int8" else None
            self.inputs_quantizer = default if config is None else config.activation_quantizer
            for bits in self._few_bits:
                bits.make(self)
        self._is_quantized = True

    def _float8_build(self) -> None:
        if self._large != "kernel":
            raise NotImplementedError(
                f"{describe(self)}: Invalid quantization mode. Expected one of ('int8', 'int4'). Received: "
                "quantization_mode='float8'"
            )
        make_float8(self)

    def _float8_call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if self.lora_enabled:
            raise NotImplementedError(f"{describe(self)}: Currently, `_float8_call` doesn't support LoRA")
        x, bias = float8_product(self, inputs, training), self.bias
        if bias is not None and self.compute_dtype == "float32":  # as Keras rounds it
            bias = ops.cast(ops.cast(bias, "bfloat16"), "float32")
        return self._activated(x, bias)

    _quantizable: type  # the class itself: subclasses may compute anything

    def _quantize(self, config: Any, type_check: bool) -> None:
        if type_check and type(self) is not self._quantizable:
            raise self._not_quantizable("quantize")
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
                self._drop_weight(bits.name if bits.name in self.__dict__ else f"_{bits.name}")
            self.quantized_build(shape, mode, config)
            for attribute, array in arrays.items():
                getattr(self, attribute).assign(array)
            name = f"int4/{block or -1}" if mode == "int4" else mode
        self.quantization_config = config
        if self._policy.quantization_mode is None:
            self.dtype_policy = get_policy(f"{name}_from_{self._policy.name}")

    def _kept_weight(self, name: str) -> Any:
        """A weight that is to be quantized, without an adapter's part."""
        return self.__dict__.get(name, self.__dict__.get(f"_{name}"))

    def _make_kernel(self, shape: tuple[int, ...], **others: Any) -> None:
        """Make the kernel, in the form that the layer's policy asks for."""
        mode = self.quantization_mode
        if mode is not None:
            self.quantized_build(shape, mode, self.quantization_config)
        if not self._few_bits:
            setattr(self, self._large, settled_weight(self, self._large, shape, **others))

    def _adapt_as_told(self) -> None:
        """At the end of `build`: make the adapter that `__init__` was told of."""
        if self.lora_rank:
            self.enable_lora(self.lora_rank, self.lora_alpha)

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

    def _product_of_integers(self, inputs: Tensor, bits: FewBits) -> Tensor:
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
        bits = self._few_bits[0]
        if self.inputs_quantizer is None or bits.block:
            x = self._product(inputs, bits.numbers(self))
        else:
            x = self._product_of_integers(inputs, bits)
        return self._with_adapter(x, lambda a: self._product(inputs, a))
