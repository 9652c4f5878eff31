"""Rows with NaN or infinities, and columns of NaN."""

from __future__ import annotations

import numpy

from viz.doctor import thresholds as limits

__all__ = ["broken_columns", "broken_rows", "where_broken"]

_ROWS = 16  # in fewer, a column may hold nothing but gaps by chance


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


def broken_columns(x: numpy.ndarray) -> str | None:
    """Which columns are NaN in every row, in words, where nothing else is broken; None where that isn't so.

    >>> x = numpy.ones((20, 3))
    >>> x[:, 1] = numpy.nan
    >>> broken_columns(x)
    'column 1 of 3 is NaN in all 20 rows'
    """
    if x.dtype.kind != "f" or x.ndim < 2 or len(x) < _ROWS:
        return None
    rows = x.reshape(len(x), -1)
    hit = numpy.isnan(rows[0])
    if not hit.any() or hit.all():
        return None
    if not (numpy.isnan(rows[:, hit]).all() and numpy.isfinite(rows[:, ~hit]).all()):
        return None
    at = [int(i) for i in numpy.flatnonzero(hit)]
    shown = [
        str(i) if x.ndim == 2 else str(tuple(map(int, numpy.unravel_index(i, x.shape[1:])))) for i in at[: limits.NAMED]
    ]
    what, of = "column" if x.ndim == 2 else "position", f"{rows.shape[1]}"
    if len(at) == 1:
        return f"{what} {shown[0]} of {of} is NaN in all {len(x)} rows"
    names = ", ".join(shown) + (", …" if len(at) > limits.NAMED else "")
    return f"{len(at)} of {of} {what}s are NaN in all {len(x)} rows: {names}"


def where_broken(x: numpy.ndarray, name: str = "x") -> str:
    """Which rows of a whole array hold NaN or infinities, in words; empty for none.

    Args:
        x: the array.
        name: what it is called.

    >>> where_broken(numpy.array([[1.0, 2.0], [3.0, numpy.nan], [numpy.inf, 0.0]]))
    '2 rows of x do, the first is row 1, column 1'
    """
    found = broken_rows(x)
    if found is None:
        return ""
    rows, column = found
    which = f"row {rows[0]}{f', column {column}' if x.ndim == 2 else ''}"
    return f"{which} of {name}" if len(rows) == 1 else f"{len(rows):,} rows of {name} do, the first is {which}"
