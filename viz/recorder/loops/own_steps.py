"""Makes steps of what a loop ran that marks none, each from its forward pass to the update of its weights."""

from __future__ import annotations

import bisect
from collections.abc import Container, Mapping, Sequence

from viz.facts.schema import Record, Scope, Step
from viz.recorder.loops.extents import Extent, Extents, Item
from viz.recorder.loops.rounds import Clocks, rounds

__all__ = ["mark_own_steps"]


def mark_own_steps(
    record: Record, clocks: Clocks, firsts: Mapping[int, int], chosen: Container[int] | None = None, upcoming: int = 0
) -> None:
    """Put what belongs to one update of weights into a scope of kind `"step"`, as `fit` does.

    A step begins with the first op that leads to its backward pass or its update, and ends with the last update; what
    follows at once and only looks at its results, or changes weights once more, is a part of it. A loop that marks its
    steps keeps these alone, and a single update is no step of several.

    Args:
        record: the recording, where nothing is a step but what something marks.
        clocks: when everything ran.
        firsts: for each later version of a variable, its first one.
        chosen: holds the numbers of the steps that are wanted; None: all.
        upcoming: the number of the step that ran in the end, where some were chosen.
    """
    found = rounds(record, clocks, firsts)
    if not found:
        return
    extents = Extents(record, clocks)
    own = extents.of(found)
    failed = extents.failed(found[-1].number + 1 if chosen is None else upcoming, found[-1].end)
    own += [failed] if failed is not None else []
    if chosen is not None:
        own = [extent for extent in own if extent.number in chosen]
    elif len(own) + len(record.steps) < 2:
        own = []
    if own:
        _insert(record, clocks, [(extent, extents.items(extent)) for extent in own], chosen is not None)


def _insert(record: Record, clocks: Clocks, own: Sequence[tuple[Extent, list[Item]]], are_chosen: bool) -> None:
    """Put the scopes of the new steps among those that are there, and number all anew."""
    begins = [start for start, _ in clocks.scopes]
    new = [(_place(items, begins), _scope(record, extent, items)) for extent, items in own]
    ordered = [(scope.id, 1, scope) for scope in record.scopes] + [(place, 0, scope) for place, scope in new]
    ordered.sort(key=lambda each: each[:2])
    number: dict[int | None, int | None] = {None: None}
    number |= {scope.id: i for i, (_, is_old, scope) in enumerate(ordered) if is_old}
    for op in record.ops:
        op.scope = number[op.scope]
    old = record.scopes
    record.scopes = [scope for _, _, scope in ordered]
    for i, scope in enumerate(record.scopes):
        scope.id, scope.parent = i, number[scope.parent]
    for (_, items), (_, scope) in zip(own, new):
        for item in items:
            if item.order:
                record.ops[item.id].scope = scope.id
            else:
                old[item.id].parent = scope.id
    numbers = {number[step.scope]: (step.number, step.trained) for step in record.steps}
    numbers |= {scope.id: (extent.number if are_chosen else None, None) for (extent, _), (_, scope) in zip(own, new)}
    _count_steps(record, numbers)


def _place(items: Sequence[Item], begins: Sequence[int]) -> int:
    """The scope before which a step is put that consists of these."""
    return min([item.id for item in items if not item.order], default=bisect.bisect_right(begins, items[0].start))


def _scope(record: Record, extent: Extent, items: Sequence[Item]) -> Scope:
    """The scope of a step; its parent is what it was before all were numbered anew."""
    spans = [record.ops[item.id] if item.order else record.scopes[item.id] for item in items]
    ends = [span.end for span in spans if span.end is not None]
    return Scope(
        len(record.scopes),
        "step",
        "train_step",
        extent.parent,
        start=spans[0].start,
        end=max(ends) if len(ends) == len(spans) else None,
        error=extent.error,
    )


def _count_steps(record: Record, numbers: Mapping[int | None, tuple[int | None, int | None]]) -> None:
    """Let all know in which step they are.

    Args:
        record: the recording.
        numbers: the `number` and `trained` of each step, by its scope.
    """
    record.steps = []
    step_of: list[int | None] = []
    for scope in record.scopes:
        outer = None if scope.parent is None else step_of[scope.parent]
        if scope.id in numbers:
            outer = len(record.steps)
            record.steps.append(Step(outer, scope.id, scope.start, scope.end, *numbers[scope.id]))
        step_of.append(outer)
    for op in record.ops:
        op.step = None if op.scope is None else step_of[op.scope]
