"""Samples that hold NaN or infinity themselves: nothing that is computed of them tells anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from viz.doctor.facts.broken_rows import broken_rows

__all__ = ["HOLDS", "broken_marks"]

HOLDS = "holds "
"""What the mark of such a sample begins with."""


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
