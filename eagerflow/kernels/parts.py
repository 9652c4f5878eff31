"""How work is cut for threads, and sums over blocks of it, with the same bits for any number of threads."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["at_once", "parts_of", "sum_in_order"]

_PIECES = 8  # so many blocks, or more, are shared evenly; fewer: a power of two
_PIECE = (
    300  # microseconds of a block that is worth a thread's while: between calls threads wait for each other
)
_LITTLE = 1 << 16  # numbers that are added up in no time


def at_once(n: int, most: int, microseconds: float, piece: float = _PIECE) -> int:
    """How many of n images a block takes: `most`, or fewer, that threads find enough blocks.

    Args:
        n: images in all.
        most: that a block has room for; less than one counts as one.
        microseconds: that all of them take one thread, roughly.
        piece: microseconds of a block that is worth a thread's while; more where it makes many calls.
    """
    pieces = min(_PIECES, 1 << int(math.log2(max(1.0, microseconds / piece))))
    return max(1, min(most, -(-n // pieces)))


def parts_of(blocks: int, size: int) -> list[slice]:
    """Runs of blocks with a sum of their own, of `size` numbers, for threads to share; 32 MB of sums in all."""
    count = max(2, min(16, blocks if size < _LITTLE else blocks // 2, (1 << 23) // max(1, size)))
    step = max(1, -(-blocks // count))
    return [slice(i, i + step) for i in range(0, max(1, blocks), step)]


def sum_in_order(parts: Any) -> Any:
    """The sum over the first axis, in the first of them."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
