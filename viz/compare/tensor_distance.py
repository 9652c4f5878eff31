"""How far two tensors are apart: by their elements where they were kept, else by their statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.facts.derived_stats import is_measured
from viz.facts.schema import Record, Stats

__all__ = ["apart", "arrays_apart", "comparable"]


def comparable(a: Record, b: Record, i: int, j: int) -> str | None:
    """`"values"`, `"statistics"`, or None when two tensors can't be compared."""
    if a.tensors[i].shape != b.tensors[j].shape:
        return None
    if i in a.values and j in b.values:
        return "values"
    return "statistics" if is_measured(a.tensors[i]) and is_measured(b.tensors[j]) else None


def apart(a: Record, b: Record, i: int, j: int, by: str, tolerance: float = 0.0) -> tuple[float, int | None, str]:
    """The same as of arrays; by statistics nobody knows how many elements differ."""
    if by == "values":
        return arrays_apart(a.values[i], b.values[j], tolerance)
    error, words = _statistics_apart(a.tensors[i].stats, b.tensors[j].stats)
    return error, None, words


def arrays_apart(a: Any, b: Any, tolerance: float = 0.0) -> tuple[float, int, str]:
    """The largest difference relative to the largest magnitude, how many elements differ by more, and words.

    NaN equals NaN, and infinity the same infinity; otherwise they are infinitely far from everything.
    """
    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.size == 0:
        return 0.0, 0, ""
    if a.dtype.kind not in "fc" and b.dtype.kind not in "fc":
        a, b = a.astype("float64"), b.astype("float64")
    with numpy.errstate(all="ignore"):
        same = (a == b) | ((a != a) & (b != b))
        if same.all():
            return 0.0, 0, ""
        finite = numpy.isfinite(a) & numpy.isfinite(b)
        scale = float(max(abs(a[finite]).max(initial=0), abs(b[finite]).max(initial=0)))
        wide = numpy.result_type(a, b, "float64")
        distance = numpy.where(same, 0.0, abs(a.astype(wide) - b.astype(wide)))
        distance = numpy.where(numpy.isnan(distance), numpy.inf, distance)
        largest = int(distance.argmax())
        differing = int((distance > tolerance * scale).sum())
    at = [int(n) for n in numpy.unravel_index(largest, a.shape)]
    error = float(distance.flat[largest])
    words = f"{a.flat[largest]:.7g} → {b.flat[largest]:.7g}" + (f" at {at}" if at else "")
    return (error / scale if scale else math.inf), differing, words


def _statistics_apart(a: Stats | None, b: Stats | None) -> tuple[float, str]:
    assert a is not None
    assert b is not None
    for noun, x, y in (("NaN", a.nan, b.nan), ("infinite", a.inf, b.inf)):
        if x != y:
            return math.inf, f"{x:,} → {y:,} {noun} elements"
    scale = max([abs(x) for x in (a.min, a.max, b.min, b.max) if x is not None], default=0.0)
    worst, words = 0.0, ""
    for noun in ("min", "max", "mean", "std"):
        x, y = getattr(a, noun), getattr(b, noun)
        if x is None or y is None or x == y:
            continue
        error = abs(x - y) / scale if scale and math.isfinite(scale) else math.inf
        if error > worst:
            worst, words = error, f"{noun} {x:.7g} → {y:.7g}"
    return worst, words
