"""How long a recording and each of its steps took: from the start of the first op or scope to the end of the last one.

The time from starting a recording to stopping it is another one: in a script, it is mostly imports and data.
"""

from __future__ import annotations

from viz.facts import formatting
from viz.facts.schema import Op, Record, Scope
from viz.facts.selection import steps_around

__all__ = ["Span", "step_spans", "took", "took_told", "whole_span"]

Span = tuple[int, int]

_APART = ("step", "data")  # in a chosen step, it is the recorder that starts first; data are made ready between steps


def step_spans(record: Record) -> dict[int | None, Span]:
    """When each step began and ended, by its position, and under None what ran outside of all steps; what has times."""
    found: dict[int | None, Span] = {}
    timed: list[tuple[Op | Scope, int | None]] = [(op, op.step) for op in record.ops]
    timed += [(s, step) for s, step in zip(record.scopes, steps_around(record)) if s.kind not in _APART]
    for each, step in timed:
        start, end, known = each.start, each.end, found.get(step)
        if start is None or end is None:
            continue
        if known is None:
            found[step] = start, end
        elif start < known[0] or known[1] < end:  # as few of many thousands do
            found[step] = min(known[0], start), max(known[1], end)
    return found


def whole_span(spans: dict[int | None, Span]) -> Span | None:
    """From the first to the last of several spans; None where there is none."""
    return (min([start for start, _ in spans.values()]), max([end for _, end in spans.values()])) if spans else None


def took(record: Record) -> int:
    """Nanoseconds that a recording took; where some of all steps were chosen, these steps alone."""
    record = record.whole or record
    spans = step_spans(record)
    chosen = [step.index for step in record.steps if step.number is not None]
    if chosen:
        return sum([end - start for start, end in [spans.get(step, (0, 0)) for step in chosen]])
    start, end = whole_span(spans) or (0, 0)
    return end - start


def took_told(record: Record, of_it: str = "") -> str:
    """How long a recording took, as text; empty without times."""
    time = took(record)
    return f"{formatting.seconds(time)}{of_it}" if time else ""
