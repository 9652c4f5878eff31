"""What type checkers are told of metrics that only a run knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eagerflow.metrics.base import Metric

__all__ = ["AnyMetric"]

if TYPE_CHECKING:

    class AnyMetric(Metric, Any):
        """A metric whose class only a run knows, as one of `model.metrics`: it may have any attribute."""
else:
    AnyMetric = Metric
