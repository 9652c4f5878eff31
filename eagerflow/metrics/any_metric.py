"""The type of metrics that are known at run time only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eagerflow.metrics.base import Metric

__all__ = ["AnyMetric"]

if TYPE_CHECKING:

    class AnyMetric(Metric, Any):
        """A metric whose class only a run knows, as one of `model.metrics`: it may have any attribute."""
else:
    AnyMetric = Metric
