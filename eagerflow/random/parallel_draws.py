"""Large uniform draws, in pieces that threads share: the numbers are those of one draw."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.kernels.machine.blocks import Blocks
from eagerflow.kernels.machine.threads import each

__all__ = ["uniform_between"]

_NANOSECONDS = 2.5  # to draw and move a number
_BYTES = 32  # that Philox gives at each count
_LAST_WORD = 2**64 - 1


def uniform_between(source: numpy.random.Generator, shape: tuple[int, ...], low: Any, high: Any) -> numpy.ndarray:
    """Numbers from `low` to below `high`, which are of the type to draw.

    Philox counts, so that a piece of its stream can begin anywhere.

    Args:
        source: a generator from which nothing was drawn yet.
        shape: how many numbers.
        low: the lower bound.
        high: the upper bound.
    """
    found = numpy.empty(shape, high.dtype)
    flat, width = found.reshape(-1), high - low
    start: Any = source.bit_generator.state
    fill = _from_words if found.dtype == numpy.float32 and found.size >= Blocks.SMALL else _from_numbers
    top = numpy.nextafter(high, low) if high > low else None

    def draw(i: int) -> None:
        piece, mine = flat[i * Blocks.PIECE : (i + 1) * Blocks.PIECE], source
        if i:
            bits = numpy.random.Philox(0)
            bits.state = start
            mine = numpy.random.Generator(bits.advance(i * Blocks.PIECE * found.itemsize // _BYTES))
        fill(mine, piece, width)
        piece += low
        if top is not None:  # rounding can reach the upper bound, which is not to appear
            numpy.minimum(piece, top, out=piece)

    each(draw, max(1, -(-flat.size // Blocks.PIECE)), flat.size * _NANOSECONDS / 1000)
    return found


def _from_numbers(source: numpy.random.Generator, piece: numpy.ndarray, width: Any) -> None:
    source.random(out=piece, dtype=piece.dtype)
    piece *= width


def _from_words(source: numpy.random.Generator, piece: numpy.ndarray, width: Any) -> None:
    """The same bits as `source.random` in float32, in two thirds of the time.

    NumPy takes half a word for each number, by a call. Here words come at once; the upper 24 bits of a half, which
    float32 has exactly, are the number, up to a power of two, which changes no rounding of the product with `width`.
    """
    factor = numpy.float32(width * numpy.float32(2**-24))
    exact = factor != 0 and numpy.float32(factor * numpy.float32(2**24)) == width  # not of the smallest numbers
    for begin in range(0, piece.size, Blocks.CHUNK):
        part = piece[begin : begin + Blocks.CHUNK]
        words = source.integers(0, _LAST_WORD, -(-part.size // 2), numpy.uint64, endpoint=True)
        halves = words.astype("<u8", copy=False).view("<u4")[: part.size]
        halves >>= 8
        part[...] = halves.view("<i4")  # signed ones become floats faster, and are small enough
        if exact:
            part *= factor
        else:
            part *= numpy.float32(2**-24)
            part *= width
