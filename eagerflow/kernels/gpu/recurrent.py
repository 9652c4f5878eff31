"""Recurrent layers over whole sequences in one launch: a block of threads keeps the weights and walks through time.

As `eagerflow.ops.sequences.recurrent_loops`, which launches several kernels for each step; arrays and their meaning are
those there. Each row of the batch is a block of its own, a thread a column of the gates, whose weights lie in its
registers: so this pays for layers of up to 128 units.
"""

from __future__ import annotations

from typing import Any

from eagerflow.core.device import load_cupy
from eagerflow.kernels.gpu.source import TYPES, compiled

__all__ = ["gru", "gru_gradient", "lstm", "lstm_gradient", "simple_rnn", "simple_rnn_gradient", "takes"]

# Weights of a column are registers of a thread, of which it has 255 of four bytes.
_MOST_UNITS = {"f": 128, "d": 64}

_SOURCE = r"""
__device__ inline T squash(T x) { return tanh(x * (T)0.5) * (T)0.5 + (T)0.5; }

extern "C" __global__ void __launch_bounds__(4 * U)
lstm(const T* drive, const T* h0, const T* c0, const T* recurrent, const bool* live, T* hs, T* cs, T* gates,
     const int steps, const int batch) {
    const int j = threadIdx.x, b = blockIdx.x;
    __shared__ T h[U], a[4 * U];
    T weights[U];
    for (int k = 0; k < U; ++k) weights[k] = recurrent[k * 4 * U + j];
    T cell = 0;
    if (j < U) {
        h[j] = hs[b * U + j] = h0[b * U + j];
        cell = cs[b * U + j] = c0[b * U + j];
    }
    __syncthreads();
    T next = steps ? drive[(long long)b * 4 * U + j] : (T)0;
    for (int t = 0; t < steps; ++t) {
        T total = 0;
        const T given = next;
        if (t + 1 < steps) next = drive[((long long)(t + 1) * batch + b) * 4 * U + j];
        #pragma unroll
        for (int k = 0; k < U; ++k) total += h[k] * weights[k];
        total += given;
        const T gate = j / U == 2 ? tanh(total) : squash(total);
        a[j] = gate;
        gates[((long long)t * batch + b) * 4 * U + j] = gate;
        __syncthreads();
        if (j < U) {
            const T new_cell = a[U + j] * cell + a[j] * a[2 * U + j];
            const bool now = live == nullptr || live[(long long)t * batch + b];
            if (now) {
                cell = new_cell;
                h[j] = a[3 * U + j] * tanh(new_cell);
            }
            hs[((long long)(t + 1) * batch + b) * U + j] = h[j];
            cs[((long long)(t + 1) * batch + b) * U + j] = cell;
        }
        __syncthreads();
    }
}

extern "C" __global__ void __launch_bounds__(4 * U)
lstm_gradient(const T* g_hs, const T* g_h, const T* g_c, const T* cs, const T* gates, const T* recurrent,
              const bool* live, T* g_drive, T* d_h, T* d_c, const int steps, const int batch) {
    const int j = threadIdx.x, b = blockIdx.x, unit = j % U, part = j / U;
    __shared__ T d[4 * U], sums[4 * U];
    T weights[U];  // those by which one gate's gradients come back to one unit
    for (int k = 0; k < U; ++k) weights[k] = recurrent[unit * 4 * U + part * U + k];
    T to_h = j < U ? g_h[b * U + j] : (T)0, to_c = j < U ? g_c[b * U + j] : (T)0;
    for (int t = steps - 1; t >= 0; --t) {
        const long long row = (long long)t * batch + b;
        T by = 0;
        if (j < U) {
            if (g_hs != nullptr) to_h += g_hs[row * U + j];
            if (live == nullptr || live[row]) {
                const T i = gates[row * 4 * U + j], f = gates[row * 4 * U + U + j];
                const T candidate = gates[row * 4 * U + 2 * U + j], o = gates[row * 4 * U + 3 * U + j];
                const T squashed = tanh(cs[(row + batch) * U + j]);
                to_c += to_h * o * (1 - squashed * squashed);
                d[j] = candidate * i * (1 - i) * to_c;
                d[U + j] = cs[row * U + j] * f * (1 - f) * to_c;
                d[2 * U + j] = i * (1 - candidate * candidate) * to_c;
                d[3 * U + j] = squashed * o * (1 - o) * to_h;
                to_c *= f;
            } else {
                by = to_h;
                d[j] = d[U + j] = d[2 * U + j] = d[3 * U + j] = 0;
            }
        }
        __syncthreads();
        g_drive[row * 4 * U + j] = d[j];
        T total = 0;
        #pragma unroll
        for (int k = 0; k < U; ++k) total += d[part * U + k] * weights[k];
        sums[j] = total;
        __syncthreads();
        if (j < U) to_h = sums[j] + sums[U + j] + sums[2 * U + j] + sums[3 * U + j] + by;
    }
    if (j < U) {
        d_h[b * U + j] = to_h;
        d_c[b * U + j] = to_c;
    }
}

extern "C" __global__ void __launch_bounds__(3 * U)
gru(const T* drive, const T* h0, const T* recurrent, const T* bias, const bool* live, T* hs, T* gates, T* inner,
    const int steps, const int batch) {
    const int j = threadIdx.x, b = blockIdx.x, part = j / U, unit = j % U;
    __shared__ T h[U], a[3 * U];
    T weights[U];
    for (int k = 0; k < U; ++k) weights[k] = recurrent[k * 3 * U + j];
    const T more = bias == nullptr ? (T)0 : bias[j];
    if (j < U) h[j] = hs[b * U + j] = h0[b * U + j];
    __syncthreads();
    T next = steps ? drive[(long long)b * 3 * U + j] : (T)0;
    for (int t = 0; t < steps; ++t) {
        const long long row = (long long)t * batch + b;
        const T given = next;
        if (t + 1 < steps) next = drive[(row + batch) * 3 * U + j];
        T total = 0;
        #pragma unroll
        for (int k = 0; k < U; ++k) total += h[k] * weights[k];
        total += more;
        if (part < 2) {
            a[j] = squash(total + given);
            gates[row * 3 * U + j] = a[j];
        } else {
            inner[row * U + unit] = total;
        }
        __syncthreads();
        if (part == 2) {
            const T candidate = tanh(given + a[U + unit] * total);
            gates[row * 3 * U + j] = candidate;
            const bool now = live == nullptr || live[row];
            if (now) h[unit] = (h[unit] - candidate) * a[unit] + candidate;
            hs[(row + batch) * U + unit] = h[unit];
        }
        __syncthreads();
    }
}

extern "C" __global__ void __launch_bounds__(3 * U)
gru_gradient(const T* g_hs, const T* g_h, const T* hs, const T* gates, const T* inner, const T* recurrent,
             const bool* live, T* g_drive, T* g_product, T* d_h, const int steps, const int batch) {
    const int j = threadIdx.x, b = blockIdx.x, part = j / U, unit = j % U;
    __shared__ T p[3 * U], sums[3 * U];
    T weights[U];
    for (int k = 0; k < U; ++k) weights[k] = recurrent[unit * 3 * U + part * U + k];
    T to_h = j < U ? g_h[b * U + j] : (T)0;
    for (int t = steps - 1; t >= 0; --t) {
        const long long row = (long long)t * batch + b;
        T past = 0;
        if (j < U) {
            if (g_hs != nullptr) to_h += g_hs[row * U + j];
            T* d = g_drive + row * 3 * U;
            if (live == nullptr || live[row]) {
                const T z = gates[row * 3 * U + j], r = gates[row * 3 * U + U + j];
                const T candidate = gates[row * 3 * U + 2 * U + j];
                const T d_z = to_h * ((hs[row * U + j] - candidate) * z * (1 - z));
                const T d_candidate = to_h * ((1 - z) * (1 - candidate * candidate));
                const T d_r = d_candidate * (inner[row * U + j] * r * (1 - r));
                d[j] = p[j] = d_z;
                d[U + j] = p[U + j] = d_r;
                d[2 * U + j] = d_candidate;
                p[2 * U + j] = d_candidate * r;
                past = to_h * z;
            } else {
                d[j] = d[U + j] = d[2 * U + j] = 0;
                p[j] = p[U + j] = p[2 * U + j] = 0;
                past = to_h;
            }
        }
        __syncthreads();
        g_product[row * 3 * U + j] = p[j];
        T total = 0;
        #pragma unroll
        for (int k = 0; k < U; ++k) total += p[part * U + k] * weights[k];
        sums[j] = total;
        __syncthreads();
        if (j < U) to_h = past + (sums[j] + sums[U + j] + sums[2 * U + j]);
    }
    if (j < U) d_h[b * U + j] = to_h;
}

extern "C" __global__ void __launch_bounds__(U)
simple_rnn(const T* drive, const T* h0, const T* recurrent, const bool* live, T* hs, const int steps, const int batch) {
    const int j = threadIdx.x, b = blockIdx.x;
    __shared__ T h[U];
    T weights[U];
    for (int k = 0; k < U; ++k) weights[k] = recurrent[k * U + j];
    T own = hs[b * U + j] = h0[b * U + j];
    for (int t = 0; t < steps; ++t) {
        const long long row = (long long)t * batch + b;
        h[j] = own;
        __syncthreads();
        T total = 0;
        #pragma unroll
        for (int k = 0; k < U; ++k) total += h[k] * weights[k];
        if (live == nullptr || live[row]) own = tanh(drive[row * U + j] + total);
        hs[(row + batch) * U + j] = own;
        __syncthreads();
    }
}

extern "C" __global__ void __launch_bounds__(U)
simple_rnn_gradient(const T* g_hs, const T* g_h, const T* hs, const T* recurrent, const bool* live, T* g_drive, T* d_h,
                    const int steps, const int batch) {
    const int j = threadIdx.x, b = blockIdx.x;
    __shared__ T d[U];
    T weights[U];
    for (int k = 0; k < U; ++k) weights[k] = recurrent[j * U + k];
    T to_h = g_h[b * U + j];
    for (int t = steps - 1; t >= 0; --t) {
        const long long row = (long long)t * batch + b;
        if (g_hs != nullptr) to_h += g_hs[row * U + j];
        const bool now = live == nullptr || live[row];
        const T h = hs[(row + batch) * U + j];
        d[j] = now ? (1 - h * h) * to_h : (T)0;
        g_drive[row * U + j] = d[j];
        __syncthreads();
        T total = 0;
        #pragma unroll
        for (int k = 0; k < U; ++k) total += d[k] * weights[k];
        to_h = now ? total : to_h;
        __syncthreads();
    }
    d_h[b * U + j] = to_h;
}
"""


