"""Large arrays in pieces that stay in the processor's cache while several NumPy calls go over them.

NumPy makes one pass over memory per operation. What a compiled loop gets by fusing operations, we get by doing all
of them on some numbers before the next come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.costs import Blocks, Threads
from eagerflow.kernels.machine.parts import shares
from eagerflow.kernels.machine.threads import each, scratch

__all__ = ["elementwise", "fits", "long_row", "ones", "with_row", "zeros"]

_FLOATS = (numpy.dtype("float32"), numpy.dtype("float64"))
_ZEROS = {kind: numpy.zeros(2 * Blocks.PIECE, kind) for kind in _FLOATS}
_ONES = {kind: numpy.ones(Blocks.CHUNK, kind) for kind in _FLOATS}
for _constant in (*_ZEROS.values(), *_ONES.values()):
    _constant.flags.writeable = False


def fits(x: ndarray, *others: Any) -> bool:
    """Whether arrays are NumPy's, of one float type and shape, and large enough for working in chunks to pay."""
    if type(x) is not numpy.ndarray or x.size < Blocks.SMALL or x.dtype not in _FLOATS:
        return False
    return all(type(a) is numpy.ndarray and a.dtype == x.dtype and a.shape == x.shape for a in others)


def zeros(count: int, dtype: Any) -> Any:
    """Up to 2**19 zeros. NumPy's maximum with an array is four times as fast as with a number."""
    return _ZEROS[dtype][:count]


def ones(count: int, dtype: Any) -> Any:
    """A vector of ones: sums as products with it are several times faster than `sum`."""
    return _ONES[dtype][:count] if count <= Blocks.CHUNK else numpy.ones(count, dtype)


def long_row(name: str, vector: Any, like: Any) -> Any:
    """A vector several times side by side, in scratch, for `with_row` on runs of rows of `like`.

    It is short enough for the first cache.
    """
    # Room for more: a small buffer amidst large arrays, kept for good, would split the heap.
    room = scratch(name, (max(1, Blocks.PIECE // max(1, vector.size)), vector.size), like.dtype)
    row = room[: max(1, Blocks.LONG_ROW // max(1, vector.size))]
    row[...] = vector
    return row.reshape(-1)


def with_row(function: Callable[..., Any], a: ndarray, row: Any, out: ndarray) -> Any:
    """`function(a, vector, out=out)`, a number per column, for the `long_row` of a vector. Gives `out`.

    Broadcasting short rows is slow, and a vector written into as many rows as `a` has would be read from memory.

    Args:
        function: a ufunc of two arrays.
        a: (rows, columns), contiguous.
        row: what `long_row` makes of a vector (columns,).
        out: like `a`; it may be the same array.
    """
    flat, into = a.reshape(-1), out.reshape(-1)
    whole = a.size - a.size % row.size
    if whole:
        function(flat[:whole].reshape(-1, row.size), row, out=into[:whole].reshape(-1, row.size))
    if whole < a.size:
        function(flat[whole:], row[: a.size - whole], out=into[whole:])
    return out


def elementwise(
    function: Callable[..., None], *arrays: ndarray, temporaries: int = 0, outputs: int = 1, nanoseconds: float = 1.0
) -> Any:
    """Run `function(*inputs, *outputs, *temporaries)` over pieces of arrays, and give the new arrays it filled.

    Args:
        function: gets flat pieces of one size. Outputs and temporaries are uninitialised.
        arrays: of one shape and type; contiguous ones aren't copied.
        temporaries: how many pieces of scratch it needs.
        outputs: how many arrays it fills.
        nanoseconds: roughly what it costs per number, for sharing the work among threads.
    """
    x = arrays[0]
    made = [numpy.empty(x.shape, x.dtype) for _ in range(outputs)]
    flat = [a.reshape(-1) for a in (*arrays, *made)]

    def run(piece: slice) -> None:
        parts = [a[piece] for a in flat]
        spare = scratch("elementwise", (temporaries, parts[0].size), x.dtype) if temporaries else ()
        function(*parts, *spare)

    if x.size <= Blocks.PIECE:
        run(slice(None))
    else:
        count = -(-x.size // Blocks.PIECE)
        pieces = shares(x.size, count + count % 2, 1000 * Threads.HEAD_START / nanoseconds, Blocks.LINE)
        each(lambda i: run(pieces[i]), len(pieces), x.size * nanoseconds / 1000)
    return made[0] if outputs == 1 else made
