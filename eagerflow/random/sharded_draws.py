"""Draws of a rank that shares a batch: of what one process would draw for all rows, those of its own.

A draw whose first axis has as many entries as the rank has rows, or a multiple of that, is one for the rows of a batch.
All others, such as noise on weights, are the same on all ranks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

from eagerflow.core.strategy import active

__all__ = ["Rows", "of_rows", "sharded_rows", "own_stream"]


class Rows(NamedTuple):
    """A part of a draw.

    Attributes:
        first: the first entry of its first axis that is this rank's.
        last: the one after its last.
        all: how many there are.
    """

    first: int
    last: int
    all: int


def sharded_rows(shape: tuple[int, ...], where: str) -> Rows | None:
    """Which part of a draw of this shape is this rank's; None for one that isn't shared."""
    shard = active.shard
    if shard is None or not shape or not shape[0] or active.thread != threading.get_ident():
        return None
    own = shard.own or 1
    if shape[0] % own:
        if shape[0] > 1:
            shard.note(
                f"random.{where} of shape {shape}: the same on all ranks, as no number of entries belongs to each row"
            )
        return None
    each = shape[0] // own
    if each > 1:
        shard.note(
            f"random.{where} of shape {shape}: divided among ranks, {each} entries of the first axis for each row"
        )
    first = min(shard.start, shard.rows - own) * each
    return Rows(first, first + shape[0], shard.rows * each)


def of_rows(shape: tuple[int, ...], where: str, draw: Callable[[tuple[int, ...]], Any], same: bool = True) -> Any:
    """`draw(shape)`; in a shared batch this rank's part of the draw for all rows.

    Args:
        shape: of what is drawn.
        where: the function, for the report.
        draw: gives a draw of a shape; a longer one begins with the same numbers.
        same: whether all entries are drawn in the same way. Where each has its own parameters, those of other rows
            aren't known: each rank draws for its own.
    """
    rows = None if active.shard is None or not same else sharded_rows(shape, where)
    if rows is None:
        return draw(shape)
    return numpy.ascontiguousarray(draw((rows.last, *shape[1:]))[rows.first :])


def own_stream(where: str) -> int:
    """What keeps a draw for a rank's own rows apart from those of other ranks, where it can't be a part of one."""
    shard = active.shard
    if shard is None or active.thread != threading.get_ident():
        return 0
    shard.note(f"random.{where}: each rank draws for its own rows, other numbers than one process would")
    return shard.rank
