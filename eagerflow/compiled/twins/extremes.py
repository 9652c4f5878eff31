"""Maxima and minima over neighbouring axes, and where they are."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import extremes as loops
from eagerflow.compiled.pieces import LARGE, run_rows
from eagerflow.kernels.reduce.sums import folded

__all__ = ["extreme_with_places"]

_FEWEST = 16  # columns: with fewer, each row's loop costs more than its numbers
_MOST = 1 << 24  # rows, whose numbers are floats


def extreme_with_places(x: ndarray, axes: tuple[int, ...], largest: bool) -> Any:
    """The maximum or minimum over `axes`, and where it is; None where it is in several places, or NaN."""
    lengths = folded(x, axes)
    if lengths is None or lengths[2] < _FEWEST or not 2 <= lengths[1] <= _MOST:
        return None
    before, count, after = lengths
    out = numpy.empty(before * after, x.dtype)
    place, times = numpy.empty((2, out.size), x.dtype)
    sign = 1.0 if largest else -1.0
    work = loops.extremes_with_places.on(x.reshape(-1), out, place, times, count, after, sign)
    if work is None:
        return None
    run_rows(work, before, count * after, x.size * 0.1, numbers=LARGE)
    if not (times == 1).all():
        return None
    of = numpy.arange(out.size)
    at = of + (of // after * (count - 1) + place.astype("int64")) * after
    return out.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :]), (at, of)
