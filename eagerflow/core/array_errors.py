"""Errors and warnings of arrays: NumPy's kinds, for functions that serve all devices; CuPy warns of nothing."""

from __future__ import annotations

import itertools
import numbers
from typing import Any

import numpy
from numpy import errstate
from numpy.exceptions import AxisError

__all__ = ["AxisError", "errstate", "first_odd_one"]

_MOST = 1_000_000  # cells that are looked at


def first_odd_one(value: Any, array: numpy.ndarray) -> str:
    """Where the first cell is that holds no number, for a message: `": '?' at [3, 2]"`, or nothing.

    Args:
        value: what was given, perhaps a table with names of columns.
        array: the same as an array of objects or text.

    >>> from eagerflow.core.array_errors import first_odd_one
    >>> x = np.array([[1, 2], [3, "?"]], object)
    >>> first_odd_one(x, x)
    ": '?' at [1, 1]"
    """
    for place, cell in itertools.islice(numpy.ndenumerate(array), _MOST):
        if isinstance(cell, (numbers.Number, numpy.number, numpy.bool_)):
            continue
        if not isinstance(cell, (str, bytes)) and cell is not None and hasattr(cell, "__len__"):
            return ""  # lists within an array: it isn't the cell that is at fault
        columns = getattr(value, "columns", None)
        if columns is not None and len(place) == 2:
            return f": {_shown(cell)} in column {_shown(columns[place[1]])}, row {place[0]}"
        return f": {_shown(cell)} at {list(place)}" if place else ""
    return ""


def _shown(cell: Any) -> str:
    return repr(cell.item() if isinstance(cell, numpy.generic) else cell)[:40]
