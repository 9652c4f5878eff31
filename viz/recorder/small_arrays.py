"""Statistics of many small arrays at once: each by itself costs ten times as much in calls as in arithmetic.

Arrays are copied when they are met, which takes half a microsecond, and looked at some hundred together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import float32, generic, ndarray

from viz.facts.schema import Stats
from viz.recorder.finite_check import SMALL
from viz.recorder.tensor_stats import BINS, LARGE, PREVIEW, measure

__all__ = ["SmallArrays"]

_KINDS = "fdbBhHiIlLqQ?e"
_AT_ONCE = 1 << 15  # elements that wait: what stays in the cache, also as double precision
_Columns = tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, numpy.ndarray]


class SmallArrays:
    """Arrays that wait to be measured.

    While the program runs, what it pays for is a copy and, for some hundred arrays together, a pass over their numbers.
    Of those, statistics are made in the end.

    Attributes:
        note: measures the array of a number as it is now: copies it and measures it with others, or at once.
    """

    def __init__(self, level: str, measured: dict[int, Stats | None]) -> None:
        self.level, self.measured = level, measured
        # By type, of which one with swapped bytes is another, for each array its bytes: they are copied in a tenth of
        # the time that a copy as an array takes.
        self._waiting: dict[numpy.dtype[Any], dict[int, bytes]] = {numpy.dtype(kind): {} for kind in _KINDS}
        self._numbers: dict[int, float32] = {}
        self.note = self._noter()
        self._reckoned: list[tuple[list[int], _Columns, list[dict[str, Any]]]] = []

    def _noter(self) -> Callable[[int, Any], None]:
        """The `note`, with all that it needs at hand: it is called for nearly every tensor."""
        waiting_of, measured, level, size = self._waiting.get, self.measured, self.level, 0
        numbers = self._numbers

        def note(number: int, array: Any) -> None:
            nonlocal size
            if array.__class__ is ndarray or isinstance(array, generic):
                if array.__class__ is float32:  # most losses: copying those takes longer than all the rest
                    numbers[number] = array
                    return
                waiting = waiting_of(array.dtype)
                count = array.size
                if 0 < count <= SMALL and waiting is not None:
                    waiting[number] = array.tobytes()
                    size += count
                    if size > _AT_ONCE:
                        size = 0
                        self._reckon_all()
                    return
            measured[number] = measure(array, level)

        return note

    def flush(self) -> None:
        """Measure all that wait."""
        waiting = self._waiting[numpy.dtype("float32")]
        waiting.update((number, x.tobytes()) for number, x in self._numbers.items())
        self._numbers.clear()
        self._reckon_all()
        reckoned, self._reckoned = self._reckoned, []
        for numbers, columns, more in reckoned:
            for number, a, b, c, d, others in zip(numbers, *[column.tolist() for column in columns], more):
                self.measured.setdefault(number, Stats(min=a, max=b, mean=c, std=d, **others))

    def _reckon_all(self) -> None:
        for dtype, waiting in self._waiting.items():
            if waiting:
                self._waiting[dtype] = {}
                self._reckon(dtype, waiting)

    def _reckon(self, dtype: numpy.dtype[Any], waiting: dict[int, bytes]) -> None:
        """Look at the numbers of all that wait; those that aren't finite, or are very large, are measured alone."""
        values = numpy.frombuffer(b"".join(waiting.values()), dtype)
        sizes = numpy.array(list(map(len, waiting.values()))) // dtype.itemsize
        starts = numpy.concatenate([[0], numpy.cumsum(sizes)[:-1]])
        with numpy.errstate(all="ignore"):
            columns, more, usual = _all_measured(values.astype("float64"), starts, sizes, self.level)
        numbers = list(waiting)
        for i in numpy.flatnonzero(~usual).tolist():
            self.measured[numbers[i]] = measure(values[starts[i] : starts[i] + sizes[i]], self.level)
        self._reckoned.append((numbers, columns, more))


def _all_measured(
    values: numpy.ndarray, starts: numpy.ndarray, sizes: numpy.ndarray, level: str
) -> tuple[_Columns, list[dict[str, Any]], numpy.ndarray]:
    """Of pieces of `values` min, max, mean and std; what else there is; and which hold usual numbers, as others don't.

    Unusual are numbers that aren't finite, and very large ones.
    """
    add = numpy.add.reduceat
    low, high = numpy.minimum.reduceat(values, starts), numpy.maximum.reduceat(values, starts)
    usual = numpy.isfinite(high - low) & (numpy.maximum(abs(low), abs(high)) <= LARGE)
    more: list[dict[str, Any]] = _more(values, starts, sizes, low, high) if level == "full" else [{}] * len(sizes)
    center = add(values, starts) / sizes
    apart = values - numpy.repeat(center, sizes)
    rest = add(apart, starts) / sizes
    variance = add(apart * apart, starts) / sizes - rest * rest
    return (low, high, center + rest, numpy.sqrt(numpy.maximum(0.0, variance))), more, usual


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
