"""The numbers of a tensor, as many as a screen has room for."""

from __future__ import annotations

import math
from typing import Any

import numpy

__all__ = ["shown_numbers"]

_WHOLE = 100  # numbers that are all shown
_LINES = 24  # in so many lines at most
_ROOM = 96  # signs in a line, so that the first and the last three numbers of a row stand in one


def shown_numbers(array: numpy.ndarray, before: str) -> str:
    """The numbers of an array; of a large one the first and the last of each axis.

    NumPy shows three of each: of three axes that makes 50 lines, and of a batch of pictures 200.

    Args:
        array: the array.
        before: what stands before it in its first line.

    >>> print(shown_numbers(numpy.zeros((9, 9, 9)), "f("))
    [[[0., ..., 0.],
        ...,
        [0., ..., 0.]],
    <BLANKLINE>
       ...,
    <BLANKLINE>
       [[0., ..., 0.],
        ...,
        [0., ..., 0.]]]
    """
    options: dict[str, Any] = {"separator": ", ", "prefix": before, "threshold": _WHOLE}
    lines = math.prod(array.shape[:-1])
    if array.size > _WHOLE or lines > _LINES:
        options |= {"threshold": 0, "max_line_width": max(_ROOM, numpy.get_printoptions()["linewidth"])}
        options |= {"edgeitems": 1} if array.ndim > 2 else {}
    return numpy.array2string(array, **options)
