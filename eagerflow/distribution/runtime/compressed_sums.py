"""Sums of float32 arrays that are sent in half of their bytes, and added in float32."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.typing import Array

__all__ = ["TYPES", "compressed", "sum_compressed", "decompressed"]

TYPES = ("float16", "bfloat16")
_PIECE = 4 << 20  # elements summed at once


def compressed(array: Array, wire: str) -> Array:
    """The numbers of a float32 array in 16 bits, as integers: rounded to the nearest, as MPI carries them.

    >>> decompressed(compressed(numpy.array([1.0, 1 / 3], "float32"), "bfloat16"), "bfloat16").tolist()
    [1.0, 0.333984375]
    """
    if wire == "float16":
        with numpy.errstate(over="ignore"):
            made: Array = array.astype("float16").view("uint16")
        return made
    bits = array.view("uint32")
    rounded = ((bits + (((bits >> 16) & 1) + 0x7FFF)) >> 16).astype("uint16")
    rounded[numpy.isnan(array)] = 0x7FC0  # rounding could carry a NaN over into a number
    return rounded


def decompressed(bits: Array, wire: str) -> Array:
    """The same as float32 again."""
    if wire == "float16":
        made: Array = bits.view("float16").astype("float32")
        return made
    return (bits.astype("uint32") << 16).view("float32")


def sum_compressed(communicator: Any, array: Array, wire: str) -> None:
    """A flat float32 array becomes the sum of all ranks', the same bits on all.

    Every rank gets its part of all arrays, adds them in float32 in the order of the ranks, and hands the sum out.

    Args:
        communicator: an `Mpi`, or whatever else has its `exchange` and `all_gather`.
        array: it becomes the sum.
        wire: the type in which it is sent, one of `TYPES`.
    """
    for begin in range(0, array.size, _PIECE):
        piece = array[begin : begin + _PIECE]
        cuts = [rank * piece.size // communicator.size for rank in range(communicator.size + 1)]
        own = slice(cuts[communicator.rank], cuts[communicator.rank + 1])
        sent = compressed(piece, wire)
        got = numpy.empty(communicator.size * (own.stop - own.start), "uint16")
        communicator.exchange(sent, got, cuts)
        sent[own] = compressed(decompressed(got, wire).reshape(communicator.size, -1).sum(0, dtype="float32"), wire)
        communicator.all_gather(sent, cuts)
        piece[...] = decompressed(sent, wire)
