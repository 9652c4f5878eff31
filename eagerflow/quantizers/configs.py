"""How a layer is quantized: `QuantizationConfig` and its kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.quantizers.base import AbsMaxQuantizer, table

__all__ = ["Float8QuantizationConfig", "Int4QuantizationConfig", "Int8QuantizationConfig", "QuantizationConfig"]

MODES = ("int8", "float8", "int4")
_ELSEWHERE = ("gptq", "awq")  # they calibrate a language model on texts


class QuantizationConfig:
    """Base class of the configurations that say how a layer is quantized.

    Args:
        weight_quantizer: the quantizer of the weights; None for the layer's own choice.
        activation_quantizer: the quantizer of the inputs; None to leave them floating-point numbers.

    >>> config = ef.quantizers.Int8QuantizationConfig(activation_quantizer=None)  # inputs stay floats
    >>> layer = ef.layers.Dense(2, kernel_initializer="ones")
    >>> layer.build((None, 3))
    >>> layer.quantize(config=config)
    >>> config.mode, layer.quantization_mode
    ('int8', 'int8')
    """

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = None) -> None:
        self.weight_quantizer = weight_quantizer
        self.activation_quantizer = activation_quantizer

    @property
    def mode(self) -> str:
        """The kind of quantization: `"int8"`, `"int4"` or `"float8"`.

        >>> ef.quantizers.Int8QuantizationConfig().mode
        'int8'
        """
        raise NotImplementedError(f"{type(self).__name__} needs a property mode; use Int8QuantizationConfig, say.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one.

        >>> config = ef.quantizers.Int8QuantizationConfig(activation_quantizer=None)
        >>> config.get_config()
        {'weight_quantizer': None, 'activation_quantizer': None}
        """
        return {
            "weight_quantizer": serialize_keras_object(self.weight_quantizer),
            "activation_quantizer": serialize_keras_object(self.activation_quantizer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates a configuration from the dict that `get_config` returned.

        >>> config = ef.quantizers.Int8QuantizationConfig(activation_quantizer=None).get_config()
        >>> ef.quantizers.Int8QuantizationConfig.from_config(config).activation_quantizer is None
        True
        """
        return cls(**{name: _read(value) for name, value in config.items()})


@table.add("int8_quantization_config")
class Int8QuantizationConfig(QuantizationConfig):
    """Configures the quantization of a layer's weights, and by default its inputs, to 8-bit integers.

    Args:
        weight_quantizer: the quantizer of the weights; None for the layer's own choice.
        activation_quantizer: the quantizer of the inputs; `"default"` for an `AbsMaxQuantizer`, None to leave them
            floating-point numbers.

    Raises:
        ValueError: for a `weight_quantizer` with another type.

    >>> config = ef.quantizers.Int8QuantizationConfig()
    >>> config.mode, type(config.activation_quantizer).__name__, config.weight_quantizer
    ('int8', 'AbsMaxQuantizer', None)
    """

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default") -> None:
        by_default = isinstance(activation_quantizer, str) and activation_quantizer == "default"
        super().__init__(weight_quantizer, AbsMaxQuantizer() if by_default else activation_quantizer)
        _check_type(self)

    @property
    def mode(self) -> str:
        """The kind of quantization: `"int8"`.

        >>> ef.quantizers.Int8QuantizationConfig().mode
        'int8'
        """
        return "int8"


@table.add("int4_quantization_config")
class Int4QuantizationConfig(QuantizationConfig):
    """Configures the quantization of a layer's weights to 4-bit integers.

    Args:
        weight_quantizer: the quantizer of the weights; None for the layer's own choice.
        activation_quantizer: the quantizer of the inputs; with `"default"` and None, inputs stay floating-point
            numbers.
        block_size: how many rows of a weight share a scale and a zero point; None or -1: all rows share a scale, and
            there is no zero point.

    Raises:
        ValueError: for another `block_size`, for quantizers together with blocks, or for a quantizer with another range
            than -8 to 7.

    >>> layer = ef.layers.Dense(8, use_bias=False)
    >>> layer.build((None, 128))
    >>> layer.quantize(config=ef.quantizers.Int4QuantizationConfig(block_size=64))
    >>> sum(w.numpy().nbytes for w in layer.weights), 4 * 128 * 8  # bytes now, and bytes as float32
    (1104, 4096)
    """

    def __init__(
        self, weight_quantizer: Any = None, activation_quantizer: Any = "default", block_size: int | None = 128
    ) -> None:
        by_default = isinstance(activation_quantizer, str) and activation_quantizer == "default"
        super().__init__(weight_quantizer, None if by_default else activation_quantizer)
        where = f"Int4QuantizationConfig(block_size={block_size!r})"
        if block_size is not None and block_size != -1 and block_size <= 0:
            raise ValueError(f"{where}: expected None, -1 or a positive integer.")
        own = self.weight_quantizer is not None or self.activation_quantizer is not None
        if own and block_size is not None and block_size > 0:
            raise ValueError(f"{where}: blocks have no quantizers of their own. Use block_size=None with them.")
        if self.weight_quantizer is not None and tuple(self.weight_quantizer.value_range) != (-8, 7):
            raise ValueError(
                "Int4QuantizationConfig(weight_quantizer=...): expected one with value_range=(-8, 7); "
                f"got {self.weight_quantizer.value_range}."
            )
        _check_type(self)
        self.block_size = block_size

    @property
    def mode(self) -> str:
        """The kind of quantization: `"int4"`.

        >>> ef.quantizers.Int4QuantizationConfig().mode
        'int4'
        """
        return "int4"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one.

        >>> ef.quantizers.Int4QuantizationConfig(block_size=64).get_config()["block_size"]
        64
        """
        return {**super().get_config(), "block_size": self.block_size}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates a configuration from the dict that `get_config` returned; older ones of Keras have no `block_size`.

        >>> config = ef.quantizers.Int4QuantizationConfig(block_size=64).get_config()
        >>> ef.quantizers.Int4QuantizationConfig.from_config(config).block_size
        64
        """
        return super().from_config({"block_size": None, **config})


@table.add("float8_quantization_config")
class Float8QuantizationConfig(QuantizationConfig):
    """Configures a layer for training with 8-bit floats, whose scales follow the values.

    >>> ef.quantizers.Float8QuantizationConfig().mode
    'float8'
    """

    def __init__(self) -> None:
        super().__init__()

    @property
    def mode(self) -> str:
        """The kind of quantization: `"float8"`.

        >>> ef.quantizers.Float8QuantizationConfig().mode
        'float8'
        """
        return "float8"

    def get_config(self) -> dict[str, Any]:
        """An empty dict, since there are no arguments."""
        return {}


def _check_type(config: QuantizationConfig) -> None:
    quantizer = config.weight_quantizer
    if quantizer is not None and quantizer.output_dtype != "int8":
        raise ValueError(
            f"{type(config).__name__}(weight_quantizer=...): expected one with output_dtype='int8'; "
            f"got {quantizer.output_dtype!r}."
        )


def _read(value: Any) -> Any:
    return deserialize_keras_object(value) if isinstance(value, Mapping) else value


def config_of(given: Any) -> Any:
    """What a layer's argument `quantization_config` means: itself, or its description."""
    return _read(given)


def resolved(mode: Any, config: Any) -> Any:
    """How to quantize, from the arguments of `quantize`.

    Raises:
        ValueError: for another mode, none at all, or one that the config contradicts.
        TypeError: for another kind of config.
    """
    if isinstance(config, str):
        mode, config = config, None
    if mode in _ELSEWHERE:
        raise ValueError(
            f"quantize(mode={mode!r}): left out of eagerflow, for it calibrates a language model on texts."
        )
    if mode is not None and mode not in MODES:
        raise ValueError(f"Invalid quantization mode. Expected one of {MODES}. Received: mode={mode!r}")
    if config is None:
        if mode is None:
            raise ValueError("You must provide either `mode` or `config` to `quantize`.")
        kinds = {"int8": Int8QuantizationConfig, "int4": Int4QuantizationConfig, "float8": Float8QuantizationConfig}
        return kinds[mode]()
    if not isinstance(config, QuantizationConfig):
        raise ValueError(
            f"quantize(config=...): Argument `config` must be an instance of `QuantizationConfig`; got {config!r:.80}."
        )
    if mode is not None and config.mode != mode:
        raise ValueError(f"Contradictory arguments: mode={mode!r} but config.mode={config.mode!r}")
    return config
