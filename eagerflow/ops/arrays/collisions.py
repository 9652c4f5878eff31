"""Updates that meet at one place: NumPy's `at`, and assignment in which the last one counts, on a GPU, too.

CuPy adds and compares in some types only (14.2: none of 8 or 16 bits but float16, whose sums stop growing early), its
maxima of float64 are rounded to float32 and leave out NaN, and of several assignments any may be the last.
"""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, DType, Numpy
from eagerflow.core.dtypes import is_half
from eagerflow.core.host_arrays import errstate

__all__ = ["added_at", "extreme_at", "last_at", "written_at"]


def added_at(xp: Numpy, x: Array, index: Any, shape: Any) -> Any:
    """Zeros of a shape with `x` added at an index, counting every mention of an element."""
    kind = _of_sums(xp, x.dtype)
    out = xp.zeros(shape, kind)
    if out.dtype.kind == "c":  # CuPy adds real numbers only
        xp.add.at(out.real, index, x.real)
        xp.add.at(out.imag, index, x.imag)
        return out
    (xp.bitwise_or if x.dtype.kind == "b" else xp.add).at(out, index, x.astype(kind, copy=False))
    return out.astype(x.dtype, copy=False)


def _on_cpu(xp: Numpy) -> bool:
    return bool(xp.__name__ == "numpy")


def _of_sums(xp: Numpy, dtype: Any) -> DType:
    """The type in which numbers of a type are added: halves in float32, rounded once."""
    if is_half(dtype):
        return "float32"
    return dtype if _on_cpu(xp) else _of_four_bytes(dtype)


def _of_four_bytes(dtype: Any) -> DType:
    """A type that CuPy's `at` knows, in which numbers of a type are exact; integers wrap around when they go back."""
    if is_half(dtype):
        return "float32"
    if dtype.kind in "biu" and dtype.itemsize < 4:
        return "uint32" if dtype.kind == "u" else "int32"
    return dtype


def extreme_at(xp: Numpy, function: str, x: Array, index: Any, updates: Array) -> Any:
    """`x` where each element became the maximum (or minimum) of itself and all updates at its place."""
    if _on_cpu(xp):
        out = x.copy()
        with errstate(invalid="ignore"):  # NaN
            getattr(xp, function).at(out, index, updates)
        return out
    kind = _of_four_bytes(x.dtype)
    out, given = x.astype(kind), updates.astype(kind, copy=False)
    if out.dtype.kind != "f":
        getattr(xp, function).at(out, index, given)
        return out.astype(x.dtype, copy=False)
    out = _as_integers(xp, function, out)
    getattr(xp, function).at(out, index, _as_integers(xp, function, given))
    return _turned(xp, out).view(kind).astype(x.dtype, copy=False)


def _as_integers(xp: Numpy, function: str, x: Any) -> Any:
    """Integers that are in the order of floats; NaN is the largest for maxima, the smallest for minima."""
    bits = x.view(f"int{8 * x.dtype.itemsize}")
    most = _most(bits)
    of_nan = bits.dtype.type(most if function == "maximum" else -most - 1)  # which are the bits of NaN, turned
    return xp.where(xp.isnan(x), of_nan, _turned(xp, bits))


def _most(integers: Any) -> int:
    """The largest number that they can be."""
    return int(2 ** (8 * integers.dtype.itemsize - 1) - 1)


def _turned(xp: Numpy, bits: Any) -> Any:
    """The bits of floats as integers in the same order, and back: of negative ones, all but the sign are turned."""
    return xp.where(bits < 0, bits ^ _most(bits), bits)


def last_at(xp: Numpy, updates: tuple[int, ...], index: Any, shape: Any) -> Any:
    """For each place of a shape, the number of the last update there; -1 where there is none.

    Args:
        updates: the shape of the updates, which are numbered in order.
        index: where they go.
        shape: the shape of what is updated.
    """
    count = math.prod(updates)
    kind = "int32" if count < 2**31 else "int64"
    numbers, order = xp.arange(count, dtype=kind).reshape(updates), xp.full(shape, -1, kind)
    if _on_cpu(xp):
        order[index] = numbers
    else:
        xp.maximum.at(order, index, numbers)
    return order


def written_at(xp: Numpy, x: Array, index: Any, updates: Array) -> Any:
    """`x` with `x[index]` replaced by updates; the last one counts where an index names a place twice."""
    if _on_cpu(xp) or not updates.size:
        out = x.copy()
        out[index] = updates
        return out
    last = last_at(xp, updates.shape, index, x.shape)
    return xp.where(last < 0, x, updates.reshape(-1)[xp.maximum(last, 0)])
