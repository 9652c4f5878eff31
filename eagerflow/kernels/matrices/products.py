"""Matrix products that give the same bits on any number of threads.

BLAS splits a product among its threads, and rounds differently for another number of them. Here BLAS runs on one
thread; a large product is cut into a few parts by its shape alone, and our pool shares them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.core.dtypes import common_dtype, is_half
from eagerflow.kernels.machine.costs import Products, Threads
from eagerflow.kernels.machine.parts import shares
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each, one_blas_thread

__all__ = ["has_half", "large", "matrix_product", "pair", "product", "products", "small"]

Finish = Callable[[Any], None]


def large(a: ndarray, b: ndarray) -> bool:
    """Whether BLAS might share `a @ b` among its threads: then `product` or `products` should do it."""
    if a.__class__ is not numpy.ndarray or b.__class__ is not numpy.ndarray or a.ndim < 2 or b.ndim < 2:
        return False
    columns = b.shape[-1]
    inner_work = a.shape[-2] * a.shape[-1] * columns
    return inner_work > Products.ALONE or (inner_work > Products.VECTORS and (a.shape[-2] == 1 or columns == 1))


def has_half(a: ndarray, b: ndarray) -> bool:
    """Whether one of them is of float16 or bfloat16, for which NumPy has slow loops or none that fits."""
    if a.dtype.itemsize != 2 and b.dtype.itemsize != 2:
        return False
    return (is_half(a.dtype) or is_half(b.dtype)) and a.__class__ is numpy.ndarray is b.__class__


def matrix_product(a: ndarray, b: ndarray) -> Any:
    """`a @ b` of NumPy's arrays: halves through float32, large ones in parts, a stack of matrices as one of rows."""
    if has_half(a, b):
        common = common_dtype(a.dtype, b.dtype)
        wide = numpy.dtype(numpy.float32) if is_half(common) else common
        return matrix_product(a.astype(wide), b.astype(wide)).astype(common, copy=False)
    if b.ndim == 2 and a.ndim > 2 and a.size:
        return matrix_product(a.reshape((-1, a.shape[-1])), b).reshape((*a.shape[:-1], b.shape[-1]))
    if large(a, b):
        return product(a, b) if a.ndim == b.ndim == 2 else products(a, b)
    return a.dot(b) if a.ndim == b.ndim == 2 else a @ b  # the same product, cheaper to call


def small(rows: int, inner: int, columns: int) -> bool:
    """Whether BLAS takes one thread by itself for matrices of these lengths, whichever of them is multiplied."""
    work = rows * inner * columns
    return work <= Products.VECTORS or (work <= Products.ALONE and rows > 1 and inner > 1 and columns > 1)


def product(a: ndarray, b: ndarray, out: ndarray | None = None, finish: Finish | None = None) -> Any:
    """`a @ b` of two matrices of NumPy, of any strides.

    Args:
        a: (rows, inner).
        b: (inner, columns).
        out: where to put it.
        finish: called with some rows of the outputs while they are in the cache, or with all of them.
    """
    work = a.size * b.shape[1]
    if finish is None and (work <= Products.VECTORS or (work <= Products.ALONE and len(a) > 1 and b.shape[1] > 1)):
        return numpy.dot(a, b, out=out)
    if finish is None and (work < Products.PARTS[0][0] or a.dtype != b.dtype):
        with one_blas_thread:
            return numpy.dot(a, b, out=out)
    return _carried_out(_planned(a, b, out, finish))[0]


def pair(a: ndarray, b: ndarray, c: ndarray, d: ndarray) -> tuple[Any, Any]:
    """`a @ b` and `c @ d`, at once."""
    first, second = _carried_out(_planned(a, b), _planned(c, d))
    return first, second


class _Plan(NamedTuple):
    """A product, cut by its shape into pieces."""

    out: ndarray
    pieces: Sequence[Callable[[], object]]
    work: int
    end: Callable[[], None] | None = None


