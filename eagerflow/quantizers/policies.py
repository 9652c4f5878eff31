"""Data type policies of layers whose weights are quantized."""

from __future__ import annotations

import re
from typing import Any

import numpy

from eagerflow.base.errors import expect_one_of
from eagerflow.layer.dtype_policy import DTypePolicy, table
from eagerflow.quantizers.configs import Int4QuantizationConfig

__all__ = ["QUANTIZATION_MODES", "Int4DTypePolicy", "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy"]
__all__ += ["config_of_policy", "policy_named"]

QUANTIZATION_MODES = ("int8", "float8", "int4")


@table.add()
class QuantizedDTypePolicy(DTypePolicy):
    """The dtype policy of a layer whose weights are quantized.

    Args:
        mode: `"int8"`, `"int4"` or `"float8"`.
        source_name: the name of the layer's policy before quantization; default: the global one.

    Raises:
        ValueError: for another mode, or for `"int8"` with float16 computations, whose range is too small for the sums.

    >>> ef.dtype_policies.QuantizedDTypePolicy("int8", "float32").name
    'int8_from_float32'
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        super().__init__(source_name)
        expect_one_of(type(self).__name__, "mode", mode, QUANTIZATION_MODES)
        if mode == "int8" and self.compute_dtype == "float16":
            raise ValueError(
                f"{type(self).__name__}({mode!r}, {source_name!r}): Quantization mode={mode!r} doesn't work well with "
                "compute_dtype='float16', which has too few digits for its sums. Use bfloat16 or float32."
            )
        self._mode, self._source_name = mode, self.name
        self.name = f"{mode}_from_{self._source_name}"

    @property
    def quantization_mode(self) -> str | None:
        """How weights are quantized.

        >>> ef.dtype_policies.QuantizedDTypePolicy("int8", "float32").quantization_mode
        'int8'
        """
        return self._mode

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy.

        >>> ef.dtype_policies.QuantizedDTypePolicy("int8", "float32").get_config()
        {'mode': 'int8', 'source_name': 'float32'}
        """
        return {"mode": self._mode, "source_name": self._source_name}


@table.add()
class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The dtype policy of a layer that trains with 8-bit floats.

    Args:
        mode: `"float8"`.
        source_name: the name of the layer's policy before quantization; default: the global one.
        amax_history_length: over how many steps the largest absolute value is taken that decides the scale.

    Raises:
        TypeError: when `amax_history_length` is no integer.

    >>> policy = ef.dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32")
    >>> policy.name, policy.quantization_mode, policy.amax_history_length
    ('float8_from_float32', 'float8', 1024)
    """

    default_amax_history_length = 1024

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024) -> None:
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, (int, numpy.integer)):
            raise TypeError(
                f"QuantizedFloat8DTypePolicy(amax_history_length={amax_history_length!r}): `amax_history_length` must "
                "be an integer."
            )
        self.amax_history_length = amax_history_length

    def __eq__(self, other: Any) -> bool:
        return super().__eq__(other) and other.amax_history_length == self.amax_history_length

    __hash__ = DTypePolicy.__hash__

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy."""
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


@table.add()
class Int4DTypePolicy(QuantizedDTypePolicy):
    """The dtype policy of a layer with 4-bit weights.

    Args:
        mode: `"int4/128"` for one scale per block of 128 rows of a column (other sizes work too); `"int4/-1"` for one
            scale per column.
        source_name: the name of the layer's policy before quantization; default: the global one.

    Raises:
        ValueError: for another mode.

    >>> policy = ef.dtype_policies.Int4DTypePolicy("int4/32", "float32")
    >>> policy.name, policy.block_size
    ('int4/32_from_float32', 32)
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        found = re.fullmatch(r"int4/(-1|[1-9][0-9]*)", mode)
        if found is None:
            raise ValueError(
                f"Invalid mode for Int4DTypePolicy: expected 'int4/<block_size>', such as 'int4/128', or 'int4/-1'; "
                f"got {mode!r}."
            )
        super().__init__("int4", source_name)
        self.mode, self.block_size = "int4", int(found[1])
        self.name = f"{mode}_from_{self._source_name}"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy."""
        return {**super().get_config(), "mode": f"int4/{self.block_size}"}


def config_of_policy(policy: DTypePolicy) -> Any:
    """How a layer is quantized that gets this policy; None for the usual way of its mode."""
    return Int4QuantizationConfig(block_size=policy.block_size) if isinstance(policy, Int4DTypePolicy) else None


def policy_named(name: str) -> DTypePolicy:
    """The policy of a name such as `int8_from_float32`."""
    mode, between, source = name.partition("_from_")
    if not between or "_from_" in source or mode.startswith(("gptq", "awq")):
        raise ValueError(
            f"DTypePolicy(name={name!r}): Cannot convert `policy` into a valid pair (`mode`, `source_name`) to "
            f"instantiate `QuantizedDTypePolicy`: expected a mode ({', '.join(QUANTIZATION_MODES)}), '_from_', and the "
            "name of a policy, as in 'int8_from_float32'."
        )
    if mode.startswith("int4/"):
        return Int4DTypePolicy(mode, source)
    return (QuantizedFloat8DTypePolicy if mode == "float8" else QuantizedDTypePolicy)(mode, source)
