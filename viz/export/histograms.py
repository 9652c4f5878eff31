"""Distributions as event files hold them: how many numbers there are between two edges."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.export.event_protos import protos

__all__ = ["LARGEST", "even"]

LARGEST = float(numpy.finfo("float32").max)


def even(values: numpy.ndarray) -> Any:
    """A histogram of 30 bins of the same width."""
    low, high = float(values.min()), float(values.max())
    edges = numpy.linspace(low, high, 30 + 1) if math.isfinite(high - low) and high > low else _around(low, high)
    counts, edges = numpy.histogram(values, edges)
    with numpy.errstate(over="ignore"):  # the sum of squares may be infinite; TensorBoard doesn't show it
        squares, total = float(numpy.square(values).sum()), float(values.sum())
    return protos().summary.HistogramProto(
        min=low,
        max=high,
        num=values.size,
        sum=total,
        sum_squares=squares,
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )


def _around(low: float, high: float) -> numpy.ndarray:
    """Two edges for equal values; edges without overflow for the largest ones."""
    if low == high:
        margin = abs(low) * 1e-6 or 1e-6
        return numpy.array([low - margin, high + margin])
    return numpy.array([low, low / 2, 0.0, high / 2, high])