def takes(recurrent: Any, *arrays: Any) -> bool:
    """Whether the kernels pay for a layer with these weights, and take all its arrays (some of which may be None)."""
    kind, units = recurrent.dtype.char, recurrent.shape[0]
    given = [array for array in arrays if array is not None]
    return 0 < units <= _MOST_UNITS.get(kind, 0) and all([x.dtype.char == kind and x.size for x in given])


def _launch(name: str, recurrent: Any, gates: int, batch: int, *arguments: Any) -> None:
    """Run a kernel with a block for each row; arrays among the arguments are laid in order, None stays."""
    units = recurrent.shape[0]
    kernel = compiled(_SOURCE, name, ("T", TYPES[recurrent.dtype.char][0]), ("U", units))
    kernel((batch,), (gates * units,), arguments)


def _ordered(array: Any) -> Any:
    return 0 if array is None else load_cupy().ascontiguousarray(array)


def _like(array: Any, *shape: int) -> Any:
    return load_cupy().empty(shape, array.dtype)


def lstm(drive: Any, h: Any, c: Any, recurrent: Any, mask: Any) -> tuple[Any, Any, Any]:
    """States `hs`, cells `cs` (time + 1, batch, units), and gates (time, batch, 4 units)."""
    (steps, batch, _), units = drive.shape, recurrent.shape[0]
    hs, cs = _like(drive, steps + 1, batch, units), _like(drive, steps + 1, batch, units)
    gates = _like(drive, *drive.shape)
    given = [_ordered(array) for array in (drive, h, c, recurrent, mask)]
    _launch("lstm", recurrent, 4, batch, *given, hs, cs, gates, steps, batch)
    return hs, cs, gates


