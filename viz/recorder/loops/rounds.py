"""Which backward passes and updates of a recording make a training step that nothing marks."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from viz.facts.schema import VARIABLES, Record
from viz.recorder.step_tracker import Turns

__all__ = ["Clocks", "Round", "gradients_of", "rounds"]

_CALLS = ("layer", "model", "loss", "metric", "optimizer", "step")  # what changes weights in these is a part of them


class Clocks(NamedTuple):
    """When everything ran, also where the recording gives no times.

    Attributes:
        ops: when each op began.
        scopes: when each scope began and ended.
        told: where only some steps were recorded, when updates were made (or gradients computed, for those by hand),
            and the number of the step that each is a part of.
        marks: when marked steps began, there.
    """

    ops: Sequence[int]
    scopes: Sequence[tuple[int, int]]
    told: Sequence[tuple[int, int]] | None = None
    marks: Sequence[int] = ()


@dataclasses.dataclass
class Round:
    """What of a step is known for sure.

    Attributes:
        number: of the step.
        scopes: its backward passes and optimizers.
        ops: its updates by hand.
        after: what began before this belongs to others.
        end: when its last update was over.
        until: what began after this belongs to others; None: nothing is known to.
    """

    number: int
    scopes: list[int] = dataclasses.field(default_factory=list)
    ops: list[int] = dataclasses.field(default_factory=list)
    after: int = 0
    end: int = 0
    until: int | None = None


class _Event(NamedTuple):
    """Something by which steps are told: a `"mark"`, a `"gradient"`, an `"optimizer"` or an `"assign"`."""

    time: int
    kind: str
    id: int


def rounds(record: Record, clocks: Clocks, firsts: Mapping[int, int]) -> list[Round]:
    """The steps that updates make of a program, in order, without those that something marks.

    Args:
        record: the recording, which knows the steps that are marked.
        clocks: when everything ran.
        firsts: for each later version of a variable, its first one.
    """
    events = sorted([*_scopes(record, clocks), *_assigned(record, clocks, firsts)])
    if any(event.kind == "optimizer" for event in events):  # what is assigned beside them are sums of gradients, say
        events = [event for event in events if event.kind != "assign"]
    learnt, weights = gradients_of(record, firsts), _weights(record, firsts)
    changed = {op.id: firsts.get(op.inputs[0], op.inputs[0]) for op in record.ops if op.phase == "update" and op.inputs}
    events = list(_learnt(events, learnt, changed))
    number = _count(record, events, weights) if clocks.told is None else _look_up(clocks, events)
    found: dict[int, Round] = {}
    pending: list[int] = []
    after = 0
    for event in events:
        if event.kind == "gradient":
            pending.append(event.id)
        elif event.kind == "mark":
            pending, after = [], clocks.scopes[event.id][1]
        elif (at := number.get(event)) is not None:
            round_ = found.setdefault(at, Round(at, after=after))
            own = weights.get(event.id, set()) if event.kind == "optimizer" else {changed[event.id]}
            # Gradients of other variables alone, as of what a callback looks into, are of no use to it.
            round_.scopes += [each for each in pending if not own or not learnt.get(each) or own & learnt[each]]
            (round_.scopes if event.kind == "optimizer" else round_.ops).append(event.id)
            pending = []
            after = round_.end = event.time if event.kind == "assign" else clocks.scopes[event.id][1]
    others = sorted([time for time, _ in clocks.told or ()] + [*clocks.marks])  # of which some weren't recorded
    for round_ in found.values():
        at = bisect.bisect_right(others, round_.end)
        round_.until = others[at] if at < len(others) else None
    return list(found.values())


def _learnt(events: Iterable[_Event], learnt: Mapping[int, set[int]], changed: Mapping[int, int]) -> Iterator[_Event]:
    """The events without assignments that no gradients came before: restored weights, clipped ones, averages.

    Behind a step that something marks, its gradients are spent.

    Args:
        events: all of them, in order.
        learnt: by scope, the variables that a backward pass gave gradients of.
        changed: by op, the variable that it changes.
    """
    known = set[int]()
    for event in events:
        if event.kind == "gradient":
            known |= learnt.get(event.id, set())
        elif event.kind == "mark":
            known.clear()
        if event.kind != "assign" or changed[event.id] in known:
            yield event


def gradients_of(record: Record, firsts: Mapping[int, int]) -> dict[int, set[int]]:
    """The variables that backward passes gave gradients of, by the scopes that these are in."""
    found: dict[int, set[int]] = {}
    for op in record.ops:
        given = [record.tensors[i].gradient_of for i in op.outputs] if op.phase == "backward" else []
        variables = {firsts.get(of, of) for of in given if of is not None and record.tensors[of].role in VARIABLES}
        if variables:
            for scope in record.ancestors(op.scope):
                if scope.kind == "backward":
                    found.setdefault(scope.id, set()).update(variables)
    return found


def _scopes(record: Record, clocks: Clocks) -> Iterator[_Event]:
    """Marked steps, and the backward passes and optimizers outside of them and of one another."""
    inside: list[str] = []  # for each scope, the kind of the first of these around it, or its own
    for scope in record.scopes:
        outer = "" if scope.parent is None else inside[scope.parent]
        kind = scope.kind if scope.kind in ("step", "backward", "optimizer") else ""
        inside.append(outer or kind)
        if kind and not outer:
            start, end = clocks.scopes[scope.id]
            word = {"step": "mark", "backward": "gradient"}.get(kind, kind)
            yield _Event(end if kind == "backward" else start, word, scope.id)


def _assigned(record: Record, clocks: Clocks, firsts: Mapping[int, int]) -> Iterator[_Event]:
    """Updates by hand of what gradients were computed of."""
    trained = {t.gradient_of for t in record.tensors if t.gradient_of is not None}
    trained = {firsts.get(i, i) for i in trained}
    outside: dict[int | None, bool] = {None: True}
    for scope in record.scopes:
        outside[scope.id] = scope.kind not in _CALLS and outside[scope.parent]
    for op in record.ops:
        changes = op.phase == "update" and any(record.tensors[i].version for i in op.outputs)
        if changes and outside[op.scope] and firsts.get(op.inputs[0], op.inputs[0]) in trained:
            yield _Event(clocks.ops[op.id], "assign", op.id)


def _count(record: Record, events: Sequence[_Event], weights: Mapping[int, set[int]]) -> dict[_Event, int]:
    """The number of the step of each update; `weights` are those that optimizers changed, by scope."""
    turns, found = Turns(), {}
    optimizers = {event: _optimizer(record, event) for event in events if event.kind == "optimizer"}
    last = {who: event for event, who in optimizers.items()}
    gone: set[Hashable] = set()
    for event in events:
        if event.kind == "gradient":
            turns.learnt()
        elif event.kind == "mark":
            turns.marked()
        elif event.kind == "assign":
            found[event] = turns.updated(None)
        else:
            who = optimizers[event]
            found[event] = turns.updated(who, frozenset(weights.get(event.id, ())), gone)
            if last[who] is event:
                gone.add(who)
    return found


def _optimizer(record: Record, event: _Event) -> Hashable:
    """What stands for the optimizer of an event."""
    scope = record.scopes[event.id]
    return scope.name if scope.owner is None else scope.owner


def _weights(record: Record, firsts: Mapping[int, int]) -> dict[int, set[int]]:
    """What each optimizer changed, by its scope and those around it."""
    found: dict[int, set[int]] = {}
    for op in record.ops:
        if op.phase == "update" and op.inputs and record.tensors[op.inputs[0]].role == "parameter":
            for scope in record.ancestors(op.scope):
                if scope.kind == "optimizer":
                    found.setdefault(scope.id, set()).add(firsts.get(op.inputs[0], op.inputs[0]))
    return found


def _look_up(clocks: Clocks, events: Sequence[_Event]) -> dict[_Event, int]:
    """The same where it was counted while the program ran."""
    told, found = sorted(clocks.told or ()), {}
    for event in events:
        if event.kind == "optimizer":
            start, end = clocks.scopes[event.id]
            at = bisect.bisect_left(told, (start, -1))
            if at < len(told) and told[at][0] <= end:
                found[event] = told[at][1]
        elif event.kind == "assign":
            at = bisect.bisect_right(told, (event.time, -1)) - 1
            if at >= 0:
                found[event] = told[at][1]
    return found
