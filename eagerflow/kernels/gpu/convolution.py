"""Convolutions on a GPU: windows are gathered into a matrix by one launch, multiplied by cuBLAS, and added up by one.

Arrays are channels-last, with one to three spatial axes: `x` (batch, *spatial, channels), `kernel` (*sizes, channels,
filters). Sums over windows that overlap are made in one order, so results have the same bits each time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from eagerflow.core.device import load_cupy
from eagerflow.kernels.gpu.products import product
from eagerflow.kernels.gpu.source import TYPES, compiled, grid
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "input_gradient", "kernel_gradient"]

_BLOCK = 1 << 29  # bytes of gathered windows at a time

_SOURCE = r"""
extern "C" __global__ void gather(const V* x, V* windows, const long long count) {
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        INDEX r = (INDEX)i;
        const int c = r % C; r /= C;
        const int t2 = r % K2; r /= K2;
        const int t1 = r % K1; r /= K1;
        const int t0 = r % K0; r /= K0;
        const int o2 = r % O2; r /= O2;
        const int o1 = r % O1; r /= O1;
        const int o0 = r % O0;
        const INDEX n = r / O0;
        const int i0 = o0 * S0 - P0 + t0 * D0, i1 = o1 * S1 - P1 + t1 * D1, i2 = o2 * S2 - P2 + t2 * D2;
        V found = {};
        if (i0 >= 0 && i0 < L0 && i1 >= 0 && i1 < L1 && i2 >= 0 && i2 < L2)
            found = x[((((long long)n * L0 + i0) * L1 + i1) * L2 + i2) * C + c];
        windows[i] = found;
    }
}

__device__ inline int window(int place, int step, int most) {
    // Which window an element lies in, as the element at `place` behind its beginning; -1: in none.
    if (place < 0 || place % step) return -1;
    place /= step;
    return place < most ? place : -1;
}

