"""The closed table of metrics by name."""

from __future__ import annotations

from eagerflow.core.serialization import Table

__all__ = ["METRICS"]

METRICS = Table("metric", "keras.metrics")
