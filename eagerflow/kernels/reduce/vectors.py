"""Sums, and products with vectors: few results from many numbers, while other threads get on.

NumPy's `matmul` and `vecdot` keep the interpreter's lock while they work on up to 500 results, however many numbers
those are made of: meanwhile no other thread enters NumPy. `dot` gives the lock up.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.blocks import ones
from eagerflow.kernels.machine.costs import Sums
from eagerflow.kernels.machine.threads import KEPT

__all__ = ["column_products", "column_sums", "row_products", "row_sums"]


def column_sums(a: ndarray) -> Any:
    """(rows, columns) -> (columns,)."""
    return numpy.dot(ones(len(a), a.dtype), a)


def column_products(a: ndarray, b: ndarray) -> Any:
    """The sum of a * b in each column of contiguous matrices: (rows, columns) twice -> (columns,).

    The arrays are read once, and nothing is written but the sums. Several rows are seen as a longer one.
    """
    rows, columns = a.shape
    fold = max(1, Sums.PRODUCTS // max(1, columns))
    whole = rows - rows % fold
    if fold == 1 or not whole:
        return numpy.einsum("ij,ij->j", a, b)
    shape = (whole // fold, fold * columns)
    found = numpy.einsum("ij,ij->j", a[:whole].reshape(shape), b[:whole].reshape(shape))
    found = numpy.add.reduce(found.reshape(fold, columns), axis=0)
    if whole < rows:
        found += numpy.einsum("ij,ij->j", a[whole:], b[whole:])
    return found


def row_sums(a: ndarray) -> Any:
    """(rows, columns) -> (rows,)."""
    return numpy.dot(a, ones(a.shape[1], a.dtype))


def row_products(a: ndarray, b: ndarray) -> Any:
    """The sum of a * b in each row: (rows, columns) twice -> (rows,). Few rows are cut into more, of fewer numbers."""
    rows, columns = a.shape
    pieces = 1
    while rows and rows * pieces <= KEPT and columns % (2 * pieces) == 0:
        pieces *= 2
    if pieces == 1 or not (a.flags.c_contiguous and b.flags.c_contiguous):
        return numpy.vecdot(a, b)
    shape = (rows * pieces, columns // pieces)
    return numpy.vecdot(a.reshape(shape), b.reshape(shape)).reshape(rows, pieces).sum(axis=1)