def _carried_out(*plans: _Plan) -> list[Any]:
    pieces = [piece for plan in plans for piece in plan.pieces]
    each(lambda i: pieces[i](), len(pieces), sum([plan.work for plan in plans]) / speeds().products)
    for plan in plans:
        if plan.end is not None:
            plan.end()
    return [plan.out for plan in plans]


def _planned(a: ndarray, b: ndarray, out: ndarray | None = None, finish: Finish | None = None) -> _Plan:
    rows, inner = a.shape
    columns = b.shape[1]
    work = rows * inner * columns
    if out is None:
        out = numpy.empty((rows, columns), numpy.result_type(a, b))
    parts = next((count for limit, count in Products.PARTS if work < limit), Products.MOST_PARTS)
    ahead = Threads.HEAD_START * speeds().products / max(1, work)  # share of the work
    longest = max(rows, columns)
    if parts > 1 and inner > 4 * longest and a.dtype == b.dtype:
        return _by_inner(a, b, out, shares(inner, parts, ahead * inner, Products.TILE), finish)
    bands = shares(longest, parts, ahead * longest, Products.TILE)
    by_rows = rows >= columns

    def band(cut: slice) -> None:  # `dot` would copy rows of a transposed matrix, `matmul` doesn't
        left, right, part = (a[cut], b, out[cut]) if by_rows else (a, b[:, cut], out[:, cut])
        numpy.matmul(left, right, out=part)
        if by_rows and finish is not None:
            finish(part)

    def end() -> None:  # of parts of columns each row would be a run of its own
        if finish is not None:
            finish(out)

    return _Plan(out, [partial(band, cut) for cut in bands], work, None if by_rows else end)


def _by_inner(a: ndarray, b: ndarray, out: ndarray, parts: list[slice], finish: Finish | None) -> _Plan:
    """The sum of products of parts, in their order: for weights' gradients, which sum over many positions."""
    found = [out, *[numpy.empty_like(out) for _ in parts[1:]]]

    def add_up() -> None:
        for part in found[1:]:
            numpy.add(out, part, out=out)
        if finish is not None:
            finish(out)

    pieces = [partial(numpy.dot, a[:, part], b[part], out=into) for part, into in zip(parts, found)]
    return _Plan(out, pieces, a.size * b.shape[1], add_up)


def products(a: ndarray, b: ndarray) -> Any:
    """`a @ b` of two stacks of matrices of NumPy, broadcast."""
    if a.shape[:-2] != b.shape[:-2] or a.dtype != b.dtype:
        with one_blas_thread:
            return a @ b
    out = numpy.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    if not (out.size and a.shape[-1]):
        out[...] = 0
        return out
    left, right, into = a, b, out
    if len(a) < Products.MANY or not (_is_for_blas(a) and _is_for_blas(b)):
        left, right, into = _stack(a), _stack(b), out.reshape(-1, *out.shape[-2:])
    work = left.size * b.shape[-1]
    step = max(1, Products.BAND * len(left) // work)

    def run(i: int) -> None:
        some = slice(i * step, (i + 1) * step)
        numpy.matmul(left[some], right[some], out=into[some])

    each(run, -(-len(left) // step), work / speeds().products)
    return out


def _is_for_blas(x: ndarray) -> bool:
    """Whether `matmul` gives these matrices to BLAS as they lie: rows or columns in one piece, one after another."""
    (rows, columns), (down, along) = x.shape[-2:], x.strides[-2:]
    by_rows = along == x.itemsize and down >= columns * x.itemsize
    return bool(by_rows or (down == x.itemsize and along >= rows * x.itemsize))


def _stack(x: ndarray) -> Any:
    """Matrices along one axis. Where that takes a copy, transposed ones stay so: that is copied in longer runs."""
    if x.strides[-2] == x.itemsize < x.strides[-1]:
        return x.swapaxes(-1, -2).reshape(-1, x.shape[-1], x.shape[-2]).swapaxes(-1, -2)
    return x.reshape(-1, *x.shape[-2:])
