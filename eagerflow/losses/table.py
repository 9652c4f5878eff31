"""The closed table of losses by name."""

from __future__ import annotations

from eagerflow.base.serialization import Table

__all__ = ["LOSSES"]

LOSSES = Table("loss", "keras.losses")
