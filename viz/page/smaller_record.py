"""A smaller recording for the page: some of the steps, with all that they refer to."""

from __future__ import annotations

import dataclasses

from viz.facts import formatting
from viz.facts.digest.excerpt import around_step
from viz.facts.digest.shown_step import shown_position
from viz.facts.schema import Record
from viz.facts.selection import step_numbers

__all__ = ["cut"]


def cut(record: Record, most: int, step: int | None = None) -> tuple[Record, int]:
    """`record` itself when it isn't too long; else a part of it, with a note; and the number of its first op.

    The part holds whole steps around the one that is shown, or the beginning of that step where it is too large by
    itself. Ids are positions again.

    Args:
        record: a recording.
        most: how many ops are shown.
        step: the number of the step that is shown; None: the one that pictures show.

    Raises:
        ValueError: when there is no such step.
    """
    chosen = shown_position(record, step)
    part, first = around_step(record, chosen, most)
    return (record, 0) if part is record else (_noted(part, len(record.ops), first), first)


def _noted(part: Record, of: int, first: int) -> Record:
    """With a note that says what is shown."""
    steps = step_numbers(part)
    shown = f"ops {first + 1:,} to {first + len(part.ops):,} of {of:,}"
    if len(steps) > 1:
        shown = f"the steps {formatting.ranges(steps)}, {shown}"
    others = "For others: viz html --step N, or to_html(step=N). " if steps else ""
    note = (
        f"This page shows {shown}: more would not fit into a browser. {others}"
        "Record less with viz.trace(steps=...), or look at everything with summary(), top() and to_perfetto()."
    )
    return dataclasses.replace(part, notes=[*part.notes, note])
