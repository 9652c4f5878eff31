"""The step of a recording that pictures and tables show, where none is asked for."""

from __future__ import annotations

import collections

from viz.facts.schema import Record, Scope

__all__ = ["pick_step", "rows_of"]


def pick_step(record: Record) -> int | None:
    """The last step that shows what most cost: not the last, smaller batch of an epoch; None without steps.

    Of the steps that ended without an error, those that trained if any; of these, those with as many rows in their
    batch as most have (where two numbers are as frequent, the larger).
    """
    if not record.steps:
        return None
    if record.whole is not None:
        shown = pick_step(record.whole)
        numbers = [step.index if step.number is None else step.number for step in record.whole.steps]
        return next((step.index for step in record.steps if shown is not None and step.number == numbers[shown]), 0)
    complete = [s.index for s in record.steps if record.scopes[s.scope].error is None]
    ran: dict[str, set[int | None]] = {}
    for op in record.ops:
        ran.setdefault(op.phase, set()).add(op.step)
    for wanted in ("update", "backward", "forward"):
        steps = [index for index in complete if index in ran.get(wanted, ())]
        if steps:
            rows = _rows_of_steps(record)
            counts = collections.Counter([rows.get(index, 0) for index in steps])
            usual = max(counts, key=lambda size: (counts[size], size))
            return max(index for index in steps if rows.get(index, 0) == usual)
    return complete[-1] if complete else record.steps[-1].index


def rows_of(record: Record, scope: Scope) -> int:
    """How many rows the batch of a step has: the length of the first array that it was given; 0 where none was."""
    return next((record.tensors[i].shape[0] for i in scope.inputs if record.tensors[i].shape), 0)


def _rows_of_steps(record: Record) -> dict[int, int]:
    """For each step, how many rows its batch has: the length of the first array that it was given from outside."""
    found: dict[int, int] = {}
    for step in record.steps:
        if rows := rows_of(record, record.scopes[step.scope]):
            found[step.index] = rows
    for op in record.ops:  # a step of the user's own loop isn't told what it is given
        if op.step is not None and op.step not in found and op.phase == "forward":
            for tensor in [record.tensors[i] for i in op.inputs]:
                if tensor.role == "input" and tensor.shape:
                    found[op.step] = tensor.shape[0]
                    break
    return found
