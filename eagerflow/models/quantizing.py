"""How a model quantizes its layers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.tracebacks import warn
from eagerflow.core.links import above

__all__ = ["get_quantization_layer_structure", "quantize", "quantize_layers", "quantized_layers"]


def quantize(  # noqa: D417 # a method of `Model`, as the next one
    self: Any, mode: str | None = None, config: Any = None, filters: Any = None, **kwargs: Any
) -> None:
    """Make the weights of all layers that can small integers, in place: `Dense`, `EinsumDense`, `Embedding`.

    A layer with other weights stays as it is, with a warning.

    Args:
        mode: `"int8"`, `"int4"` or `"float8"`.
        config: a `keras.quantizers.QuantizationConfig`, which may say more than the mode.
        filters: a regular expression that is looked for in the names of layers, a list of them, or a function of
            a layer: which layers are meant; default: all.
        **kwargs: `type_check=False` quantizes subclasses of these layers, too.

    Raises:
        ValueError: for other arguments, or a layer that is not built or quantized already.

    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3)])
    >>> model.quantize("int8")
    >>> [(v.name, v.dtype.name) for v in model.weights]
    [('bias', 'float32'), ('kernel', 'int8'), ('kernel_scale', 'float32')]
    """
    type_check = kwargs.pop("type_check", True)
    if kwargs:
        raise ValueError(f"{type(self).__name__}.quantize: Unrecognized keyword arguments {sorted(kwargs)}.")
    if filters is not None and not isinstance(filters, (str, list, tuple)) and not callable(filters):
        raise ValueError(
            "quantize(filters=...): The `filters` argument must be a regex string, a list of regex strings, or a "
            f"callable; got {type(filters).__name__}."
        )
    config = above.quantization().resolved(mode, config)
    for layer in list(self._flatten_layers()):
        if len(list(layer._flatten_layers())) == 1 and _is_meant(layer, filters):
            try:
                layer.quantize(config.mode, type_check=type_check, config=config)
            except NotImplementedError as error:
                if layer.weights:
                    warn(str(error))


def get_quantization_layer_structure(self: Any, mode: str | None = None) -> Any:  # noqa: D417
    """Returns None. In Keras it describes the order of the layers for GPTQ and AWQ, which eagerflow doesn't have.

    Args:
        mode: accepted for Keras' signature.

    >>> print(ef.Sequential([ef.layers.Dense(2)]).get_quantization_layer_structure("gptq"))
    None
    """
    return None


def quantized_layers(model: Any) -> list[list[Any]]:
    """`[place, class, policy]` of all quantized layers of a model that has layers of a user's class.

    Layers of ours tell how those that they hold are quantized; a user's class makes them as they were at first.
    """
    held = list(model._flatten_layers())
    if all(type(layer).__module__.startswith("eagerflow.") for layer in held):
        return []
    quantized = [(i, layer) for i, layer in enumerate(held) if layer._is_quantized]
    return [[i, type(layer).__name__, serialize_keras_object(layer.dtype_policy)] for i, layer in quantized]


def quantize_layers(model: Any, told: Any) -> None:
    """Quantize the layers from `quantized_layers`, except those that are quantized already.

    Raises:
        ValueError: when there are other layers now.
    """
    held = list(model._flatten_layers())
    for i, kind, policy in told:
        if not isinstance(i, int) or not 0 <= i < len(held) or type(held[i]).__name__ != kind:
            raise ValueError(
                f"{type(model).__name__} {model.name!r} was saved with a quantized {kind!s:.80} as layer {i!s:.20}, "
                "where it has another one now. Fix: build it as it was built then."
            )
        if not held[i]._is_quantized:
            held[i].dtype_policy = deserialize_keras_object(policy)


def _is_meant(layer: Any, filters: str | list[str] | Callable[[Any], bool] | None) -> bool:
    if filters is None:
        return True
    if callable(filters):
        return bool(filters(layer))
    patterns = [filters] if isinstance(filters, str) else filters
    return any(re.search(pattern, layer.name) for pattern in patterns)
