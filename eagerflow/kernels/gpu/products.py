"""Products of matrices on a GPU, by cuBLAS and without CuPy's wrapping, so that CUDA graphs record them."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.core.device import load_cupy
from eagerflow.kernels.gpu.blas import TYPES, gemm

__all__ = ["product"]

_MOST = 2**31 - 1  # what cuBLAS counts to


def product(a: Any, b: Any) -> Any:
    """`a @ b` of CuPy's arrays; None where CuPy's own product has to do it.

    Taken are matrices, stacks of equally many matrices, and a stack with one matrix, of one type of floats.
    """
    if a.dtype != b.dtype or a.dtype.char not in TYPES or a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        return None
    if not a.size or not b.size:
        return None
    if b.ndim == 2:
        if a.ndim == 2:
            return _stacks(a, b, a.shape[:-1], 1)
        return _stacks(a.reshape(-1, a.shape[-1]), b, a.shape[:-1], 1)
    if a.shape[:-2] != b.shape[:-2]:
        return None
    if a.ndim > 3:
        a, b, lead = a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]), a.shape[:-1]
        return _stacks(a, b, lead, len(a))
    return _stacks(a, b, a.shape[:-1], len(a))


def _stacks(a: Any, b: Any, lead: tuple[int, ...], count: int) -> Any:
    """The product of `count` matrices each; its shape is `lead` and the columns of `b`.

    cuBLAS' matrices lie column by column. What lies row by row is the transposed one to it, and `(a @ b).T` is
    `b.T @ a.T`: so it is given `b` first, and nothing is turned.
    """
    cupy = load_cupy()
    (m, k), n = a.shape[-2:], b.shape[-1]
    device = cupy.cuda.get_device_id()
    if not (m and n and k and count) or max(m * n, m * k, k * n) > _MOST or math.prod(lead) != m * count:
        return None
    if a.device.id != device or b.device.id != device:
        return None
    a, of_a, ld_a = _laid(cupy, a)
    b, of_b, ld_b = _laid(cupy, b)
    out = cupy.empty((*lead, n), a.dtype)
    size = a.itemsize
    by_a, by_b = (0, 0) if a.ndim == 2 else (a.strides[0] // size, b.strides[0] // size)
    matrices = (b.data.ptr, ld_b, by_b), (a.data.ptr, ld_a, by_a), (out.data.ptr, n, m * n)
    stream = cupy.cuda.get_current_stream().ptr
    done = gemm(a.dtype.char, device, stream, (of_b, of_a), (n, m, k), *matrices, count)
    return out if done else None


def _laid(cupy: Any, x: Any) -> tuple[Any, int, int]:
    """A stack of matrices as cuBLAS takes it, how each lies, and the distance of rows or columns in numbers.

    1 says that it lies column by column, 0 row by row.
    """
    (rows, columns), (by_row, by_column), size = x.shape[-2:], x.strides[-2:], x.itemsize
    if x.ndim == 2 or x.strides[0] % size == 0:
        if (by_column == size or columns == 1) and (rows == 1 or (by_row >= columns * size and not by_row % size)):
            return x, 0, by_row // size if rows > 1 else columns
        if (by_row == size or rows == 1) and (columns == 1 or (by_column >= rows * size and not by_column % size)):
            return x, 1, by_column // size if columns > 1 else rows
    return cupy.ascontiguousarray(x), 0, columns
