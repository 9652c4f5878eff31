"""How work is cut for threads, and sums over blocks of it, with the same bits for any number of threads."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.kernels.machine.costs import Threads

__all__ = ["at_once", "parts_of", "shares", "sum_in_order"]


def at_once(n: int, most: int, microseconds: float, piece: float = Threads.PIECE) -> int:
    """How many of n images a block takes: `most`, or fewer, that threads find enough blocks.

    Args:
        n: images in all.
        most: that a block has room for; less than one counts as one.
        microseconds: that all of them take one thread, roughly.
        piece: microseconds of a block that is worth a thread's while; more where it makes many calls.
    """
    pieces = min(Threads.PIECES, 1 << int(math.log2(max(1.0, microseconds / piece))))
    return max(1, min(most, -(-n // pieces)))


def shares(length: int, count: int, ahead: float, unit: int = 1) -> list[slice]:
    """Runs for threads to take one after another, `count` at most: of the last two, the first is longer by `ahead`.

    The caller begins before the thread that it wakes, so it also comes first to the last two. Were they equal, it
    would be done before the other, go to sleep, and take its time to wake up.

    Args:
        length: of all runs.
        count: of runs.
        ahead: by how much it is longer; at most half a share is taken from the other.
        unit: what runs are multiples of.

    >>> shares(100, 4, 10, unit=5)
    [slice(0, 25, None), slice(25, 50, None), slice(50, 80, None), slice(80, 100, None)]
    """
    step = -(-length // (count * unit)) * unit
    ends = [i * step for i in range(1, count)] + [length]
    if count > 1:
        ends[-2] += round(min(ahead, step) / 2 / unit) * unit
    return [slice(start, min(end, length)) for start, end in zip([0, *ends], ends) if start < length]


def parts_of(blocks: int, size: int) -> list[slice]:
    """Runs of blocks with a sum of their own, of `size` numbers, for threads to share; 32 MB of sums in all."""
    count = max(2, min(16, blocks if size < Threads.LITTLE else blocks // 2, (1 << 23) // max(1, size)))
    step = max(1, -(-blocks // count))
    return [slice(i, i + step) for i in range(0, max(1, blocks), step)]


def sum_in_order(parts: Any) -> Any:
    """The sum over the first axis, in the first of them."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