def lstm_gradient(
    g_hs: Any, g_h: Any, g_c: Any, cs: Any, gates: Any, recurrent: Any, mask: Any
) -> tuple[Any, Any, Any]:
    """The gradients of `drive`, the initial state and the initial cell; `g_hs` may be None."""
    steps, batch, _ = gates.shape
    g_drive, d_h, d_c = _like(gates, *gates.shape), _like(gates, *g_h.shape), _like(gates, *g_c.shape)
    given = [_ordered(array) for array in (g_hs, g_h, g_c, cs, gates, recurrent, mask)]
    _launch("lstm_gradient", recurrent, 4, batch, *given, g_drive, d_h, d_c, steps, batch)
    return g_drive, d_h, d_c


def gru(drive: Any, h: Any, recurrent: Any, recurrent_bias: Any, mask: Any) -> tuple[Any, Any, Any]:
    """States (time + 1, batch, units), gates (time, batch, 3 units), and what the reset gate multiplied."""
    (steps, batch, _), units = drive.shape, recurrent.shape[0]
    hs, gates = _like(drive, steps + 1, batch, units), _like(drive, *drive.shape)
    inner = _like(drive, steps, batch, units)
    given = [_ordered(array) for array in (drive, h, recurrent, recurrent_bias, mask)]
    _launch("gru", recurrent, 3, batch, *given, hs, gates, inner, steps, batch)
    return hs, gates, inner


