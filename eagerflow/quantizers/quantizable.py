"""What `Layer.quantize` checks, and what a layer computes with quantized weights."""

from __future__ import annotations

from typing import Any

from eagerflow.quantizers.configs import resolved

__all__ = ["checked", "not_quantizable", "quantized_outputs"]


def checked(layer: Any, mode: str | None, config: Any) -> Any:
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


def not_quantizable(layer: Any, method: str) -> NotImplementedError:
    """The error of a layer that has no such method."""
    return NotImplementedError(f"Layer {type(layer).__name__} does not have a `{method}` method implemented.")


def quantized_outputs(layer: Any, args: Any, kwargs: Any) -> Any:
    """What a quantized layer computes instead of `call`: its method for this kind of weights."""
    mode, modes = layer.quantization_mode, ("int8", "int4", "float8")
    if mode not in modes:
        raise NotImplementedError(f"Invalid quantization mode. Expected one of {modes}; got {mode!r}.")
    method = getattr(layer, f"_{mode}_call", None)
    if method is None:
        raise not_quantizable(layer, f"_{mode}_call")
    return method(*args, **kwargs)
