"""Normalization on a GPU: of batches by sums over rows, of layers with a warp of threads for each row."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from eagerflow.core.device import load_cupy
from eagerflow.kernels.gpu.source import TYPES, compiled
from eagerflow.kernels.gpu.sums import column_sums, columns_of

__all__ = ["batch_gradient", "layer_gradient", "layer_norm", "normalize_batch"]

_WARPS = 4  # rows that a block works on


@cache
def _kernels() -> dict[str, Any]:
    made = load_cupy().ElementwiseKernel
    return {
        # 1 / √positive is NaN for infinity: of squares too large for the type, 0 would look like a result.
        "factor": made(
            "T squares, T count, T epsilon, T scale",
            "T variance, T inverse, T factor",
            """variance = squares / count;
            const T positive = variance + epsilon;
            inverse = sqrt(positive) / positive;
            factor = inverse * scale""",
            "eagerflow_batch_factor",
        ),
        "normalize": made(
            "T x, T mean, T factor, T offset", "T out", "out = (x - mean) * factor + offset", "eagerflow_normalize"
        ),
        "weights": made(
            "T d_offset, T by_distance, T inverse, T scale, T g_mean, T g_variance, T count",
            "T d_scale, T factor, T of_distance, T of_one",
            """d_scale = by_distance * inverse;
            factor = inverse * scale;
            of_distance = ((T)2 * g_variance - d_scale * inverse * factor) / count;
            of_one = (g_mean - d_offset * factor) / count""",
            "eagerflow_batch_weights",
        ),
        "gradient": made(
            "T g, T x, T mean, T factor, T of_distance, T of_one",
            "T d_x",
            "d_x = g * factor + (x - mean) * of_distance + of_one",
            "eagerflow_batch_gradient",
        ),
    }


def normalize_batch(x: Any, scale: Any, offset: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """What the op `normalize_batch` gives and saves; None where its own way is to be taken."""
    columns = columns_of(x, axes)
    if not columns or any(each is not None and each.dtype != x.dtype for each in (scale, offset)):
        return None
    kernels, one, rows = _kernels(), x.dtype.type(1), x.reshape(-1, columns)
    count = x.dtype.type(len(rows))
    mean = column_sums("x", rows)[0] / count
    squares = column_sums("squares", rows, mean=mean)[0]
    variance, inverse, factor = kernels["factor"](
        squares, count, x.dtype.type(epsilon), one if scale is None else scale.reshape(-1)
    )
    out = kernels["normalize"](rows, mean, factor, 0 * one if offset is None else offset.reshape(-1))
    kept = (*(1,) * len(axes), *x.shape[len(axes) :])
    return (out.reshape(x.shape), mean, variance), mean.reshape(kept), inverse.reshape(kept)


def batch_gradient(g: Any, needs: Any, x: Any, scale: Any, axes: tuple[int, ...], mean: Any, inverse: Any) -> Any:
    """What the op's rule gives; None where the rule is to be asked."""
    g_out, g_mean, g_variance = g
    columns = columns_of(x, axes)
    given = [each for each in (*g, scale, mean, inverse) if each is not None]
    if not columns or any(each.dtype != x.dtype for each in given):
        return None
    kernels, rows = _kernels(), x.reshape(-1, columns)
    g_rows, mean = load_cupy().ascontiguousarray(g_out).reshape(-1, columns), mean.reshape(-1)
    d_offset, by_distance = column_sums("gradient", rows, g_rows, mean)
    d_scale, factor, of_distance, of_one = kernels["weights"](
        d_offset,
        by_distance,
        inverse.reshape(-1),
        x.dtype.type(1) if scale is None else scale.reshape(-1),
        g_mean.reshape(-1),
        g_variance.reshape(-1),
        x.dtype.type(len(rows)),
    )
    d_x = None
    if needs[0]:
        d_x = kernels["gradient"](g_rows, rows, mean, factor, of_distance, of_one).reshape(x.shape)
    return d_x, d_scale.reshape(scale.shape) if needs[1] else None, d_offset if needs[2] else None