def gru_gradient(
    g_hs: Any, g_h: Any, hs: Any, gates: Any, inner: Any, recurrent: Any, mask: Any
) -> tuple[Any, Any, Any]:
    """The gradients of `drive`, of the recurrent product with its bias, and of the initial state."""
    steps, batch, _ = gates.shape
    g_drive, g_product = _like(gates, *gates.shape), _like(gates, *gates.shape)
    d_h = _like(gates, *g_h.shape)
    given = [_ordered(array) for array in (g_hs, g_h, hs, gates, inner, recurrent, mask)]
    _launch("gru_gradient", recurrent, 3, batch, *given, g_drive, g_product, d_h, steps, batch)
    return g_drive, g_product, d_h


def simple_rnn(drive: Any, h: Any, recurrent: Any, mask: Any) -> Any:
    """States (time + 1, batch, units)."""
    steps, batch, units = drive.shape
    hs = _like(drive, steps + 1, batch, units)
    given = [_ordered(array) for array in (drive, h, recurrent, mask)]
    _launch("simple_rnn", recurrent, 1, batch, *given, hs, steps, batch)
    return hs


def simple_rnn_gradient(g_hs: Any, g_h: Any, hs: Any, recurrent: Any, mask: Any) -> tuple[Any, Any]:
    """The gradients of `drive` and the initial state; `g_hs` may be None."""
    more, batch, units = hs.shape
    steps = more - 1
    g_drive, d_h = _like(hs, steps, batch, units), _like(hs, *g_h.shape)
    given = [_ordered(array) for array in (g_hs, g_h, hs, recurrent, mask)]
    _launch("simple_rnn_gradient", recurrent, 1, batch, *given, g_drive, d_h, steps, batch)
    return g_drive, d_h
