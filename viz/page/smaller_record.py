"""A smaller recording for the page: some of the ops, with all that they refer to."""

from __future__ import annotations

from viz.facts.schema import Record
from viz.facts.selection import pick_step
from viz.facts.smaller.part import part_of

__all__ = ["cut"]


def cut(record: Record, most: int) -> tuple[Record, int]:
    """`record` itself when it has at most `most` ops; else a part of it, with a note; and the number of its first op.

    The part holds whole steps around the one that pictures show, or the beginning of that step where it is too
    large by itself. Ids are positions again.
    """
    if len(record.ops) <= most:
        return record, 0
    first, last = _range(record, most)
    made = part_of(record, record.ops[first:last])
    made.notes = [*record.notes, _note(record, first, last)]
    return made, first


def _note(record: Record, first: int, last: int) -> str:
    return (
        f"This page shows ops {first + 1:,} to {last:,} of {len(record.ops):,}: more would not fit into a browser. "
        "Record less with viz.trace(steps=...), or look at everything with summary(), top() and to_perfetto()."
    )


def _range(record: Record, most: int) -> tuple[int, int]:
    """The first op and the end of the longest run of whole steps around the chosen one."""
    spans: dict[int, tuple[int, int]] = {}
    for op in record.ops:
        if op.step is not None:
            begin, _ = spans.get(op.step, (op.id, 0))
            spans[op.step] = begin, op.id + 1
    chosen = pick_step(record)
    if chosen not in spans:
        return 0, most
    low = high = chosen
    while True:
        wider = [(low, high + 1), (low - 1, high)]
        fits = [(a, b) for a, b in wider if a in spans and b in spans and spans[b][1] - spans[a][0] <= most]
        if not fits:
            break
        low, high = fits[0]
    return spans[low][0], min(spans[high][1], spans[low][0] + most)
