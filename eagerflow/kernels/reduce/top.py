"""The positions of the largest elements of rows, without sorting the rows."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.costs import Top

__all__ = ["top_positions"]


def top_positions(x: ndarray, k: int) -> Any:
    """Where the k largest elements of each row of x (..., length) stand, the largest first, of equals the first first.

    None when sorting does it as well: few elements, many ties, NaN.

    Each row is cut into blocks. The k-th largest of their maxima is a bound that k elements reach: only the
    elements that reach it need to be sorted.
    """
    length = x.shape[-1]
    size = math.isqrt(length)
    count = length // size if size else 0
    if type(x) is not numpy.ndarray or x.dtype.kind != "f" or length < Top.SMALL or not 0 < k <= count or not x.size:
        return None
    rows = x.reshape(-1, length)
    maxima = rows[:, : count * size].reshape(len(rows), count, size).max(axis=2)
    bound = numpy.partition(maxima, count - k, axis=1)[:, count - k, None]
    places = numpy.flatnonzero(rows >= bound)
    if places.size > Top.CROWD * k * len(rows) or numpy.isnan(rows.max()):
        return None
    row, column = numpy.divmod(places, length)
    order = numpy.lexsort((column, -rows.reshape(-1)[places], row))
    starts = numpy.searchsorted(row, numpy.arange(len(rows)))
    found = column[order][starts[:, None] + numpy.arange(k)]
    return found.reshape(*x.shape[:-1], k)
