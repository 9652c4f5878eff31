"""Training in floats of eight bits: products of rounded numbers, whose scales follow the largest values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow import ops
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.tensor import Tensor
from eagerflow.quantizers.float8 import (
    FORMATS,
    compute_float8_amax_history,
    compute_float8_scale,
    quantize_and_dequantize,
)
from eagerflow.quantizers.policies import QuantizedFloat8DTypePolicy

__all__ = ["FLOAT8_NAMES", "float8_product", "make_float8"]

_ROUNDED = ("inputs", "kernel", "outputs_grad")
FLOAT8_NAMES = tuple([f"{name}_{what}" for name in _ROUNDED for what in ("scale", "amax_history")])
_FORWARD, _BACKWARD = FORMATS  # more digits, and a wider range


def make_float8(layer: Any) -> None:
    """Make the scales, and the histories that they follow; the optimizer replaces them by their gradients."""
    default = QuantizedFloat8DTypePolicy.default_amax_history_length
    length = getattr(layer._ef_state.policy, "amax_history_length", default)
    for name in FLOAT8_NAMES:
        is_scale = name.endswith("_scale")
        made = layer.add_weight(
            name=name,
            shape=() if is_scale else (length,),
            initializer="ones" if is_scale else "zeros",
            dtype="float32",
            autocast=False,
            overwrite_with_gradient=True,
        )
        setattr(layer, name, made)


def float8_product(layer: Any, product: Callable[..., Tensor], inputs: Tensor, training: bool | None) -> Tensor:
    """The layer's product of rounded inputs with the rounded kernel; its gradient is rounded, too."""
    dtype = layer.compute_dtype

    @custom_gradient
    def rounded(x: Any, scale: Any, history: Any) -> Any:
        new = _next(x, scale, history, _FORWARD) if training else (None, None)
        return quantize_and_dequantize(x, scale, _FORWARD, dtype), lambda upstream: (upstream, *new)

    @custom_gradient
    def rounded_back(x: Any, scale: Any, history: Any) -> Any:
        def gradients(upstream: Any) -> Any:
            found = quantize_and_dequantize(upstream, scale, _BACKWARD, dtype)
            return (found, *_next(upstream, scale, history, _BACKWARD))

        return x, gradients

    kernel = rounded(ops.cast(layer._kernel, dtype), layer.kernel_scale, layer.kernel_amax_history)
    x = product(rounded(inputs, layer.inputs_scale, layer.inputs_amax_history), kernel)
    found: Tensor = rounded_back(x, layer.outputs_grad_scale, layer.outputs_grad_amax_history)
    return found


def _next(x: Any, scale: Any, history: Any, name: str) -> tuple[Tensor, Tensor]:
    most = FORMATS[name][2]
    return compute_float8_scale(ops.max(history, axis=0), scale, most), compute_float8_amax_history(x, history)
