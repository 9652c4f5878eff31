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


def extreme_with_places(x: ndarray, axes: tuple[int, ...], largest: bool) -> Any:
    """The maximum or minimum over `axes`, and where it is; None where it is in several places, or NaN."""
    lengths = folded(x, axes)
    if lengths is None or lengths[2] < _FEWEST or not 2 <= lengths[1] < 1 << 31:
        return None
    before, count, after = lengths
    out = numpy.empty(before * after, x.dtype)
    first, last = numpy.empty((2, out.size), "int32")
    sign = 1.0 if largest else -1.0
    work = loops.extremes_with_places.on(x.reshape(-1), out, first, last, count, after, sign)
    if work is None:
        return None
    run_rows(work, before, count * after, x.size * 0.1, numbers=LARGE)
    if not numpy.array_equal(first, last) or numpy.isnan(out).any():
        return None
    of = numpy.arange(out.size)
    at = of + (of // after * (count - 1) + first) * after
    return out.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :]), (at, of)
