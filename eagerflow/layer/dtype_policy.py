"""Data type policies: in which type a layer keeps its weights, and in which it computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from eagerflow.base.config import floatx
from eagerflow.base.config_from_init import Configured
from eagerflow.base.errors import did_you_mean
from eagerflow.base.machine.budget import checked_pattern
from eagerflow.base.serialization import Table, deserialize_keras_object, serialize_keras_object
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Configuration
from eagerflow.core.dtypes import as_dtype, is_float_dtype, standardize_dtype
from eagerflow.core.links import above
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops import cast

__all__ = ["DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "deserialize", "dtype_policy", "get", "get_policy"]
__all__ += ["policy_of_config", "serialize", "set_dtype_policy"]

table = Table("dtype policy", "keras.dtype_policies", "eagerflow.dtype_policies")
_QUANTIZED = ("int8", "float8", "int4", "gptq", "awq")  # names of policies of quantized layers begin so
_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy(Configured):
    """The data types of a layer's weights and of its computations.

    Args:
        name: a type name, used for both; or `"mixed_float16"` / `"mixed_bfloat16"`: weights in float32, computations
            in the 16-bit type. Default: `floatx()`.

    Raises:
        ValueError: for an unknown name.

    >>> policy = ef.DTypePolicy("mixed_float16")
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

    @property
    def quantization_mode(self) -> str | None:
        """How weights are quantized: `"int8"`, `"int4"`, `"float8"`, or None where they aren't.

        >>> print(ef.DTypePolicy("float32").quantization_mode)
        None
        >>> ef.dtype_policies.QuantizedDTypePolicy("int8", "float32").quantization_mode
        'int8'
        """
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """Converts one input of a layer: arrays become tensors, and floating-point values are cast to `dtype`.

        Args:
            x: an array or a tensor; anything else is returned unchanged.
            autocast: whether to cast floating-point values.
            dtype: the name of the type that they are cast to.

        >>> import numpy
        >>> ef.DTypePolicy("float16").convert_input(numpy.ones(2), True, "float16").dtype.name
        'float16'
        """
        if not isinstance(x, Tensor):
            if not hasattr(x, "__array__"):
                return x
            x = convert_to_tensor(x)
        changes = autocast and is_float_dtype(x.dtype) and x.dtype != as_dtype(dtype)
        return cast(x, dtype) if changes else x

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy.

        >>> ef.DTypePolicy("mixed_float16").get_config()
        {'name': 'mixed_float16'}
        """
        return {"name": self.name}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other._kind() is self._kind() and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<{self._kind().__name__} "{self.name}">'

    def _kind(self) -> type:
        return DTypePolicy if type(self) is FloatDTypePolicy else type(self)


class FloatDTypePolicy(DTypePolicy):
    """`DTypePolicy` under Keras' name for policies without quantization.

    Args:
        name: as for `DTypePolicy`: a type name, `"mixed_float16"` or `"mixed_bfloat16"`.

    >>> ef.FloatDTypePolicy("mixed_bfloat16").compute_dtype
    'bfloat16'
    """


@table.add()
class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """A dict-like map from layers' paths to dtype policies, for models whose layers have different ones.

    Args:
        default_policy: the policy for all other paths; default: the global one.
        policy_map: policies by path, or by a regular expression that matches the whole path.

    Raises:
        ValueError: for a map as `default_policy`.
        TypeError: when `policy_map` is no dict.

    >>> policies = ef.dtype_policies.DTypePolicyMap("float32", {"encoder/.*": ef.DTypePolicy("float16")})
    >>> policies["encoder/dense"].name, policies["decoder/dense"].name
    ('float16', 'float32')
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, DTypePolicy] | None = None) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("DTypePolicyMap(default_policy=...): `default_policy` cannot be a `DTypePolicyMap`.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"DTypePolicyMap(policy_map=...): `policy_map` must be a dict; got {policy_map!r:.80}.")
        self._given = None if default_policy is None else get_policy(default_policy)
        self._policies: dict[str, DTypePolicy] = policy_map or {}
        for pattern in self._policies:
            checked_pattern("DTypePolicyMap", pattern)

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy for all paths that aren't in the map.

        >>> ef.dtype_policies.DTypePolicyMap().default_policy
        <DTypePolicy "float32">
        """
        return dtype_policy() if self._given is None else self._given

    @property
    def name(self) -> str:  # type: ignore[override]
        """`"map_"` followed by the name of the default policy.

        >>> ef.dtype_policies.DTypePolicyMap("mixed_float16").name
        'map_mixed_float16'
        """
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:  # type: ignore[override]
        """The same as of the default policy.

        >>> ef.dtype_policies.DTypePolicyMap("mixed_float16").compute_dtype
        'float16'
        """
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:  # type: ignore[override]
        """The same as of the default policy.

        >>> ef.dtype_policies.DTypePolicyMap("mixed_float16").variable_dtype
        'float32'
        """
        return self.default_policy.variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """The same as of the default policy.

        >>> print(ef.dtype_policies.DTypePolicyMap("float32").quantization_mode)
        None
        """
        return self.default_policy.quantization_mode

    def __getitem__(self, path: str) -> DTypePolicy:
        if path in self._policies:
            return self._policies[path]
        matching = [pattern for pattern in self._policies if re.fullmatch(pattern, path)]
        if len(matching) > 1:
            raise ValueError(f"Path {path!r} matches multiple dtype policy specification keys: {matching}.")
        return self._policies[matching[0]] if matching else self.default_policy

    def __setitem__(self, path: str, policy: Any) -> None:
        if path in self._policies:
            raise ValueError(f"{path!r} already exist in the DTypePolicyMap with {self._policies[path]!r}.")
        try:
            self._policies[checked_pattern("DTypePolicyMap", path)] = get_policy(policy)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Cannot interpret the assigned value for {path!r}: {error}") from None

    def __delitem__(self, path: str) -> None:
        del self._policies[path]

    def __contains__(self, path: object) -> bool:
        return path in self._policies

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __repr__(self) -> str:
        mapping = [(path, policy.name) for path, policy in self._policies.items()]
        return f"<DTypePolicyMap default_policy={self.default_policy.name}, mapping={mapping}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = DTypePolicy.__hash__

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal map.

        >>> policies = ef.dtype_policies.DTypePolicyMap()
        >>> policies["net/out"] = ef.DTypePolicy("float16")
        >>> list(policies.get_config()["policy_map"])
        ['net/out']
        """
        default = None if self._given is None else self._given.name
        return {"default_policy": default, "policy_map": serialize_keras_object(self._policies)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates a map from the dict that `get_config` returned.

        >>> policies = ef.dtype_policies.DTypePolicyMap()
        >>> policies["net/out"] = ef.DTypePolicy("float16")
        >>> ef.dtype_policies.DTypePolicyMap.from_config(policies.get_config())["net/out"].name
        'float16'
        """
        read = {path: deserialize_keras_object(policy, custom_objects) for path, policy in config["policy_map"].items()}
        return cls(**{**config, "policy_map": read})


def _plain(name: Any) -> str:
    try:
        return standardize_dtype(name)
    except (TypeError, ValueError):
        if isinstance(name, (int, float, list, tuple, dict)):
            raise TypeError(f"DTypePolicy(name={name!r:.60}): expected the name of a policy or type.") from None
        hint = did_you_mean(str(name), [*_MIXED, "float16", "bfloat16", "float32", "float64"])
        raise ValueError(
            f"unknown dtype policy {name!r}: expected the name of a type, or one of {', '.join(_MIXED)}.{hint}"
        ) from None


_global: list[DTypePolicy] = []


def dtype_policy() -> DTypePolicy:
    """The policy of new layers: `floatx()` unless `set_dtype_policy` said otherwise.

    >>> ef.config.dtype_policy().name
    'float32'
    """
    return _global[0] if _global else DTypePolicy()


@boundary
def set_dtype_policy(policy: Any) -> None:
    """Set the policy of new layers.

    Args:
        policy: a policy or its name; None for `floatx()` again.

    Raises:
        ImportError: for a policy with bfloat16 where ml_dtypes isn't installed, which layers would need.

    >>> ef.config.set_dtype_policy("mixed_float16")
    >>> layer = ef.layers.Dense(2)
    >>> ef.config.set_dtype_policy("float32")  # as it is at first
    >>> layer.compute_dtype, layer.variable_dtype
    ('float16', 'float32')
    """
    given = [] if policy is None else [get_policy(policy)]
    for each in given:
        as_dtype(each.compute_dtype)
    _global[:] = given


def get_policy(identifier: Any) -> DTypePolicy:
    """Finds a dtype policy by its name or configuration; None stands for the global one.

    Args:
        identifier: a name such as `"mixed_float16"` or `"float32"`, a policy, its configuration, or None.

    >>> ef.dtype_policies.get("float16")
    <DTypePolicy "float16">
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, (int, float)):
        raise ValueError(f"{identifier!r} is no dtype policy: expected the name of a policy or type.")
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, Mapping):
        if identifier.get("class_name") in table:
            return _checked(deserialize_keras_object(dict(identifier)))
        return DTypePolicy(**identifier.get("config", identifier))
    if isinstance(identifier, str) and identifier.startswith(_QUANTIZED) and "_" in identifier:
        found: DTypePolicy = above.quantization().policy_named(identifier)
        return found
    return DTypePolicy(identifier)


