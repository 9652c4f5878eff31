"""What stands in for cuBLAS' `cublasGemmEx` and `cublasGemmStridedBatchedEx`, where eagerflow calls them by addresses.

As the documentation of cuBLAS has it: matrices lie column by column, `ld` is the distance of columns in numbers, a
turned matrix is the transposed one of what lies there, and halves are added up in float32. Graphs record it.
"""

from __future__ import annotations

import numpy

from tests.stand_in.array import ndarray, wrap
from tests.stand_in.graphs import launched
from tests.stand_in.kernels import memory

__all__ = ["gemm"]


def gemm(kind, device, stream, turned, sizes, *matrices):
    """In place of `eagerflow.kernels.gpu.blas.gemm`."""
    *places, count = matrices
    assert device == 0
    assert count >= 1
    rows, columns, length = sizes
    stored = [(length, rows) if turned[0] else (rows, length), (columns, length) if turned[1] else (length, columns)]
    stored.append((rows, columns))
    arrays, settled = [], []
    for (address, distance, step), (high, wide) in zip(places, stored):
        if not all(isinstance(n, int) for n in (address, distance, step)) or min(high, wide, length) < 1:
            raise TypeError("addresses, distances and lengths are numbers")
        if distance < high or step < 0:
            raise RuntimeError(f"cuBLAS answered with status 7: {distance} between columns of {high} numbers")
        owner, whole = memory.lying_at(address)
        if owner.dtype.char != kind:
            raise AssertionError(f"cuBLAS is told of {kind}, and there lies {owner.dtype}")
        if (count - 1) * step + (wide - 1) * distance + high > len(whole) // owner.itemsize:
            raise AssertionError(f"cuBLAS reads behind an array of shape {owner.shape}")
        arrays.append(wrap(whole[: len(whole) // owner.itemsize * owner.itemsize].view(kind), owner))
        settled.append((high, wide, distance, step))
    if count > 1 and settled[2][3] < (columns - 1) * settled[2][2] + rows:
        raise RuntimeError("cuBLAS writes matrices over each other")
    _run(arrays, settled, turned, count)
    return True


def _multiply(arrays, settled, turned, count):
    assert all(isinstance(array, ndarray) for array in arrays)
    a, b, out = [_stack(array._numbers, count, *laid) for array, laid in zip(arrays, settled)]
    wide = "d" if a.dtype.char == "d" else "f"
    a, b = [x.swapaxes(1, 2) if turn else x for x, turn in zip((a, b), turned)]
    with numpy.errstate(all="ignore"):
        out[...] = a.astype(wide) @ b.astype(wide)


def _stack(numbers, count, high, wide, distance, step):
    """Matrices that lie column by column, as an array (count, high, wide)."""
    strides = [n * numbers.itemsize for n in (step, 1, distance)]
    return numpy.lib.stride_tricks.as_strided(numbers, (count, high, wide), strides)


_run = launched(_multiply, gives=False)
