"""Sums over all axes but the last ones, for a bias' gradient or a batch's moments: CuPy takes many times as long.

Each block adds up some rows of some columns, and a second launch adds up the blocks, always in the same order: so a sum
has the same bits each time. Many short sums are more exact than one long one.
"""

from __future__ import annotations

import math
from typing import Any

from eagerflow.core.device import load_cupy
from eagerflow.kernels.gpu.source import TYPES, compiled

__all__ = ["column_sums", "columns_of", "leading_sum"]

_THREADS = 256
_BLOCKS = 132 * 4  # that a GPU runs at once, roughly
_LEAST = 128  # rows; CuPy adds up fewer as fast

# What is added up: of `x` itself, of its squared distances from a mean, of a gradient and its product with distances.
_OF = {
    "x": (1, "s0 += x[at];"),
    "squares": (1, "const T d = x[at] - mean[column]; s0 += d * d;"),
    "gradient": (2, "const T v = g[at]; s0 += v; s1 += v * (x[at] - mean[column]);"),
}

_SOURCE = r"""
extern "C" __global__ void sums(const T* x, const T* g, const T* mean, T* out, const long long rows, const int columns,
                                const int width) {
    // `width` columns of a block lie side by side, and its threads take as many rows at once as fit.
    __shared__ T shared[OUTPUTS][THREADS];
    const int lanes = blockDim.x / width, lane = threadIdx.x / width;
    const int column = blockIdx.x * width + threadIdx.x % width;
    T s0 = 0, s1 = 0;
    if (lane < lanes && column < columns)
        for (long long row = (long long)blockIdx.y * lanes + lane; row < rows; row += (long long)gridDim.y * lanes) {
            const long long at = row * columns + column;
            VALUE
        }
    shared[0][threadIdx.x] = s0;
    if (OUTPUTS > 1) shared[OUTPUTS - 1][threadIdx.x] = s1;
    __syncthreads();
    if (lane || column >= columns) return;
    for (int k = 0; k < OUTPUTS; ++k) {
        T total = shared[k][threadIdx.x];
        for (int i = 1; i < lanes; ++i) total += shared[k][i * width + threadIdx.x];
        out[((long long)k * gridDim.y + blockIdx.y) * columns + column] = total;
    }
}
"""


def column_sums(of: str, x: Any, g: Any = None, mean: Any = None) -> Any:
    """Sums over the rows of matrices that lie in order, (outputs, columns).

    Args:
        of: what is added up: `"x"`, `"squares"` of the distances from `mean`, or a `"gradient"` and its products with
            these distances.
        x: (rows, columns), of float32 or float64.
        g: the same, for a gradient.
        mean: a number for each column.
    """
    outputs, value = _OF[of]
    (rows, columns), cupy = x.shape, load_cupy()
    width = columns if columns <= _THREADS else _THREADS // 2
    lanes, across = _THREADS // width, -(-columns // width)
    parts = max(1, min(-(-rows // (lanes * 8)), _BLOCKS // across))
    found = cupy.empty((outputs, parts, columns), x.dtype)
    kernel = _kernel(x.dtype.char, outputs, value)
    arrays = [0 if each is None else each for each in (x, g, mean)]
    kernel((across, parts), (_THREADS,), (*arrays, found, rows, columns, width))
    if parts == 1:
        return found[:, 0]
    total = cupy.empty((outputs, columns), x.dtype)
    again = _kernel(x.dtype.char, 1, _OF["x"][1])
    for i in range(outputs):
        again((across, 1), (_THREADS,), (found[i], 0, 0, total[i], parts, columns, width))
    return total


def _kernel(kind: str, outputs: int, value: str) -> Any:
    settled = ("T", TYPES[kind][0]), ("OUTPUTS", outputs), ("THREADS", _THREADS), ("VALUE", value)
    return compiled(_SOURCE, "sums", *settled)


def columns_of(x: Any, axes: tuple[int, ...]) -> int:
    """How many columns are left by a sum over the first axes; 0 for other axes, and arrays that aren't taken here."""
    if x.dtype.char not in TYPES or not x.size or not x.flags.c_contiguous or len(axes) >= x.ndim:
        return 0
    return math.prod(x.shape[len(axes) :]) if axes == tuple(range(len(axes))) else 0


def leading_sum(x: Any, axis: Any, keepdims: bool) -> Any:
    """`x.sum(axis, keepdims=keepdims)` of CuPy's array, where it is over some first axes; else None."""
    given = axis if isinstance(axis, tuple) else (axis,)
    if axis is None or not all([isinstance(a, int) for a in given]):
        return None
    axes = tuple(sorted([a % x.ndim for a in given])) if x.ndim else ()
    columns = columns_of(x, axes)
    if not columns or x.size // columns < _LEAST:
        return None
    found = column_sums("x", x.reshape(-1, columns))
    return found.reshape((*(1,) * len(axes), *x.shape[len(axes) :]) if keepdims else x.shape[len(axes) :])
