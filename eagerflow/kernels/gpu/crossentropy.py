"""The crossentropy of classes on a GPU: a warp of threads for each row, and the gradient in one launch."""

from __future__ import annotations

from typing import Any

from eagerflow.core.device import load_cupy
from eagerflow.kernels.gpu.source import TYPES, compiled, grid

__all__ = ["crossentropy", "gradient"]

_WARPS = 4  # rows that a block works on
_LABELS = {
    "b": "signed char",
    "B": "unsigned char",
    "h": "short",
    "H": "unsigned short",
    "i": "int",
    "I": "unsigned int",
}
_LABELS |= {"l": "long long", "L": "unsigned long long", "q": "long long", "Q": "unsigned long long"}

_SOURCE = r"""
extern "C" __global__ void crossentropy(const L* labels, const T* logits, T* losses, T* probabilities,
                                        const long long rows, const int classes) {
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    if (row >= rows) return;
    const T* mine = logits + row * classes;
    T* found = probabilities + row * classes;
    T most = mine[0];
    for (int i = lane; i < classes; i += 32) most = mine[i] > most || mine[i] != mine[i] ? mine[i] : most;
    for (int step = 16; step; step /= 2) {
        const T other = __shfl_xor_sync(0xffffffff, most, step);
        most = other > most || other != other ? other : most;
    }
    T total = 0;
    for (int i = lane; i < classes; i += 32) {
        const T e = exp(mine[i] - most);
        found[i] = e;
        total += e;
    }
    for (int step = 16; step; step /= 2) total += __shfl_xor_sync(0xffffffff, total, step);
    for (int i = lane; i < classes; i += 32) found[i] /= total;
    if (!lane) {
        const L label = labels[row];
        // As a number without a sign, a negative label is large.
        const bool known = (unsigned long long)label < (unsigned long long)classes;
        losses[row] = known ? log(total) - (mine[label] - most) : sqrt((T)-1);  // NaN
    }
}

extern "C" __global__ void gradient(const L* labels, const T* g, const T* probabilities, T* d_logits,
                                    const long long count, const int classes) {
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const long long row = i / classes;
        const bool own = (long long)labels[row] == i % classes;
        d_logits[i] = (probabilities[i] - (own ? (T)1 : (T)0)) * g[row];
    }
}
"""


def _settled(target: Any, output: Any) -> tuple[tuple[str, Any], ...]:
    return ("T", TYPES[output.dtype.char][0]), ("L", _LABELS[target.dtype.char]), ("WARPS", _WARPS)


def crossentropy(target: Any, output: Any) -> Any:
    """Losses, and the probabilities (rows, classes) for the gradient; None where the op's own way is to be taken.

    The loss of a label that is no class is NaN.
    """
    if output.dtype.char not in TYPES or target.dtype.char not in _LABELS or not output.size:
        return None
    if target.shape != output.shape[:-1]:
        return None
    cupy, classes = load_cupy(), output.shape[-1]
    labels, logits = cupy.ascontiguousarray(target), cupy.ascontiguousarray(output)
    rows = logits.size // classes
    losses = cupy.empty(target.shape, output.dtype)
    probabilities = cupy.empty((rows, classes), output.dtype)
    kernel = compiled(_SOURCE, "crossentropy", *_settled(target, output))
    kernel((-(-rows // _WARPS),), (32 * _WARPS,), (labels, logits, losses, probabilities, rows, classes))
    return losses, probabilities


def gradient(g: Any, target: Any, output_shape: tuple[int, ...], probabilities: Any) -> Any:
    """The gradient of the logits; None where the op's rule is to be asked."""
    if g.dtype != probabilities.dtype or g.dtype.char not in TYPES or target.dtype.char not in _LABELS or not g.size:
        return None
    cupy = load_cupy()
    found = cupy.empty(output_shape, g.dtype)
    kernel = compiled(_SOURCE, "gradient", *_settled(target, probabilities))
    labels, arriving = cupy.ascontiguousarray(target), cupy.ascontiguousarray(g)
    kernel(*grid(found.size), (labels, arriving, probabilities, found, found.size, output_shape[-1]))
    return found
