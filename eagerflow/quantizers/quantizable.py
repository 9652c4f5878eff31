"""`Quantizable`: what every layer answers about its quantization; most can't be quantized."""

from __future__ import annotations

from typing import Any

from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.quantizers.configs import resolved

__all__ = ["Quantizable"]


class Quantizable:
    """The part of `Layer` for quantized weights. A layer that has some writes `_quantize` and the calls."""

    _is_quantized = False

    @property
    def quantization_mode(self: Any) -> str | None:
        """How the weights are quantized: `"int8"`, `"int4"`, `"float8"`, or None where they aren't.

        >>> layer = ef.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> layer.quantize("int8")
        >>> layer.quantization_mode
        'int8'
        """
        mode: str | None = self._policy.quantization_mode
        return mode

    def quantize(self: Any, mode: str | None = None, type_check: bool = True, config: Any = None) -> None:
        """Quantizes the weights in place: stores them as 8-bit or 4-bit integers, or 8-bit floats, with scales.

        Args:
            mode: `"int8"`, `"int4"` or `"float8"`; may be left out with `config`.
            type_check: whether to refuse subclasses of quantizable layers, whose `call` may use the weights in other
                ways.
            config: a `quantizers.QuantizationConfig`, instead of `mode`.

        Raises:
            ValueError: for a layer that is not built, or quantized already, or for other arguments.
            NotImplementedError: for a layer whose weights can't be quantized.

        >>> layer = ef.layers.Dense(2, kernel_initializer="ones")
        >>> layer.build((None, 3))
        >>> layer.quantize("int8")
        >>> sorted({w.dtype.name for w in layer.weights})
        ['float32', 'int8']
        >>> layer(ef.Tensor([[1.0, 2.0, 3.0]])).numpy().round(1).tolist()
        [[6.0, 6.0]]
        """
        config = resolved(mode, config)
        if not self.built:
            raise ValueError(
                f"Cannot quantize a layer that isn't yet built. Call {type(self).__name__} {self.name!r} on data first."
            )
        if self._is_quantized:
            raise ValueError(f"Layer {self.name!r} is already quantized with dtype_policy={self.dtype_policy.name!r}.")
        if config.mode == "int8" and self.compute_dtype == "float16":
            raise ValueError(
                f"Quantization mode='int8' doesn't work well with compute_dtype='float16' (layer {self.name!r}), which "
                "has too few digits for its sums. Use bfloat16 or float32."
            )
        self._quantize(config, type_check)

    def _quantize(self: Any, config: Any, type_check: bool) -> None:
        raise self._not_quantizable("quantize")

    def _not_quantizable(self: Any, method: str) -> NotImplementedError:
        return NotImplementedError(f"Layer {type(self).__name__} does not have a `{method}` method implemented.")

    def _quantized_inside(self: Any) -> list[list[Any]]:
        """`[place, class, policy]` of all quantized layers of a model that has layers of a user's class.

        Layers of ours tell how those that they hold are quantized; a user's class makes them as they were at first.
        """
        held = list(self._flatten_layers())
        if all(type(layer).__module__.startswith("eagerflow.") for layer in held):
            return []
        quantized = [(i, layer) for i, layer in enumerate(held) if layer._is_quantized]
        return [[i, type(layer).__name__, serialize_keras_object(layer.dtype_policy)] for i, layer in quantized]

    def _quantize_inside(self: Any, told: Any) -> None:
        """Quantize the layers from `_quantized_inside`, except those that are quantized already.

        Raises:
            ValueError: when there are other layers now.
        """
        held = list(self._flatten_layers())
        for i, kind, policy in told:
            if not isinstance(i, int) or not 0 <= i < len(held) or type(held[i]).__name__ != kind:
                raise ValueError(
                    f"{type(self).__name__} {self.name!r} was saved with a quantized {kind!s:.80} as layer {i!s:.20}, "
                    "where it has another one now. Fix: build it as it was built then."
                )
            if not held[i]._is_quantized:
                held[i].dtype_policy = deserialize_keras_object(policy)

    def quantized_build(self: Any, input_shape: Any, mode: str) -> None:
        """Creates the variables of the quantized weights; `quantize` calls it.

        Args:
            input_shape: the shape of the inputs, with the batch axis.
            mode: `"int8"`, `"int4"` or `"float8"`.

        Raises:
            NotImplementedError: in a layer whose weights can't be quantized.
        """
        raise self._not_quantizable("quantized_build")

    def quantized_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        """What a quantized layer computes instead of `call`.

        Raises:
            NotImplementedError: in a layer whose weights can't be quantized.

        >>> layer = ef.layers.Dense(2, kernel_initializer="ones")
        >>> layer.build((None, 3))
        >>> layer.quantize("int8")
        >>> layer.quantized_call(ef.Tensor([[1.0, 2.0, 3.0]])).numpy().round(1).tolist()
        [[6.0, 6.0]]
        """
        mode = self.quantization_mode
        calls = {"int8": self._int8_call, "int4": self._int4_call, "float8": self._float8_call}
        if mode not in calls:
            raise NotImplementedError(f"Invalid quantization mode. Expected one of {tuple(calls)}; got {mode!r}.")
        return calls[mode](*args, **kwargs)

    def _int8_call(self, *args: Any, **kwargs: Any) -> Any:
        raise self._not_quantizable("_int8_call")

    def _int4_call(self, *args: Any, **kwargs: Any) -> Any:
        raise self._not_quantizable("_int4_call")

    def _float8_call(self, *args: Any, **kwargs: Any) -> Any:
        raise self._not_quantizable("_float8_call")
