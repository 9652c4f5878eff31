"""Statistics of many small arrays at once: each by itself costs ten times as much in calls as in arithmetic.

Arrays are copied when they are met, which takes half a microsecond, and measured some hundred together.
"""

from __future__ import annotations

from typing import Any

import numpy

from viz.facts.schema import Stats
from viz.recorder.tensor_stats import BINS, LARGE, PREVIEW, measure

__all__ = ["SmallArrays"]

_SMALL = 2048  # elements: larger arrays gain nothing
_AT_ONCE = 1 << 15  # elements, as double precision: what stays in the cache


class SmallArrays:
    """Arrays that wait to be measured.

    Args:
        level: `"basic"` or `"full"`.
        measured: where statistics go, by the array's number.
    """

    def __init__(self, level: str, measured: dict[int, Stats | None]) -> None:
        self.level, self.measured = level, measured
        self._waiting: dict[int, numpy.ndarray] = {}
        self._elements = 0

    def take(self, number: int, array: Any) -> bool:
        """Note an array as it is now; False where it is to be measured by itself."""
        if type(array) is not numpy.ndarray:
            if not isinstance(array, numpy.generic):
                return False
            array = numpy.asarray(array)
        size = array.size
        if not 0 < size <= _SMALL or array.dtype.char not in "fdbBhHiIlLqQ?e":
            return False
        self._waiting[number] = array.flatten()  # always a copy
        self._elements += size
        if self._elements > _AT_ONCE:
            self.flush()
        return True

    def waiting(self, number: int) -> numpy.ndarray | None:
        """The array with this number, where it hasn't been measured yet."""
        return self._waiting.get(number)

    def flush(self) -> None:
        """Measure all that wait."""
        waiting, self._waiting, self._elements = self._waiting, {}, 0
        if not waiting:
            return
        arrays = list(waiting.values())
        values = numpy.concatenate(arrays, dtype="float64", casting="unsafe")
        sizes = numpy.array([array.size for array in arrays])
        starts = numpy.concatenate([[0], numpy.cumsum(sizes)[:-1]])
        with numpy.errstate(all="ignore"):
            found = _all_measured(values, starts, sizes, self.level)
        for number, array, stats in zip(waiting, arrays, found):
            self.measured[number] = measure(array, self.level) if stats is None else stats


def _all_measured(values: numpy.ndarray, starts: numpy.ndarray, sizes: numpy.ndarray, level: str) -> list[Stats | None]:
    """The statistics of pieces of `values`; None for those with numbers that aren't finite, or are very large."""
    add = numpy.add.reduceat
    low, high = numpy.minimum.reduceat(values, starts), numpy.maximum.reduceat(values, starts)
    usual = numpy.isfinite(high - low) & (numpy.maximum(abs(low), abs(high)) <= LARGE)
    more: list[dict[str, Any]] = _more(values, starts, sizes, low, high) if level == "full" else [{}] * len(sizes)
    center = add(values, starts) / sizes
    apart = values - numpy.repeat(center, sizes)
    rest = add(apart, starts) / sizes
    variance = add(apart * apart, starts) / sizes - rest * rest
    columns = low, high, center + rest, numpy.sqrt(numpy.maximum(0.0, variance)), usual
    rows = zip(*[column.tolist() for column in columns], more)
    return [Stats(min=a, max=b, mean=c, std=d, **others) if fine else None for a, b, c, d, fine, others in rows]


def _more(
    values: numpy.ndarray, starts: numpy.ndarray, sizes: numpy.ndarray, low: numpy.ndarray, high: numpy.ndarray
) -> list[dict[str, Any]]:
    """What `"full"` has besides: norms, zeros, first elements, histograms as in `tensor_stats.histogram`."""
    norms = numpy.sqrt(numpy.add.reduceat(values * values, starts)).tolist()
    zeros = numpy.add.reduceat(values == 0, starts, dtype=numpy.int64).tolist()
    scale = BINS / (high - low)
    flat = (high == low) | ~numpy.isfinite(scale)
    positions = (values - numpy.repeat(low, sizes)) * numpy.repeat(numpy.where(flat, 0.0, scale), sizes)
    inside = numpy.where(numpy.isfinite(positions), positions, 0.0).astype(numpy.int64)
    inside += numpy.repeat(numpy.arange(len(sizes)) * (BINS + 1), sizes)
    counts = numpy.bincount(inside, minlength=len(sizes) * (BINS + 1)).reshape(len(sizes), BINS + 1)
    counts[:, BINS - 1] += counts[:, BINS]  # the largest is at the end of the last bin
    found = []
    for start, size, norm, none, row in zip(starts.tolist(), sizes.tolist(), norms, zeros, counts[:, :BINS].tolist()):
        preview = tuple(values[start : start + min(PREVIEW, size)].tolist())
        found.append({"l2": norm, "zeros": none, "preview": preview, "histogram": tuple(row)})
    return found