extern "C" __global__ void scatter(const V* windows, V* x, const long long count) {
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        INDEX r = (INDEX)i;
        const int c = r % C; r /= C;
        const int i2 = r % L2; r /= L2;
        const int i1 = r % L1; r /= L1;
        const int i0 = r % L0;
        const INDEX n = r / L0;
        V total = {};
        for (int t0 = 0; t0 < K0; ++t0) {
            const int o0 = window(i0 + P0 - t0 * D0, S0, O0);
            if (o0 < 0) continue;
            for (int t1 = 0; t1 < K1; ++t1) {
                const int o1 = window(i1 + P1 - t1 * D1, S1, O1);
                if (o1 < 0) continue;
                for (int t2 = 0; t2 < K2; ++t2) {
                    const int o2 = window(i2 + P2 - t2 * D2, S2, O2);
                    if (o2 < 0) continue;
                    const long long row = (((long long)n * O0 + o0) * O1 + o1) * O2 + o2;
                    const V found = windows[(((row * K0 + t0) * K1 + t1) * K2 + t2) * C + c];
                    const T* from = (const T*)&found;
                    T* to = (T*)&total;
                    for (int k = 0; k < WIDTH; ++k) to[k] += from[k];
                }
            }
        }
        x[i] = total;
    }
}
"""


def _settled(geometry: Geometry, channels: int, kind: str, count: int, at: int = 0) -> tuple[tuple[str, Any], ...]:
    """What the source leaves open; `at` is where the images lie, which a vector of 16 bytes can't do anywhere."""
    number, vector, width = TYPES[kind]
    if channels % width or at % 16:
        vector, width = number, 1
    index = "unsigned int" if count < 2**31 else "unsigned long long"
    found: list[tuple[str, Any]] = [("T", number), ("V", vector), ("WIDTH", width), ("INDEX", index)]
    found.append(("C", channels // width))
    more = 3 - len(geometry.sizes)
    for letter, lengths, usual in (
        ("K", geometry.sizes, 1),
        ("S", geometry.strides, 1),
        ("D", geometry.dilation, 1),
        ("P", geometry.before, 0),
        ("L", geometry.lengths, 1),
        ("O", geometry.outputs, 1),
    ):
        found += [(f"{letter}{i}", n) for i, n in enumerate((*[usual] * more, *lengths))]
    return tuple(found)


def _is_pointwise(geometry: Geometry) -> bool:
    return geometry.taps == 1 and set(geometry.strides) == {1} and not geometry.is_padded


def _blocks(images: int, geometry: Geometry, channels: int, size: int) -> Iterator[slice]:
    each = math.prod(geometry.outputs) * geometry.taps * channels * size
    step = max(1, _BLOCK // max(1, each))
    for start in range(0, images, step):
        yield slice(start, start + step)


def _windows(x: Any, geometry: Geometry) -> Any:
    """(batch * outputs, taps * channels)."""
    channels = x.shape[-1]
    if _is_pointwise(geometry):
        return x.reshape(-1, channels)
    rows, columns = len(x) * math.prod(geometry.outputs), geometry.taps * channels
    found = load_cupy().empty((rows, columns), x.dtype)
    settled = _settled(geometry, channels, x.dtype.char, found.size, x.data.ptr)
    count = found.size // dict(settled)["WIDTH"]
    compiled(_SOURCE, "gather", *settled)(*grid(count), (x, found, count))
    return found


def _takes(*arrays: Any) -> bool:
    """Whether the kernels take arrays: of one type of floats, lying in order, none of them empty."""
    kinds = {array.dtype.char for array in arrays}
    return len(kinds) == 1 and kinds <= TYPES.keys() and all([array.size for array in arrays])


def forward(x: Any, kernel: Any, geometry: Geometry, groups: int = 1) -> Any:
    """(batch, *outputs, filters); None where the op's own way is to be taken."""
    if groups != 1 or len(geometry.sizes) > 3 or not _takes(x, kernel):
        return None
    cupy = load_cupy()
    x, filters = cupy.ascontiguousarray(x), kernel.shape[-1]
    matrix, parts = kernel.reshape(-1, filters), []
    for block in _blocks(len(x), geometry, x.shape[-1], x.itemsize):
        found = product(_windows(x[block], geometry), matrix)
        if found is None:
            return None
        parts.append(found)
    out = parts[0] if len(parts) == 1 else cupy.concatenate(parts)
    return out.reshape(len(x), *geometry.outputs, filters)


def input_gradient(g: Any, kernel: Any, geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of `x`, also the transposed convolution of `g`; None where the op's own way is to be taken."""
    if groups != 1 or len(geometry.sizes) > 3 or not _takes(g, kernel):
        return None
    cupy = load_cupy()
    channels, filters = kernel.shape[-2:]
    matrix = kernel.reshape(-1, filters).T
    found = cupy.empty((len(g), *geometry.lengths, channels), g.dtype)
    for block in _blocks(len(g), geometry, channels, g.itemsize):
        windows = product(g[block].reshape(-1, filters), matrix)
        if windows is None:
            return None
        if _is_pointwise(geometry):
            found[block] = windows.reshape(found[block].shape)
            continue
        out = found[block]
        settled = _settled(geometry, channels, g.dtype.char, windows.size)
        count = out.size // dict(settled)["WIDTH"]
        compiled(_SOURCE, "scatter", *settled)(*grid(count), (windows, out, count))
    return found


def kernel_gradient(x: Any, g: Any, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1) -> Any:
    """The gradient of the kernel; None where the op's own way is to be taken."""
    if groups != 1 or len(geometry.sizes) > 3 or not _takes(x, g):
        return None
    x = load_cupy().ascontiguousarray(x)
    total = None
    for block in _blocks(len(x), geometry, x.shape[-1], x.itemsize):
        part = product(_windows(x[block], geometry).T, g[block].reshape(-1, kernel_shape[-1]))
        if part is None:
            return None
        total = part if total is None else total + part
    return None if total is None else total.reshape(kernel_shape)
