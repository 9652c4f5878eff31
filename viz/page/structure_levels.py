"""Levels of a flat network whose layers have only numbers: blocks by how results flow, stages by the size of images.

A block is what lies between two places where a single result passes: a residual connection with the layers that it goes
around, or the branches of an Inception module. A stage is what works on images of one size, as all that a U-Net does
with 32×32 pixels before it goes down to 16×16.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from viz.facts.schema import Record
from viz.facts.wiring import Wiring
from viz.page.name_levels import FEWER, MANY_INNER, Part

__all__ = ["blocks_and_stages"]


def blocks_and_stages(
    record: Record,
    wiring: Wiring,
    ops: Sequence[Sequence[int]],
    names: Sequence[tuple[str, str]],
    counts: Sequence[int],
) -> list[Part]:
    """Puts children into blocks, and these into stages.

    Args:
        record: the recording.
        wiring: says what ops read.
        ops: the ids of those that each child ran, in their order.
        names: of the first and the last layer of each child.
        counts: how many equal parts each child stands for, 1 for others.

    Returns:
        All children in order, those of groups within these.
    """
    alone = [Part(i, i + 1) for i in range(len(ops))]
    blocks = _together(alone, _spans(wiring, ops), names)
    if not _help(blocks, len(ops)):
        blocks = alone
    if sum([max(counts[part.begin : part.end]) for part in blocks]) <= MANY_INNER:
        return blocks
    sizes = [_size(record, ops[part.end - 1]) for part in blocks]
    found = list[tuple[int, int]]()
    for size, run in itertools.groupby(range(len(blocks)), lambda i: sizes[i]):
        each = [*run]
        found += [(each[0], each[-1] + 1)] if size is not None else [(i, i + 1) for i in each]
    stages = _together(blocks, found, names)
    return stages if _help(stages, len(blocks)) else blocks


def _together(parts: Sequence[Part], spans: Sequence[tuple[int, int]], names: Sequence[tuple[str, str]]) -> list[Part]:
    """Neighbours as one, called as the first and the last layer in them."""
    found = []
    for begin, end in spans:
        first, last = parts[begin], parts[end - 1]
        title = f"{names[first.begin][0]} … {names[last.end - 1][1]}"
        found.append(Part(first.begin, last.end, (title,), [*parts[begin:end]]) if end - begin > 1 else first)
    return found


def _help(found: Sequence[Part], before: int) -> bool:
    """Are there much fewer, but not one that is nearly all?"""
    largest = max([len(part.parts) for part in found], default=0)
    return any(part.parts for part in found) and len(found) <= FEWER * before and largest <= FEWER * before


def _spans(wiring: Wiring, ops: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """From where to where children lie between two places that a single result passes."""
    child_of = {op: i for i, each in enumerate(ops) for op in each}
    last = dict[int, int]()  # of each op whose result a later child reads, the last of these
    for child, each in enumerate(ops):
        last |= {maker: child for maker in wiring.makers_of(each) if child_of.get(maker, child) < child}
    more = [0] * (len(ops) + 1)  # results that pass the place before a child, less those that pass the one before that
    for maker, reader in last.items():
        more[child_of[maker] + 1] += 1
        more[reader + 1] -= 1
    passing = [*itertools.accumulate(more)]
    cuts = [at for at in range(1, len(ops)) if passing[at] <= 1]
    return [*itertools.pairwise([0, *cuts, len(ops)])]


def _size(record: Record, ops: Sequence[int]) -> tuple[int, ...] | None:
    """The shape of what a child made last, without its channels; None for vectors and the like."""
    made = record.ops[ops[-1]].outputs if ops else ()
    shape = record.tensors[made[0]].shape if made else ()
    return tuple(shape[:-1]) if len(shape) > 2 else None
