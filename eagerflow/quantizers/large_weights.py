"""Layers whose large weight is kept as small integers, or has an adapter (LoRA): see `LargeWeightLayer`.

The module loads by `core.links.above.quantization`, when the first such layer is made.
"""

from __future__ import annotations

from typing import Any

from eagerflow import initializers, ops
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.dtype_policy import get_policy
from eagerflow.layer.input_spec import describe
from eagerflow.layer.weights import drop_weight
from eagerflow.quantizers.base import AbsMaxQuantizer
from eagerflow.quantizers.configs import Int4QuantizationConfig, config_of, resolved
from eagerflow.quantizers.float8_layers import make_float8
from eagerflow.quantizers.forms import FORMS, Form, adapter_of, form_of
from eagerflow.quantizers.policies import QUANTIZATION_MODES, config_of_policy, policy_named

__all__ = ["Int4QuantizationConfig", "add_adapter", "config_of", "config_of_policy", "make_quantized"]
__all__ += [
    "policy_named",
    "quantize",
    "quantized_outputs",
    "resolved",
    "values_in_files",
    "variables_in_files",
    "weight_of",
]


def _checked(layer: Any, mode: str | None, config: Any) -> Any:
    """The configuration of a quantization that the layer can have.

    Raises:
        ValueError: for a layer that is not built, or quantized already, or for other arguments.
    """
    config = resolved(mode, config)
    if not layer.built:
        raise ValueError(
            f"Cannot quantize a layer that isn't yet built. Call {type(layer).__name__} {layer.name!r} on data first."
        )
    if layer._is_quantized:
        raise ValueError(f"Layer {layer.name!r} is already quantized with dtype_policy={layer.dtype_policy.name!r}.")
    if config.mode == "int8" and layer.compute_dtype == "float16":
        raise ValueError(
            f"Quantization mode='int8' doesn't work well with compute_dtype='float16' (layer {layer.name!r}), which "
            "has too few digits for its sums. Use bfloat16 or float32."
        )
    return config


def _not_quantizable(layer: Any, method: str) -> NotImplementedError:
    """The error of a layer that has no such method."""
    return NotImplementedError(f"Layer {type(layer).__name__} does not have a `{method}` method implemented.")


def quantize(layer: Any, mode: str | None, config: Any, type_check: bool) -> None:
    """See `Layer.quantize`.

    Raises:
        NotImplementedError: for a class whose weights can't be quantized, or with `type_check` one below it.
    """
    config, form = _checked(layer, mode, config), form_of(layer)
    if form is None or (type_check and type(layer) not in FORMS):
        raise _not_quantizable(layer, "quantize")
    mode, name, shape = config.mode, config.mode, _shape_of(layer)
    if mode == "float8":
        layer.quantized_build(shape, mode)
    else:
        block = _block_size(layer, config) if mode == "int4" else None
        arrays: dict[str, Any] = {}
        planned = form.plan(mode, shape, block)
        for bits in planned:  # without an adapter's part
            kept = layer.__dict__.get(bits.name, layer.__dict__.get(f"_{bits.name}"))
            arrays |= bits.encode(kept, config.weight_quantizer)
        for bits in planned:
            drop_weight(layer, bits.name if bits.name in layer.__dict__ else f"_{bits.name}")
        layer.quantized_build(shape, mode, config)
        for attribute, array in arrays.items():
            getattr(layer, attribute).assign(array)
        name = f"int4/{block or -1}" if mode == "int4" else mode
    layer.quantization_config = config
    if layer._ef_state.policy.quantization_mode is None:
        layer.dtype_policy = get_policy(f"{name}_from_{layer._ef_state.policy.name}")


def make_quantized(layer: Any, shape: Any, mode: str, config: Any = None) -> None:
    """Make the variables of quantized weights, for a large weight of a shape.

    Raises:
        NotImplementedError: for a mode or layer that can't be.
    """
    form, modes = form_of(layer), list(QUANTIZATION_MODES)
    if form is None:
        raise _not_quantizable(layer, "quantized_build")
    if mode == "float8" and layer._large != "kernel":
        modes.remove("float8")
    if mode not in modes:
        raise NotImplementedError(
            f"{describe(layer)}: Invalid quantization mode. Expected one of {tuple(modes)}. Received: "
            f"quantization_mode={mode!r}"
        )
    if mode == "float8":
        make_float8(layer)
    else:
        layer._packed_weights = form.plan(mode, tuple(shape), _block_size(layer, config) if mode == "int4" else None)
        default = AbsMaxQuantizer() if mode == "int8" else None
        layer.inputs_quantizer = default if config is None else config.activation_quantizer
        for bits in layer._packed_weights:
            bits.make(layer)
    layer._is_quantized = True


