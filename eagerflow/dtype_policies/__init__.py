"""In which types layers keep weights and compute, under the names of `keras.dtype_policies`."""

from __future__ import annotations

from eagerflow.layer.dtype_policy import DTypePolicy, FloatDTypePolicy, deserialize, get, serialize

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]


def __dir__() -> list[str]:
    return sorted(__all__)