def policy_of_config(dtype: Any) -> Any:
    """What a layer's configuration says of its types, for `__init__`: the policy itself where weights are quantized."""
    described = isinstance(dtype, Mapping) and dtype.get("class_name") in table
    return get_policy(dtype) if described else dtype


def _checked(policy: Any) -> DTypePolicy:
    if not isinstance(policy, DTypePolicy):
        raise TypeError(f"expected a dtype policy; got {type(policy).__name__}.")
    return policy


get = get_policy


def serialize(dtype_policy: DTypePolicy) -> Configuration:
    """The configuration of a policy.

    Args:
        dtype_policy: the policy.

    >>> ef.dtype_policies.serialize(ef.DTypePolicy("float16"))["config"]
    {'name': 'float16'}
    """
    return serialize_keras_object(dtype_policy)


@boundary
def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """Makes a dtype policy from its configuration.

    Args:
        config: the configuration that `serialize` returned: a dict with `class_name` and `config`.
        custom_objects: further classes by name; those that are registered are known already.

    Raises:
        UnknownNameError: for a class that is neither built in nor registered.

    >>> config = ef.dtype_policies.serialize(ef.DTypePolicy("mixed_float16"))
    >>> ef.dtype_policies.deserialize(config).compute_dtype
    'float16'
    """
    return deserialize_keras_object(config, custom_objects)
