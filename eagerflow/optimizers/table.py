"""The closed tables of optimizers and learning-rate schedules by name."""

from __future__ import annotations

from eagerflow.base.serialization import Table

__all__ = ["OPTIMIZERS", "SCHEDULES"]

OPTIMIZERS = Table("optimizer", "keras.optimizers", "eagerflow.optimizers")
SCHEDULES = Table("learning-rate schedule", "keras.optimizers.schedules", "eagerflow.optimizers.schedules")
