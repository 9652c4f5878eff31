"""Where the blocks of a network begin: equal parts that are drawn once begin there, and not in the middle of one.

The first block of a network is often unlike the others, as one that halves an image or widens it is, but not from its
first layer on. Equal parts that begin as early as they can would then each be the end of one block and the beginning of
the next, with an arrow that goes past such a border.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from viz.facts.wiring import Wiring

__all__ = ["to_next_border"]

_MOST_OF_BLOCK = 0.7  # what branches off where a block begins is read after at least so large a part of it


@dataclasses.dataclass
class _Border:
    """A place between two children.

    Attributes:
        crossing: how many results from before it are read in the period behind it.
        spans: does one of those come back together only after most of the period?
    """

    crossing: int
    spans: bool


def to_next_border(wiring: Wiring, children: Sequence[Sequence[int]], period: int, most: int) -> int | None:
    """By how many children equal parts are to begin later, so that they begin where blocks do; 0 where they do so.

    A block begins where only one result passes from what is before to what is behind, and best where that goes on in
    two ways, of which one comes back at the end of the block: a residual connection. Where all lies in one row, a part
    doesn't begin with what scales or activates the result of a layer with a kernel.

    Args:
        wiring: says what ops read.
        children: the ops of each child in the first two parts, and in those before them.
        period: how many children a part has.
        most: how many children later the parts may begin; None is returned where that is too little for a block.
    """
    first = len(children) - 2 * period
    child_of = {op: i for i, child in enumerate(children) for op in child}
    read = [wiring.makers_of(child) for child in children]  # the ops that made what each child reads
    borders = [_border(read, child_of, first + later, period) for later in range(period)]
    fewest = min(border.crossing for border in borders)
    good = [later for later, border in enumerate(borders) if border.crossing == fewest]
    best = [later for later in good if borders[later].spans]
    if fewest and 0 not in (best or good):
        later = (best or good)[0]
        return later if later <= most else None
    if not best and first and _goes_with(wiring, children[first - 1], children[first]):
        return next((later for later in good if later <= most and wiring.has_kernel(children[first + later])), 0)
    return 0


def _goes_with(wiring: Wiring, before: Sequence[int], child: Sequence[int]) -> bool:
    """Does a child only scale or bend what a layer with a kernel made before it?"""
    reads_it = not wiring.makers_of(child).isdisjoint(before)
    return reads_it and wiring.has_kernel(before) and not wiring.has_kernel(child)


def _border(read: Sequence[set[int]], child_of: dict[int, int], at: int, period: int) -> _Border:
    last: dict[int, int] = {}  # for each op before, how many children of the period have run when it is last read
    readers: dict[int, int] = {}
    for later, makers in enumerate(read[at : at + period]):
        for maker in makers:
            if child_of.get(maker, -1) < at:
                last[maker] = later + 1
                readers[maker] = readers.get(maker, 0) + 1
    spans = any(readers[maker] > 1 and end >= _MOST_OF_BLOCK * period for maker, end in last.items())
    return _Border(len(last), spans)
