"""Products of matrices in pieces small enough for BLAS to work on them where they lie.

OpenBLAS has kernels for small products on processors with AVX-512: up to a million multiply-adds it doesn't copy
its operands first, and is a fifth faster. Larger products are given to it as stacks of small ones. With another
BLAS, or another processor, they are given to it whole.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.blas import blas_core
from eagerflow.kernels.machine.costs import Products, Tiles
from eagerflow.kernels.machine.threads import KEPT

__all__ = ["has_small_products", "tiled"]

_CORES = ("SkylakeX", "Cooperlake", "Sapphirerapids", "Graniterapids", "Zen5")


@functools.cache
def has_small_products() -> bool:
    """Whether small products are the faster ones here."""
    return blas_core() in _CORES


def tiled(a: ndarray, b: ndarray, out: ndarray) -> Any:
    """`a @ b` of two matrices into `out`, any of them of any strides; on one thread's BLAS, see `each`."""
    (rows, inner), columns = a.shape, b.shape[1]
    work = rows * inner * columns
    if out.size <= KEPT and out.flags.c_contiguous and a.dtype == b.dtype == out.dtype:
        return numpy.dot(a, b, out=out)  # `matmul` would keep the interpreter's lock
    if work <= Products.SMALL or not has_small_products():
        return numpy.matmul(a, b, out=out)
    piece = Products.SMALL // (rows * columns)
    piece -= piece % 16
    if min(rows, columns) >= Tiles.LEAST_SIDE and piece >= Tiles.LEAST_PIECE and inner >= 2 * piece:
        return _summed(a, b, out, piece)
    width = _width(columns)
    height = min(Tiles.ROWS, Products.SMALL // (inner * width))
    height -= height % 16 if height > 16 else height % 8
    if width > 2 * Tiles.COLUMNS or height < Tiles.LEAST_ROWS or rows < height:
        return numpy.matmul(a, b, out=out)
    whole = rows - rows % height
    _stacked(a[:whole], b, out[:whole], height, width)
    if whole < rows:
        numpy.matmul(a[whole:], b, out=out[whole:])
    return out


def _width(columns: int) -> int:
    """Columns of a tile: few enough, in whole vectors, and a divisor of them all; else all of them."""
    if columns <= Tiles.COLUMNS:
        return columns
    return next((n for n in range(Tiles.COLUMNS, 16, -16) if columns % n == 0), columns)


def _summed(a: ndarray, b: ndarray, out: ndarray, piece: int) -> Any:
    """A small result of long rows and columns: the sum of products of their pieces."""
    (rows, inner), columns = a.shape, b.shape[1]
    count = inner // piece
    whole = count * piece
    parts = numpy.empty((count, rows, columns), out.dtype)
    left = a[:, :whole].reshape(rows, count, piece).transpose(1, 0, 2)
    numpy.matmul(left, b[:whole].reshape(count, piece, columns), out=parts)
    numpy.add.reduce(parts, axis=0, out=out)
    if whole < inner:
        numpy.add(out, numpy.matmul(a[:, whole:], b[whole:]), out=out)
    return out


def _stacked(a: ndarray, b: ndarray, out: ndarray, height: int, width: int) -> None:
    (rows, inner), columns = a.shape, b.shape[1]
    count, across = rows // height, columns // width
    left = a.reshape(count, 1, height, inner)  # splitting an axis makes views, whatever the strides
    right = b.reshape(inner, across, width).transpose(1, 0, 2)
    places = out.reshape(count, height, across, width).transpose(0, 2, 1, 3)
    numpy.matmul(left, numpy.ascontiguousarray(right), out=places)