def _block_size(layer: Any, config: Any) -> int | None:
    """How many rows share a scale in `"int4"`; None for all."""
    if isinstance(config, Int4QuantizationConfig):
        size = config.block_size
    else:
        size = getattr(layer._ef_state.policy, "block_size", None)
    return None if size == -1 else size


def quantized_outputs(layer: Any, args: Any, kwargs: Any) -> Any:
    """What a quantized layer computes instead of `call`: a user's class has a method for this kind of weights.

    Raises:
        NotImplementedError: for a layer that isn't quantized, or has no such method.
    """
    mode, modes = layer.quantization_mode, ("int8", "int4", "float8")
    if mode not in modes:
        raise NotImplementedError(f"Invalid quantization mode. Expected one of {modes}; got {mode!r}.")
    method, form = getattr(layer, f"_{mode}_call", None), form_of(layer)
    if method is None:
        if form is None:
            raise _not_quantizable(layer, f"_{mode}_call")
        method = form.float8_call if mode == "float8" else form.call
    return method(*args, **kwargs)


# Adapters


def add_adapter(layer: Any, rank: int, alpha: float | None, a_initializer: Any, b_initializer: Any) -> None:
    """See `enable_lora`."""
    large = layer._large
    if getattr(layer, f"{large}_constraint") is not None:
        raise ValueError(
            f"{describe(layer)}.enable_lora: Lora is incompatible with {large} constraints. Remove "
            f"`{large}_constraint`."
        )
    if not layer.built:
        raise ValueError(f"{describe(layer)}: Cannot enable lora on a layer that isn't yet built.")
    if layer.lora_enabled:
        raise ValueError(f"{describe(layer)}: lora is already enabled. This can only be done once per layer.")
    shape, penalty = _shape_of(layer), getattr(layer, f"{large}_regularizer")
    for letter, sizes, first in (("a", (*shape[:-1], rank), a_initializer), ("b", (rank, shape[-1]), b_initializer)):
        name = f"lora_{large}_{letter}"
        made = layer.add_weight(
            name=name, shape=sizes, initializer=initializers.get(first), dtype="float32", regularizer=penalty
        )
        setattr(layer, name, made)
    if large in layer.__dict__:  # the variable stays under its private name alone
        variable = getattr(layer, large)
        delattr(layer, large)
        setattr(layer, f"_{large}", variable)
    stored: Variable = getattr(layer, f"_{large}")
    switched_off = layer._ef_state.switched_off
    switched_off[:] = [v for v in switched_off if v is not stored]
    stored.trainable = False
    layer.lora_enabled, layer.lora_rank = True, rank
    layer.lora_alpha = rank if alpha is None else alpha


def _shape_of(layer: Any) -> tuple[int, ...]:
    """The shape of the large weight, however it is kept."""
    if layer._packed_weights:
        return tuple(layer._packed_weights[0].whole or layer._packed_weights[0].shape)
    return tuple(getattr(layer, f"_{layer._large}").shape)


def weight_of(layer: Any) -> Any:
    """The large weight as numbers, with what the adapter adds."""
    packed = layer._packed_weights
    weight = packed[0].numbers(layer) if packed else getattr(layer, f"_{layer._large}")
    if not layer.lora_enabled:
        return weight
    a, b, scale = adapter_of(layer)
    total: Tensor = ops.cast(weight + scale * ops.matmul(a, b), layer.compute_dtype)
    return total


# Files: Keras' order, and its sum of weight and adapter


def variables_in_files(layer: Any) -> list[Variable]:
    """The variables that files hold."""
    names = (form_of(layer) or Form(layer)).names()
    return [v for v in (getattr(layer, name, None) for name in names) if v is not None]


def values_in_files(layer: Any, variables: list[Variable]) -> list[Any]:
    """What files hold of them, the adapter added to the large weight."""
    total = weight_of(layer)
    packed = layer._packed_weights
    merged = packed[0].encode(total) if packed else {f"_{layer._large}": total}
    replaced = {id(getattr(layer, name)): value for name, value in merged.items()}
    return [replaced.get(id(variable), variable) for variable in variables]
