"""How long a recording and each of its steps took: from the start of the first op or scope to the end of the last one.

The time from starting a recording to stopping it is another one: in a script, it is mostly imports and data.
"""

from __future__ import annotations

from collections.abc import Iterator

from viz.facts import formatting
from viz.facts.schema import Record
from viz.facts.selection import steps_around

__all__ = ["Span", "step_spans", "took", "took_told", "whole_span"]

Span = tuple[int, int]

_APART = ("step", "data")  # in a chosen step, it is the recorder that starts first; data are made ready between steps


def step_spans(record: Record) -> dict[int | None, Span]:
    """When each step began and ended, by its position, and under None what ran outside of all steps; what has times."""
    found: dict[int | None, Span] = {}
    for step, start, end in (*_of_ops(record), *_of_scopes(record)):
        known = found.get(step)
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


def _of_ops(record: Record) -> Iterator[tuple[int | None, int, int]]:
    for op in record.ops:
        if op.start is not None and op.end is not None:
            yield op.step, op.start, op.end


def _of_scopes(record: Record) -> Iterator[tuple[int | None, int, int]]:
    for scope, step in zip(record.scopes, steps_around(record)):
        if scope.kind not in _APART and scope.start is not None and scope.end is not None:
            yield step, scope.start, scope.end
