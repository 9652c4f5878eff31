"""Bounds on weights, with the names and settings of `keras.constraints`."""

from __future__ import annotations

from eagerflow.constraints.base import Constraint, deserialize, get, serialize
from eagerflow.constraints.norms import MaxNorm, MinMaxNorm, NonNeg, UnitNorm

max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]


def __dir__() -> list[str]:
    return sorted(__all__)
