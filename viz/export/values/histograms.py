"""Distributions as event files hold them: how many numbers there are between two edges."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy

from viz.export.event_protos import protos

__all__ = ["LARGEST", "binned", "even", "told"]

LARGEST = 3.4028235e38  # of single precision
_BINS = 30
_LEAST, _MOST, _FACTOR = 1e-12, 1e20, 1.1  # of TensorFlow's edges, which grow by this factor to both sides of 0


def even(values: numpy.ndarray) -> Any:
    """A histogram whose edges are all the same way apart.

    Args:
        values: finite numbers, at least one.
    """
    low, high = float(values.min()), float(values.max())
    edges = numpy.linspace(low, high, _BINS + 1) if math.isfinite(high - low) and high > low else _around(low, high)
    counts, edges = numpy.histogram(values, edges)
    return _of(values, edges[1:], counts)


def binned(values: numpy.ndarray, bins: Any, max_bins: int | None) -> Any:
    """A histogram by other edges.

    Args:
        values: finite numbers, at least one.
        bins: `"tensorflow"` for edges that are close to each other near 0, or what `numpy.histogram` takes.
        max_bins: how many there are at most: neighbours are counted together.
    """
    is_usual = isinstance(bins, str) and bins == "tensorflow"
    counts, edges = numpy.histogram(values, _growing() if is_usual else bins)
    if max_bins is not None and len(counts) > max_bins:
        size = -(-len(counts) // max(int(max_bins), 1))
        counts = numpy.add.reduceat(counts, range(0, len(counts), size))
        edges = numpy.append(edges[:-1:size], edges[-1])
    filled = numpy.flatnonzero(counts)
    if not filled.size:  # all lie outside of the edges
        return even(values)
    first, last = filled[0], filled[-1]
    return _of(values, edges[first : last + 2], [0, *counts[first : last + 1]])  # what is left of an edge ends there


def told(
    low: float, high: float, number: float, total: float, squares: float, limits: list[float], counts: list[float]
) -> Any:
    """A histogram of numbers that are known already; `limits` are the upper edges."""
    return protos().summary.HistogramProto(
        min=low, max=high, num=number, sum=total, sum_squares=squares, bucket_limit=limits, bucket=counts
    )


def _of(values: numpy.ndarray, limits: Any, counts: Any) -> Any:
    with numpy.errstate(over="ignore"):  # the sum of squares may be infinite; TensorBoard doesn't show it
        squares, total = float(numpy.square(values).sum()), float(values.sum())
    low, high = float(values.min()), float(values.max())
    return told(low, high, values.size, total, squares, [float(x) for x in limits], [float(x) for x in counts])


def _around(low: float, high: float) -> numpy.ndarray:
    """Two edges for equal values; edges without overflow for the largest ones."""
    if low == high:
        margin = abs(low) * 1e-6 or 1e-6
        return numpy.array([low - margin, high + margin])
    return numpy.array([low, low / 2, 0.0, high / 2, high])


@functools.cache
def _growing() -> numpy.ndarray:
    count = math.ceil(math.log(_MOST / _LEAST) / math.log(_FACTOR))
    right = _LEAST * _FACTOR ** numpy.arange(count)
    return numpy.concatenate([-right[::-1], [0.0], right])
