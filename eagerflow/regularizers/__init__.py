"""Penalties on weights and activities, with the names and settings of `keras.regularizers`."""

from __future__ import annotations

from eagerflow.regularizers.base import Regularizer, deserialize, get, serialize
from eagerflow.regularizers.norms import L1, L1L2, L2
from eagerflow.regularizers.orthogonal import OrthogonalRegularizer

l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


def __dir__() -> list[str]:
    return sorted(__all__)
