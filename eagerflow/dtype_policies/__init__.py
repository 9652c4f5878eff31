"""Policies that say in which types layers keep their weights and compute."""

from eagerflow.layer import configuration as _configuration  # noqa: F401 - which makes policies known to files
from eagerflow.layer.dtype_policy import DTypePolicy, DTypePolicyMap, FloatDTypePolicy, deserialize, get, serialize
from eagerflow.quantizers.policies import Int4DTypePolicy, QuantizedDTypePolicy, QuantizedFloat8DTypePolicy

__all__ = ["DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "Int4DTypePolicy", "QuantizedDTypePolicy"]
__all__ += ["QuantizedFloat8DTypePolicy", "deserialize", "get", "serialize"]


def __dir__() -> list[str]:
    return sorted(__all__)
