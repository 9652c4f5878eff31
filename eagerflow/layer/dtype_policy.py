"""Data type policies: in which type a layer keeps its weights, and in which it computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.config import floatx
from eagerflow.base.errors import did_you_mean
from eagerflow.base.init_settings import Told
from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.tracebacks import boundary
from eagerflow.core.dtypes import as_dtype, is_float_dtype, standardize_dtype
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops import cast

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "dtype_policy", "get", "get_policy", "serialize"]
__all__ += ["set_dtype_policy"]

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy(Told):
    """The types of a layer's weights and computations.

    Args:
        name: a type name, which then stands for both, or `"mixed_float16"` / `"mixed_bfloat16"`: weights in
            float32, computations in the shorter type.

    Raises:
        ValueError: for an unknown name.

    >>> policy = DTypePolicy("mixed_float16")
    >>> policy.variable_dtype, policy.compute_dtype
    ('float32', 'float16')
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:  # as the global policy
            name = _global[0].name if _global else floatx()
        self.name: str = name
        if self.name in _MIXED:
            self.compute_dtype, self.variable_dtype = _MIXED[self.name], "float32"
        else:
            self.compute_dtype = self.variable_dtype = _plain(self.name)
            self.name = self.compute_dtype

    quantization_mode: str | None = None  # how weights are quantized, in a policy that says so

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """An input as a layer takes it: arrays become tensors, and floats the type `dtype`.

        Args:
            x: an array, a tensor, or anything else, which is left as it is.
            autocast: whether floats change their type.
            dtype: that type.

        >>> import numpy
        >>> DTypePolicy("float16").convert_input(numpy.ones(2), True, "float16").dtype.name
        'float16'
        """
        if not isinstance(x, Tensor):
            if not hasattr(x, "__array__"):
                return x
            x = convert_to_tensor(x)
        changes = autocast and is_float_dtype(x.dtype) and x.dtype != as_dtype(dtype)
        return cast(x, dtype) if changes else x

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy."""
        return {"name": self.name}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


class FloatDTypePolicy(DTypePolicy):
    """The same under the name that Keras gives to policies that aren't quantized."""


def _plain(name: Any) -> str:
    try:
        return standardize_dtype(name)
    except (TypeError, ValueError):
        if isinstance(name, (int, float, list, tuple, dict)):
            raise TypeError(f"DTypePolicy(name={name!r:.60}): expected the name of a policy or type.") from None
        hint = did_you_mean(str(name), [*_MIXED, "float16", "bfloat16", "float32", "float64"])
        raise ValueError(
            f"DTypePolicy(name={name!r}): expected a type name or one of {', '.join(_MIXED)}.{hint}"
        ) from None


_global: list[DTypePolicy] = []


def dtype_policy() -> DTypePolicy:
    """The policy of new layers: `floatx()` unless `set_dtype_policy` said otherwise.

    >>> dtype_policy().name
    'float32'
    """
    return _global[0] if _global else DTypePolicy()


@boundary
def set_dtype_policy(policy: Any) -> None:
    """Set the policy of new layers.

    Args:
        policy: a policy or its name; None for `floatx()` again.
    """
    _global[:] = [] if policy is None else [get_policy(policy)]


def get_policy(identifier: Any) -> DTypePolicy:
    """The policy for a name, a type, a config, a policy, or None (the global one).

    >>> get_policy("float16")
    <DTypePolicy "float16">
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, (int, float)):
        raise ValueError(f"{identifier!r} is no dtype policy: expected the name of a policy or type.")
    if isinstance(identifier, Mapping):
        return DTypePolicy(**identifier.get("config", identifier))
    return identifier if isinstance(identifier, DTypePolicy) else DTypePolicy(identifier)


get = get_policy


def serialize(dtype_policy: DTypePolicy) -> Any:
    """The configuration of a policy.

    >>> serialize(DTypePolicy("float16"))["config"]
    {'name': 'float16'}
    """
    return serialize_keras_object(dtype_policy)


@boundary
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The policy of a configuration.

    Raises:
        UnknownNameError: for a class which is neither ours nor registered.
    """
    return deserialize_keras_object(config, custom_objects)
