"""Large uniform draws, in pieces that threads share: the numbers are those of one draw."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.kernels.machine.blocks import Blocks
from eagerflow.kernels.machine.threads import each

__all__ = ["uniform_between"]

_NANOSECONDS = 3.0  # to draw and move a number
_BYTES = 32  # that Philox gives at each count


def uniform_between(source: numpy.random.Generator, shape: tuple[int, ...], low: Any, high: Any) -> numpy.ndarray:
    """Numbers from `low` to below `high`, which are of the type to draw.

    Philox counts, so that a piece of its stream can begin anywhere.
    """
    found = numpy.empty(shape, high.dtype)
    flat, width = found.reshape(-1), high - low
    start: Any = source.bit_generator.state
    top = numpy.nextafter(high, low) if high > low else None

    def draw(i: int) -> None:
        piece, mine = flat[i * Blocks.PIECE : (i + 1) * Blocks.PIECE], source
        if i:
            bits = numpy.random.Philox(0)
            bits.state = start
            mine = numpy.random.Generator(bits.advance(i * Blocks.PIECE * found.itemsize // _BYTES))
        mine.random(out=piece, dtype=found.dtype)
        piece *= width
        piece += low
        if top is not None:  # rounding can reach the upper bound, which is not to appear
            numpy.minimum(piece, top, out=piece)

    each(draw, max(1, -(-flat.size // Blocks.PIECE)), flat.size * _NANOSECONDS / 1000)
    return found
