"""Sums over many blocks of work, shared among threads, with the same bits for any number of them."""

from __future__ import annotations

from typing import Any

__all__ = ["parts_of", "sum_in_order"]


def parts_of(blocks: int, size: int) -> list[slice]:
    """Runs of blocks with a sum of their own, of `size` numbers, for threads to share; 32 MB of sums in all."""
    count = max(2, min(16, blocks // 2, (1 << 23) // max(1, size)))
    step = max(1, -(-blocks // count))
    return [slice(i, i + step) for i in range(0, max(1, blocks), step)]


def sum_in_order(parts: Any) -> Any:
    """The sum over the first axis, in the first of them."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
