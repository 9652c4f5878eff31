"""Distributions as event files hold them: how many numbers there are between two edges."""

from __future__ import annotations

from typing import Any

import numpy

from viz.export.event_protos import protos

__all__ = ["LARGEST", "even"]

LARGEST = float(numpy.finfo("float32").max)


def even(values: numpy.ndarray) -> Any:
    """A histogram of 30 bins of the same width."""
    low, high = float(values.min()), float(values.max())
    margin = abs(low) * 1e-6 or 1e-6
    edges = numpy.linspace(low, high, 30 + 1) if high > low else numpy.array([low - margin, high + margin])
    counts, edges = numpy.histogram(values, edges)
    return protos().summary.HistogramProto(
        min=low,
        max=high,
        num=values.size,
        sum=float(values.sum()),
        sum_squares=float(numpy.square(values).sum()),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )
