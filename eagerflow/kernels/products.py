"""Matrix products that give the same bits on any number of threads.

BLAS splits a product among its threads, and rounds differently for another number of them. Here BLAS runs on one
thread; a large product is cut into a few parts by its shape alone, and our pool shares them.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.kernels.threads import each, one_blas_thread

__all__ = ["large", "product", "products"]

_ALONE = 1 << 18  # multiply-adds: OpenBLAS itself takes no more than one thread up to here
_VECTORS = 1 << 13  # the same for products with a vector
_PARTS = (
    (1 << 24, 1),
    (1 << 27, 2),
    (1 << 31, 4),
    (1 << 34, 8),
)  # each part packs its operands anew: 1 to 5 %
_MOST = 16
_TILE = 16  # rows and columns of a part are multiples of it, as BLAS' kernels have it
_BAND = 1 << 24  # multiply-adds of the matrices that one thread takes at a time
_PER_MICROSECOND = 5e4  # multiply-adds of one thread, roughly


def large(a: Any, b: Any) -> bool:
    """Whether BLAS might share `a @ b` among its threads: then `product` or `products` should do it."""
    if a.__class__ is not numpy.ndarray or b.__class__ is not numpy.ndarray or a.ndim < 2 or b.ndim < 2:
        return False
    columns = b.shape[-1]
    inner_work = a.shape[-2] * a.shape[-1] * columns
    return inner_work > _ALONE or (inner_work > _VECTORS and (a.shape[-2] == 1 or columns == 1))


def product(a: Any, b: Any, out: Any = None) -> Any:
    """`a @ b` of two matrices of NumPy, of any strides."""
    rows, inner = a.shape
    columns = b.shape[1]
    work = rows * inner * columns
    if work <= _VECTORS or (work <= _ALONE and rows > 1 and columns > 1):
        return numpy.dot(a, b, out=out)
    parts = next((count for limit, count in _PARTS if work < limit), _MOST)
    if parts == 1 or a.dtype != b.dtype:
        with one_blas_thread:
            return numpy.dot(a, b, out=out)
    if out is None:
        out = numpy.empty((rows, columns), a.dtype)
    longest = max(rows, columns)
    if inner > 4 * longest:
        return _by_inner(a, b, out, _slices(inner, parts), work)
    bands = _slices(longest, parts)
    if rows >= columns:

        def run(i: int) -> None:  # `dot` would copy rows of a transposed matrix, `matmul` doesn't
            numpy.matmul(a[bands[i]], b, out=out[bands[i]])
    else:

        def run(i: int) -> None:
            numpy.matmul(a, b[:, bands[i]], out=out[:, bands[i]])

    each(run, len(bands), work / _PER_MICROSECOND)
    return out


def _slices(length: int, parts: int) -> list[slice]:
    step = -(-length // parts)
    step += -step % _TILE
    return [slice(i, i + step) for i in range(0, length, step)]


def _by_inner(a: Any, b: Any, out: Any, parts: list[slice], work: int) -> Any:
    """The sum of products of parts, in their order: for weights' gradients, which sum over many positions."""
    found = [out, *[numpy.empty_like(out) for _ in parts[1:]]]
    each(lambda i: numpy.dot(a[:, parts[i]], b[parts[i]], out=found[i]), len(parts), work / _PER_MICROSECOND)
    for part in found[1:]:
        out += part
    return out


def products(a: Any, b: Any) -> Any:
    """`a @ b` of two stacks of matrices of NumPy, broadcast."""
    if a.shape[:-2] != b.shape[:-2] or a.dtype != b.dtype:
        with one_blas_thread:
            return a @ b
    out = numpy.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    left, right, into = _stack(a), _stack(b), out.reshape(-1, *out.shape[-2:])
    work = max(1, left[0].size * b.shape[-1]) if len(left) else 1
    step = max(1, _BAND // work)

    def run(i: int) -> None:
        some = slice(i * step, (i + 1) * step)
        numpy.matmul(left[some], right[some], out=into[some])

    each(run, -(-len(left) // step), len(left) * work / _PER_MICROSECOND)
    return out


def _stack(x: Any) -> Any:
    """Matrices along one axis. Where that takes a copy, transposed ones stay so: that is copied in longer runs."""
    if x.strides[-2] == x.itemsize < x.strides[-1]:
        return x.swapaxes(-1, -2).reshape(-1, x.shape[-1], x.shape[-2]).swapaxes(-1, -2)
    return x.reshape(-1, *x.shape[-2:])
