"""Where windows lie over an array, as tables for loops: which elements a window sees, and which windows see an element.

Either is a box: a run of places along each of three axes, of which the first ones have one place where an array has
fewer of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.compiled.pieces import LARGE, run_rows
from eagerflow.kernels.machine.threads import get_num_threads
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["Boxes", "boxes_of_elements", "boxes_of_windows", "run_lines", "three"]

_COST = 0.15  # nanoseconds for a number


class Boxes(NamedTuple):
    """The boxes of all places along the first axis, then along the second and the third one.

    Attributes:
        seen: four integers for each: where the box begins and ends; the number, along the axis, of the window's element
            that comes first in it; whether (1 or 0) all windows lie within the array that have to do with it.
        counts: how many elements of the array each window sees along an axis.
        lengths: of what is read, then of what is written, three each.
    """

    seen: Any
    counts: Any
    lengths: tuple[int, ...]


def three(lengths: tuple[int, ...]) -> tuple[int, ...]:
    """Lengths of three axes.

    >>> three((5, 7))
    (1, 5, 7)
    """
    return (*(1,) * (3 - len(lengths)), *lengths)


@lru_cache(maxsize=256)
def boxes_of_windows(geometry: Geometry) -> Boxes:
    """What each window sees.

    >>> from eagerflow.ops.windows.geometry import window_geometry
    >>> boxes_of_windows(window_geometry((5,), (3,), 2, "same")).seen[2:].tolist()
    [[0, 2, 1, 0], [1, 4, 0, 1], [3, 5, 0, 0]]
    """
    seen = []
    for axis, size in enumerate(geometry.sizes):
        first, begin, end = _windows(geometry, axis)
        seen.append(numpy.stack([begin, end, begin - first, end - begin == size], 1))
    return _joined(seen, geometry, (*three(geometry.lengths), *three(geometry.outputs)))


@lru_cache(maxsize=256)
def boxes_of_elements(geometry: Geometry) -> Boxes:
    """Which windows see each element.

    >>> from eagerflow.ops.windows.geometry import window_geometry
    >>> boxes_of_elements(window_geometry((5,), (3,), 2, "same")).seen[2:].tolist()
    [[0, 1, 1, 0], [0, 2, 2, 0], [1, 2, 1, 1], [1, 3, 2, 0], [2, 3, 1, 0]]
    """
    seen = []
    for axis, (size, stride, length) in enumerate(zip(geometry.sizes, geometry.strides, geometry.lengths)):
        first, begin, end = _windows(geometry, axis)
        place = numpy.arange(length)
        since = numpy.searchsorted(first, place - size, side="right")
        until = numpy.searchsorted(first, place, side="right")
        whole = numpy.append(0, numpy.cumsum(end - begin == size))
        number = place + geometry.before[axis] - since * stride
        seen.append(numpy.stack([since, until, number, whole[until] - whole[since] == until - since], 1))
    return _joined(seen, geometry, (*three(geometry.outputs), *three(geometry.lengths)))


def _windows(geometry: Geometry, axis: int) -> tuple[Any, Any, Any]:
    """Where the windows along an axis begin, and between which elements of the array they lie."""
    first = numpy.arange(geometry.outputs[axis]) * geometry.strides[axis] - geometry.before[axis]
    return first, numpy.maximum(first, 0), numpy.minimum(first + geometry.sizes[axis], geometry.lengths[axis])


def _joined(seen: list[Any], geometry: Geometry, lengths: tuple[int, ...]) -> Boxes:
    """One table, with a row for each of the axes that the array hasn't."""
    missing, counts = 3 - len(seen), [numpy.ones(3 - len(seen), "int64")]
    for axis in range(len(seen)):
        _, begin, end = _windows(geometry, axis)
        counts.append(end - begin)
    rows = [numpy.array([[0, 1, 0, 1]] * missing, "int64").reshape(missing, 4), *seen]
    return Boxes(numpy.concatenate(rows).astype("int64"), numpy.concatenate(counts).astype("int64"), lengths)


def run_lines(work: Any, x: ndarray, out: ndarray) -> None:
    """Do the work for all rows of pixels of `out`, (images, *lengths, channels), which is made of `x`.

    What a pixel becomes depends on no other one, so one thread takes them all in one call.
    """
    lines, numbers = out.size // (out.shape[-2] * out.shape[-1]), max(x.size, out.size)
    if get_num_threads() == 1:
        work(0, lines)
    else:
        run_rows(work, lines, numbers // lines, numbers * _COST, numbers=LARGE)
