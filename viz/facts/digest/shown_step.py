"""The step that a table, a picture or a page is of: the one that was asked for, or the one that all of them show."""

from __future__ import annotations

from typing import Any

from viz.facts.digest.picked_step import pick_step
from viz.facts.schema import Record
from viz.facts.selection import position_of, step_numbers

__all__ = ["shown_number", "shown_position", "times_facts"]


def shown_position(record: Record, step: int | None) -> int | None:
    """Where among the recorded steps the one that is shown is; None without steps."""
    return pick_step(record) if step is None else position_of(record, step)


def shown_number(record: Record, step: int | None) -> int | None:
    """The number of that step; see `shown_position`."""
    at = shown_position(record, step)
    return None if at is None else step_numbers(record)[at]


def times_facts(kind: str, count: int) -> dict[str, Any]:
    """What programs learn of the times in a table: sums or medians of several steps, of two the faster one's."""
    usual = "faster" if kind == "median" and count == 2 else kind
    return {"times": usual if count > 1 else "own", "times_of": max(1, count)}
