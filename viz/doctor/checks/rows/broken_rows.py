"""Rows with NaN or infinities."""

from __future__ import annotations

import numpy

__all__ = ["broken_rows"]


def broken_rows(x: numpy.ndarray) -> tuple[list[int], int] | None:
    """The numbers of the rows that hold NaN or infinities, and the first one's first such column; None for no rows.

    >>> broken_rows(numpy.array([[1.0, 2.0], [3.0, numpy.nan]]))
    ([1], 1)
    """
    if x.dtype.kind != "f":
        return None
    rows = x.reshape(len(x), -1)
    with numpy.errstate(all="ignore"):  # a sum is finite unless one of its numbers isn't, or all together are too many
        suspects = numpy.flatnonzero(~numpy.isfinite(rows.sum(axis=1)))
    at = [int(i) for i in suspects if not numpy.isfinite(rows[i]).all()]
    return (at, int(numpy.flatnonzero(~numpy.isfinite(rows[at[0]]))[0])) if at else None
