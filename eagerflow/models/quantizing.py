"""The part of `Model` that quantizes its layers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from eagerflow.base.tracebacks import warn
from eagerflow.quantizers.configs import resolved
from eagerflow.quantizers.quantizable import Quantizable

__all__ = ["Quantizing"]


class Quantizing(Quantizable):
    """`quantize`, for all layers that can."""

    def quantize(  # type: ignore[override] # it takes filters where a layer takes type_check, as in Keras
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

        >>> import eagerflow as ef
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
        config = resolved(mode, config)
        for layer in list(self._flatten_layers()):
            if len(list(layer._flatten_layers())) == 1 and _is_meant(layer, filters):
                try:
                    layer.quantize(config.mode, type_check=type_check, config=config)
                except NotImplementedError as error:
                    if layer.weights:
                        warn(str(error))

    def get_quantization_layer_structure(self, mode: str | None = None) -> Any:
        """Returns None. In Keras it describes the order of the layers for GPTQ and AWQ, which eagerflow doesn't have.

        Args:
            mode: accepted for Keras' signature.

        >>> print(ef.Sequential([ef.layers.Dense(2)]).get_quantization_layer_structure("gptq"))
        None
        """
        return None


def _is_meant(layer: Any, filters: str | list[str] | Callable[[Any], bool] | None) -> bool:
    if filters is None:
        return True
    if callable(filters):
        return bool(filters(layer))
    patterns = [filters] if isinstance(filters, str) else filters
    return any(re.search(pattern, layer.name) for pattern in patterns)
