"""Sums over many channels in pieces, so that rounding doesn't grow with their number.

A product of matrices adds one number after another to each sum, and each addition rounds by the size of what has been
added up so far. Sums of a few dozen channels each, added up at the end, are as exact for 512 channels as for 64.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.costs import Products
from eagerflow.kernels.machine.scratch import scratch

__all__ = ["multiply", "multiply_rows", "pieces"]

_UNIT = 8  # channels that a piece is a multiple of, for the processor's vectors


def pieces(count: int, most: int) -> list[slice]:
    """`count` channels in as few pieces of about one size as make each of them `most` at most, a multiple of 8.

    >>> pieces(64, 48)
    [slice(0, 32, None), slice(32, 64, None)]
    """
    number = -(-count // most)
    ends = [min(count, -(-count * i // (number * _UNIT)) * _UNIT) for i in range(number + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends) if start < end]


def multiply(a: ndarray, b: ndarray, out: ndarray, parts: Sequence[slice], spare: Any, total: Any = None) -> None:
    """`a @ b` into `out`, the sum of the products of parts of the inner axis.

    Args:
        a: matrices (..., rows, inner).
        b: matrices (..., inner, columns).
        out: (..., rows, columns).
        parts: of the inner axis.
        spare: an array like `out`, where there are several parts.
        total: another, for sums of which some parts are missing; `out` by default.
    """
    total = out if total is None or len(parts) == 1 else total
    numpy.matmul(a[..., parts[0]], b[..., parts[0], :], out=total)
    for some in parts[1:]:
        found = numpy.matmul(a[..., some], b[..., some, :], out=spare)
        numpy.add(total, found, out=out if some is parts[-1] else total)


def multiply_rows(a: ndarray, b: ndarray, out: ndarray, parts: Sequence[slice]) -> None:
    """The same of two large matrices, some rows at a time: sums stay in the cache, and BLAS needn't pack."""
    (count, inner), columns = a.shape, b.shape[1]
    most = max([part.stop - part.start for part in parts])
    rows = max(Products.LEAST_ROWS, Products.SMALL // (most * columns) // _UNIT * _UNIT)
    for start in range(0, count, rows):
        target = out[start : start + rows]
        given = scratch("pieces rows", (len(target), inner), a.dtype)
        given[...] = a[start : start + rows]
        total, spare = scratch("pieces sums", (2, *target.shape), a.dtype)
        multiply(given, b, target, parts, spare, total)