_SOURCE = r"""
__device__ inline T over_warp(T value) {
    for (int step = 16; step; step /= 2) value += __shfl_xor_sync(0xffffffff, value, step);
    return value;
}

extern "C" __global__ void layer_norm(const T* x, const T* gamma, const T* beta, const T epsilon, T* out, T* means,
                                      T* inverses, const long long rows) {
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    if (row >= rows) return;
    const T* mine = x + row * COLUMNS;
    T total = 0;
    for (int i = lane; i < COLUMNS; i += 32) total += mine[i];
    const T mean = over_warp(total) / COLUMNS;
    total = 0;
    for (int i = lane; i < COLUMNS; i += 32) total += (mine[i] - mean) * (mine[i] - mean);
    const T positive = over_warp(total) / COLUMNS + epsilon, inverse = sqrt(positive) / positive;
    for (int i = lane; i < COLUMNS; i += 32) {
        T value = (mine[i] - mean) * inverse;
        if (gamma) value *= gamma[i];
        if (beta) value += beta[i];
        out[row * COLUMNS + i] = value;
    }
    if (!lane) {
        means[row] = mean;
        inverses[row] = inverse;
    }
}

extern "C" __global__ void layer_gradient(const T* g, const T* x, const T* gamma, const T* means, const T* inverses,
                                          T* d_x, T* d_gamma, const long long rows) {
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    if (row >= rows) return;
    const T mean = means[row], inverse = inverses[row];
    T total = 0, slope = 0;
    for (int i = lane; i < COLUMNS; i += 32) {
        const T normal = (x[row * COLUMNS + i] - mean) * inverse;
        const T arriving = g[row * COLUMNS + i], value = gamma ? arriving * gamma[i] : arriving;
        total += value;
        slope += value * normal;
        if (d_gamma) d_gamma[row * COLUMNS + i] = arriving * normal;
    }
    if (!d_x) return;
    total = over_warp(total) / COLUMNS;
    slope = over_warp(slope) / COLUMNS;
    for (int i = lane; i < COLUMNS; i += 32) {
        const T normal = (x[row * COLUMNS + i] - mean) * inverse;
        const T arriving = g[row * COLUMNS + i], value = gamma ? arriving * gamma[i] : arriving;
        d_x[row * COLUMNS + i] = (value - total - normal * slope) * inverse;
    }
}
"""


def _rows(x: Any, axes: tuple[int, ...], *others: Any) -> int:
    """How many rows there are to normalize; 0 where the kernels don't take them."""
    columns = x.shape[-1] if x.ndim else 0
    if axes not in ((-1,), (x.ndim - 1,)) or x.dtype.char not in TYPES or not x.size or not x.flags.c_contiguous:
        return 0
    for each in others:
        if each is not None and (each.dtype != x.dtype or each.size != columns or not each.flags.c_contiguous):
            return 0
    return math.prod(x.shape[:-1])


def _launch(name: str, x: Any, rows: int, *arguments: Any) -> None:
    settled = ("T", TYPES[x.dtype.char][0]), ("COLUMNS", x.shape[-1]), ("WARPS", _WARPS)
    given = [0 if each is None else each for each in arguments]
    compiled(_SOURCE, name, *settled)((-(-rows // _WARPS),), (32 * _WARPS,), (*given, rows))


def layer_norm(x: Any, gamma: Any, beta: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """What the op `layer_norm` gives and saves; None where its own way is to be taken."""
    rows = _rows(x, axes, gamma, beta)
    if not rows:
        return None
    cupy = load_cupy()
    out, mean, inverse = cupy.empty_like(x), *[cupy.empty((*x.shape[:-1], 1), x.dtype) for _ in range(2)]
    _launch("layer_norm", x, rows, x, gamma, beta, x.dtype.type(epsilon), out, mean, inverse)
    return out, mean, inverse


def layer_gradient(g: Any, needs: Any, x: Any, gamma: Any, axes: tuple[int, ...], mean: Any, inverse: Any) -> Any:
    """What the op's rule gives; None where the rule is to be asked."""
    rows = _rows(x, axes, gamma)
    if not rows or g.dtype != x.dtype or g.shape != x.shape:
        return None
    cupy = load_cupy()
    d_x, d_gamma = [cupy.empty_like(x) if needed else None for needed in needs[:2]]
    if d_x is not None or d_gamma is not None:
        _launch("layer_gradient", x, rows, cupy.ascontiguousarray(g), x, gamma, mean, inverse, d_x, d_gamma)
    return d_x, d_gamma, g
