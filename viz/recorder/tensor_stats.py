"""Numbers about an array's elements, on the device where it lives; of many small arrays at once."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy
from numpy import float32, generic, ndarray

from viz.choices import LEVELS
from viz.facts.schema import Stats

__all__ = ["LEVELS", "PIECE", "SMALL", "SmallArrays", "measure", "norm_alone", "sum_of_squares"]

BINS = 32
PREVIEW = 8
# Elements of float64 at once. OpenBLAS shares a product of more than 10,000 out among threads, and waits for all of
# them: where all processors are busy, 4 ms for 65,536 elements instead of 13 µs. Pieces stay in the cache besides.
PIECE = 1 << 13
SMALL = 2048  # elements of an array for which calls take longer than arithmetic
LARGE = 1e140  # squares of larger numbers, summed, could be infinite
_KINDS = "fdbBhHiIlLqQ?e"
_AT_ONCE = 4 * PIECE  # elements that wait: what stays in the cache, also as double precision
_Columns = tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, numpy.ndarray]


def measure(array: Any, level: str) -> Stats | None:
    """The statistics of `array` (NumPy's or CuPy's, or a NumPy scalar); None when it holds no real numbers."""
    if array.dtype.kind not in "biuf" or array.size == 0:
        return None
    values = array.reshape(-1)
    if values.dtype.kind != "f" or values.dtype.itemsize < 4:
        values = values.astype("float64")
    low, high = float(values.min()), float(values.max())
    found, finite = Stats(min=low, max=high), values
    if not math.isfinite(high - low):  # not so in usual arrays, which then need no more passes
        finite = _without_non_finite(values, found)
    if level == "full":
        found.preview = tuple(values[:PREVIEW].astype("float64").tolist())
        here = type(values) is numpy.ndarray
        found.zeros = int(values.size - numpy.count_nonzero(values) if here else (values == 0).sum())
    if finite.size:
        _measure_finite(finite, found, level)
    return found


def _without_non_finite(values: Any, found: Stats) -> Any:
    """The finite elements; counts the others."""
    found.nan = int((values != values).sum())
    found.inf = int((abs(values) == math.inf).sum())
    finite = values[abs(values) < math.inf]
    found.min, found.max = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    return finite


def _measure_finite(finite: Any, found: Stats, level: str) -> None:
    low, high = found.min or 0.0, found.max or 0.0
    scale = 1.0
    if max(abs(low), abs(high)) > LARGE:  # a power of two, which is exact, so that sums stay finite
        scale = 2.0 ** (math.frexp(max(abs(low), abs(high)))[1] - 1)
        finite = finite.astype("float64") / scale
    center, apart, squares, norm = _sums(finite, level)
    count = finite.size
    found.mean = (center + apart / count) * scale
    found.std = math.sqrt(max(0.0, squares / count - (apart / count) ** 2)) * scale
    if level == "full":
        found.l2 = math.sqrt(norm) * scale
        found.histogram = histogram(finite, low / scale, high / scale)


def _sums(values: Any, level: str) -> tuple[float, float, float, float]:
    """A centre; sums of the distances to it and of their squares; for `"full"` the sum of squares. In double precision.

    Piece by piece, so that the temporary arrays stay in the cache.
    """
    center = float(values[:PIECE].astype("float64").sum()) / min(values.size, PIECE)
    apart = squares = norm = 0.0
    for start in range(0, values.size, PIECE):
        piece = values[start : start + PIECE].astype("float64")
        if level == "full":
            norm += sum_of_squares(piece)
        piece -= center
        apart += float(piece.sum())
        squares += sum_of_squares(piece)
    return center, apart, squares, norm


def sum_of_squares(flat: Any) -> float:
    """The sum of the squares of the elements; infinite or NaN if one of them is.

    >>> sum_of_squares(numpy.array([3.0, 4.0]))
    25.0
    """
    found = 0.0
    with numpy.errstate(over="ignore", invalid="ignore"):  # infinite and NaN are answers, too
        if flat.size <= PIECE or type(flat) is not numpy.ndarray or flat.dtype != "float64":
            return float(flat.dot(flat))
        for start in range(0, flat.size, PIECE):
            piece = flat[start : start + PIECE]
            found += float(piece.dot(piece))
    return found


def norm_alone(array: Any) -> Stats | None:
    """The L2 norm of `array` and nothing else, for a tenth of what `measure` takes; None where it isn't known."""
    if array.dtype.kind != "f" or array.size == 0:
        return None
    flat = array.reshape(-1)
    found = sum_of_squares(flat if flat.dtype.itemsize > 2 else flat.astype("float32"))
    return Stats(l2=math.sqrt(found)) if found < math.inf else None  # squares of large numbers may be infinite


def histogram(values: Any, low: float, high: float) -> tuple[int, ...]:
    """How many of the finite `values` fall into each of `BINS` equal bins from `low` to `high`."""
    if high == low or BINS / (high - low) == math.inf:  # the second for numbers next to zero
        return (int(values.size), *[0] * (BINS - 1))
    counts: Any = 0
    here = sys.modules[type(values).__module__.partition(".")[0]]  # NumPy or CuPy
    for start in range(0, values.size, PIECE):
        positions = values[start : start + PIECE].astype("float64")
        positions -= low
        positions *= BINS / (high - low)
        whole = positions.astype("int64")
        counts = counts + here.bincount(whole, minlength=BINS + 1)
    *usual, last = counts.tolist()  # the largest is at the end of the last bin
    usual[-1] += last
    return tuple(usual)


class SmallArrays:
    """Small arrays that wait to be measured: each by itself costs ten times as much in calls as in arithmetic.

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
    """What `"full"` has besides: norms, zeros, first elements, histograms as in `histogram`."""
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
