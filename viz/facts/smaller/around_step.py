"""A smaller recording: the steps around one of them."""

from __future__ import annotations

import dataclasses

from viz.facts.digest.time_spans import took
from viz.facts.schema import Record, Whole
from viz.facts.selection import last_step, layers_of, outcome, step_kinds, step_numbers, trainings_before
from viz.facts.smaller.part import part_of
from viz.facts.smaller.run_of_steps import MOST_STEPS, run_of_steps

__all__ = ["around_step"]


def around_step(record: Record, chosen: int | None, most: int, steps: int = MOST_STEPS) -> tuple[Record, int]:
    """`record` itself when it isn't too long; else a part of it, and the number of its first op.

    The part holds whole steps around the chosen one, or the beginning of that step where it is too large by itself; of
    what has no steps the beginning. Ids are positions again.

    Args:
        record: a recording.
        chosen: the position of a step; None: none.
        most: how many ops the part has at most.
        steps: how many steps it has at most.
    """
    if len(record.ops) <= most and len(record.steps) <= steps:
        return record, 0
    spans: dict[int, tuple[int, int]] = {}
    for op in record.ops:
        if op.step is not None:
            begin, _ = spans.get(op.step, (op.id, 0))
            spans[op.step] = begin, op.id + 1
    if chosen is None or chosen not in spans:
        return _part(record, 0, most), 0
    first, last = run_of_steps(spans, chosen, most, steps)
    part = _part(record, first, last)
    if record.whole is not None:
        part.whole = dataclasses.replace(record.whole, first=record.whole.first + first)
    else:
        number, unbroken = last_step(record)
        part.whole = Whole(
            ops=len(record.ops),
            first=first,
            kinds=step_kinds(record),
            last=number or 0,
            unbroken=unbroken,
            trained=trainings_before(record, record.ops[first].step or 0),
            shown=step_numbers(record)[chosen],
            layers=layers_of(record),
            took=took(record),
            outcome=outcome(record, record.ops),
        )
    return part, first


def _part(record: Record, first: int, last: int) -> Record:
    return part_of(record, record.ops[first:last])
