"""Sums of squares, computed in the thread that asks."""

from __future__ import annotations

from typing import Any

import numpy

__all__ = ["PIECE", "sum_of_squares"]

# Elements of float64 at once. OpenBLAS shares a product of more than 10,000 out among threads, and waits for all of
# them: where all processors are busy, 4 ms for 65,536 elements instead of 13 µs. Pieces stay in the cache besides.
PIECE = 1 << 13


def sum_of_squares(flat: Any) -> float:
    """The sum of the squares of the elements; infinite or NaN if one of them is.

    Args:
        flat: a vector of floats, NumPy's or CuPy's.

    >>> sum_of_squares(numpy.array([3.0, 4.0]))
    25.0
    """
    found = 0.0
    with numpy.errstate(over="ignore", invalid="ignore"):  # infinite and NaN are answers, too
        if flat.size <= PIECE or type(flat) is not numpy.ndarray or flat.dtype != "float64":
            return float(flat.dot(flat))
        for start in range(0, flat.size, PIECE):
            piece = flat[start : start + PIECE]
            found += float(piece.dot(piece))
    return found
