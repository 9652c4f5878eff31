"""Rows of arrays by their content: what is the same sample wherever it turns up, and what holds NaN or infinity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from viz.doctor.facts.broken_rows import broken_rows

__all__ = ["HOLDS", "broken_marks", "keys_of"]

HOLDS = "holds "
"""What the mark of a sample begins with that holds NaN or infinity itself: nothing computed of it tells anything."""


def keys_of(arrays: Sequence[numpy.ndarray]) -> list[int]:
    """For each row a number that rows of equal content share, in this process."""
    parts = [list(_bytes_of(array)) for array in arrays]
    return [hash(row) for row in zip(*parts)]


def _bytes_of(array: numpy.ndarray) -> Iterable[Any]:
    if array.dtype.kind in "OUST":
        return [str(row.tolist()) if isinstance(row, numpy.ndarray) else str(row) for row in array]
    rows = numpy.ascontiguousarray(array).reshape(len(array), -1)
    if rows.dtype.kind == "f":
        rows = rows + 0.0  # -0.0 is 0.0
    return [row.tobytes() for row in rows]


def broken_marks(inputs: Sequence[numpy.ndarray], targets: Sequence[numpy.ndarray]) -> dict[int, str]:
    """What the rows hold that isn't finite, in words, by their numbers.

    >>> x, y = numpy.ones((3, 2)), numpy.array([0.0, 1.0, numpy.inf])
    >>> x[1] = numpy.nan
    >>> broken_marks([x], [y])
    {1: 'holds 2 NaN', 2: 'holds 1 infinite in the label'}
    """
    found: dict[int, list[str]] = {}
    for array, where in [*[(array, "") for array in inputs], *[(array, " in the label") for array in targets]]:
        broken = broken_rows(array)
        for row in broken[0] if broken is not None else ():
            nan, infinite = int(numpy.isnan(array[row]).sum()), int(numpy.isinf(array[row]).sum())
            parts = [f"{count} {word}" for count, word in ((nan, "NaN"), (infinite, "infinite")) if count]
            found.setdefault(row, []).append(f"{' and '.join(parts)}{where}")
    return {row: HOLDS + ", ".join(words) for row, words in sorted(found.items())}
