"""How deep the tree of a page is open at first."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Container, Sequence
from typing import Any

from viz.page.name_levels import MANY_ROWS

__all__ = ["first_depth", "open_last"]

_FEW_ROWS = 5  # where there would be fewer, which tell nothing, twice as many as else may be shown
_TALL = 2 * MANY_ROWS // 3  # with more, layers that others made for themselves are closed


def open_last(entries: Sequence[Any], inner: Container[int]) -> int | None:
    """Let the layers that others made for themselves open when all layers of the model are open; gives that depth.

    Args:
        entries: the blocks of the tree.
        inner: the calls of such layers.
    """
    last = 1 + max([entry.need or 0 for entry in entries])
    found = [entry for entry in entries if entry.block.scope is not None and entry.block.scope.id in inner]
    found = [entry for entry in found if entry.need is not None]
    for entry in found:
        entry.need = last
    return last if found else None


def first_depth(entries: Sequence[Any], inner: int | None, folded: bool) -> int:
    """The greatest depth at which at most `MANY_ROWS` rows are seen, or one more where these would be too few.

    But none at which chains are open, unless the rows are too few then: who wants each layer of them opens them. Nor
    that at which layers are open that others made for themselves, unless the rows are few.

    Args:
        entries: the blocks of the tree.
        inner: what `open_last` gave.
        folded: are equal parts shown once?
    """
    more: collections.Counter[int] = collections.Counter()  # rows at a depth, less those at the depth before
    waiting = [0]
    while waiting:
        entry = entries[waiting.pop()]
        for child in [-entry.folded] if entry.folded and folded else entry.children:
            if entry.need is None:
                break  # nothing in it is seen at first
            within = entries[-child] if child < 0 else None
            if within is None or within.kind != "run":
                more[entry.need] += 1
            if within is not None:
                waiting.append(-child)
                if within.kind != "run" and within.need is not None:
                    more[within.need] -= 1
    seen = list(itertools.accumulate([more[depth] for depth in range(max(more, default=0) + 1)]))
    depth = max([depth for depth, rows in enumerate(seen) if rows <= MANY_ROWS], default=0)
    closed = min([entry.need - 1 for entry in entries if entry.block.is_chain and entry.need], default=depth)
    depth = closed if closed < depth and seen[closed] >= _FEW_ROWS else depth
    if depth == inner and seen[depth] > _TALL:
        depth -= 1
    if seen[depth] < _FEW_ROWS and depth + 1 < len(seen) and seen[depth + 1] <= 2 * MANY_ROWS:
        depth += 1
    return depth
