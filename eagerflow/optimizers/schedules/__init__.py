"""Learning rates that change with the number of updates."""

from __future__ import annotations

from typing import Any

from eagerflow.base.tracebacks import boundary as _boundary
from eagerflow.optimizers.schedules.base import LearningRateSchedule
from eagerflow.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from eagerflow.optimizers.schedules.decays import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from eagerflow.optimizers.table import SCHEDULES as _SCHEDULES

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


def serialize(learning_rate_schedule: Any) -> Any:
    """The config of a schedule.

    >>> serialize(CosineDecay(0.5, 100))["class_name"]
    'CosineDecay'
    """
    return _SCHEDULES.serialize(learning_rate_schedule)


@_boundary
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The schedule of a config."""
    return _SCHEDULES.deserialize(config, custom_objects)


def __dir__() -> list[str]:
    return sorted(__all__)
