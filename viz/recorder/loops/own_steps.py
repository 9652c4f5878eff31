"""Makes steps of what a loop ran that marks none: `StepTracker` numbered their updates while they ran.

A step begins with the first op that leads to its backward pass or its update, and ends with the last update; what
follows at once and only looks at its results, or changes weights once more, is a part of it. Where a loop marks its
steps, these alone are steps, and a single update is no step of several.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from viz.facts.schema import VARIABLES, Op, Record, Scope, Step
from viz.facts.selection import steps_around

__all__ = ["Clocks", "gradients_of", "mark_own_steps", "name_own_updates"]

_CALLS = ("layer", "model", "loss", "metric", "optimizer", "step")  # what changes weights in these is a part of them


class Clocks(NamedTuple):
    """When everything ran, also where the recording gives no times.

    Attributes:
        ops: when each op began.
        scopes: when each scope began and ended.
        told: when optimizers of loops by hand began, and until there is one when gradients were computed; each with
            the number of the step that this is a part of.
        marks: when marked steps began, where only some were recorded.
    """

    ops: Sequence[int]
    scopes: Sequence[tuple[int, int]]
    told: Sequence[tuple[int, int]]
    marks: Sequence[int] = ()


class _Item(NamedTuple):
    """A scope (order 0) or an op (1, for it ends later than a scope that begins with it) directly inside of a scope."""

    start: int
    order: int
    id: int


@dataclasses.dataclass
class _Own:
    """A step as a run of neighbours inside of a scope.

    Attributes:
        number: of the step.
        certain: its backward passes, optimizers, and updates by hand.
        after: what began before this belongs to others.
        end: when its last update was over.
        parent: the scope around it.
        first, last: the positions of its items inside of that.
        error: what ended it before there was an update.
    """

    number: int
    certain: list[_Item] = dataclasses.field(default_factory=list)
    after: int = 0
    end: int = 0
    parent: int | None = None
    first: int = 0
    last: int = 0
    error: str | None = None


def mark_own_steps(
    record: Record, clocks: Clocks, firsts: Mapping[int, int], chosen: Container[int] | None = None, upcoming: int = 0
) -> None:
    """Put what belongs to one update of weights into a scope of kind `"step"`, as `fit` does.

    Args:
        record: the recording, where nothing is a step but what something marks.
        clocks: when everything ran.
        firsts: for each later version of a variable, its first one.
        chosen: holds the numbers of the steps that are wanted; None: all.
        upcoming: the number of the step that ran in the end, where some were chosen.
    """
    tree = _Tree(record, clocks)
    own = tree.extended(_updated(record, clocks, firsts))
    if own:
        own += tree.failed(own[-1].number + 1 if chosen is None else upcoming, own[-1].end)
    if chosen is not None:
        own = [step for step in own if step.number in chosen]
    elif len(own) + len(record.steps) < 2:
        own = []
    if own:
        _insert(record, clocks, [(step, tree.items(step)) for step in own], chosen is not None)


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


# ---------------------------------------------------------------------- what is certain of each step


def _updated(record: Record, clocks: Clocks, firsts: Mapping[int, int]) -> list[_Own]:
    """The steps in order, with the backward passes and updates of each."""
    events = [*_scopes(record, clocks)]
    if all(kind != "optimizer" for _, kind, _ in events):  # beside them, what is assigned are sums of gradients, say
        events += _assigned(record, clocks, firsts)
    learnt, changed = gradients_of(record, firsts), _changed(record, firsts)
    told, found = _parted(record, clocks, events), dict[int, _Own]()
    numbers, pending = dict(told), list[int]()
    after = marked = 0
    for time, kind, id_ in sorted(events):
        if kind == "backward":
            pending.append(id_)
        elif kind == "step":
            pending, after = [], clocks.scopes[id_][1]
            marked = after
        else:
            is_assigned = kind == "assign"
            at = bisect.bisect_right(told, time, key=lambda each: each[0]) - 1 if is_assigned else -1
            number = (
                numbers.get(time) if not is_assigned else told[at][1] if at >= 0 and told[at][0] >= marked else None
            )
            if number is None:
                continue
            step = found.setdefault(number, _Own(number, after=after))
            own = changed.get((int(is_assigned), id_), set())
            # Gradients of other variables alone, as of what a callback looks into, are of no use to it.
            passes = [each for each in pending if not own or not learnt.get(each) or own & learnt[each]]
            step.certain += [*[_Item(0, 0, each) for each in passes], _Item(time, int(is_assigned), id_)]
            pending = []
            after = step.end = time if is_assigned else clocks.scopes[id_][1]
    return list(found.values())


def _parted(record: Record, clocks: Clocks, events: Sequence[tuple[int, str, int]]) -> list[tuple[int, int]]:
    """When updates were made, and the numbers of their steps.

    That an optimizer takes over from others, which never come again, is known only now. In a recording of some steps
    the numbers stay as they were told, since there others may have come between.
    """
    told = sorted(clocks.told)
    owners = {time: record.scopes[scope].owner for time, kind, scope in events if kind == "optimizer"}
    if not owners or record.meta["options"].get("steps") is not None:
        return told
    told = [each for each in told if each[0] in owners]
    last = {owners[time]: time for time, _ in told}
    seen, ran, turn = set[int | None](), set[int | None](), set[int | None]()
    more, before, found = 0, -1, list[tuple[int, int]]()
    for time, number in told:
        who = owners[time]
        follows = number == before and turn == ran and who not in seen and all(last[each] < time for each in ran)
        if number != before or follows:
            turn, ran = ran, set()
            more += follows
        ran.add(who)
        seen.add(who)
        before = number
        found.append((time, number + more))
    return found


def _scopes(record: Record, clocks: Clocks) -> Iterator[tuple[int, str, int]]:
    """Marked steps, and the backward passes and optimizers outside of them and of one another: when, and the scope."""
    inside: list[str] = []  # for each scope, the kind of the first of these around it, or its own
    for scope in record.scopes:
        outer = "" if scope.parent is None else inside[scope.parent]
        kind = scope.kind if scope.kind in ("step", "backward", "optimizer") else ""
        inside.append(outer or kind)
        if kind and not outer:
            yield clocks.scopes[scope.id][kind == "backward"], kind, scope.id


def _assigned(record: Record, clocks: Clocks, firsts: Mapping[int, int]) -> Iterator[tuple[int, str, int]]:
    """Updates by hand of what gradients were computed of: when, and the op."""
    trained = {firsts.get(t.gradient_of, t.gradient_of) for t in record.tensors if t.gradient_of is not None}
    outside: dict[int | None, bool] = {None: True}
    for scope in record.scopes:
        outside[scope.id] = scope.kind not in _CALLS and outside[scope.parent]
    for op in record.ops:
        changes = op.phase == "update" and any(record.tensors[i].version for i in op.outputs)
        if changes and outside[op.scope] and firsts.get(op.inputs[0], op.inputs[0]) in trained:
            yield clocks.ops[op.id], "assign", op.id


def _changed(record: Record, firsts: Mapping[int, int]) -> dict[tuple[int, int], set[int]]:
    """What each optimizer (0, its scope) and each update by hand (1, the op) changed."""
    found: dict[tuple[int, int], set[int]] = {}
    for op in record.ops:
        if op.phase == "update" and op.inputs:
            first = firsts.get(op.inputs[0], op.inputs[0])
            found[1, op.id] = {first}
            if record.tensors[op.inputs[0]].role == "parameter":
                for scope in record.ancestors(op.scope):
                    if scope.kind == "optimizer":
                        found.setdefault((0, scope.id), set()).add(first)
    return found


# ---------------------------------------------------------------------- where each begins and ends


class _Tree:
    """What each scope has directly inside, in order."""

    def __init__(self, record: Record, clocks: Clocks) -> None:
        self._record, self._clocks = record, clocks
        self._inside: dict[int | None, list[_Item]] = {None: []}
        for scope in record.scopes:
            self._inside.setdefault(scope.parent, []).append(_Item(clocks.scopes[scope.id][0], 0, scope.id))
        for op in record.ops:
            self._inside.setdefault(op.scope, []).append(_Item(clocks.ops[op.id], 1, op.id))
        for items in self._inside.values():
            items.sort()
        self._places = dict[int | None, dict[tuple[int, int], int]]()  # of what each holds, where that was asked
        self._taken: set[int] = set()  # scopes in which a step lies, or a part of one

    def items(self, step: _Own) -> list[_Item]:
        """What a step consists of."""
        return self._inside[step.parent][step.first : step.last + 1]

    def extended(self, steps: list[_Own]) -> list[_Own]:
        """Let steps that follow one another begin with what they come from, and end with what looks at them."""
        updates = sorted([*[time for time, _ in self._clocks.told], *self._clocks.marks])  # also unrecorded ones
        for step in steps:
            self._enclose(step)
        before: _Own | None = None
        for step in steps:
            is_next = before is not None and before.parent == step.parent
            free = bisect.bisect_left(self._inside[step.parent], _Item(step.after, 0, 0)) if step.after else 0
            begin = self._begin(step, max(free, before.last + 1) if before is not None and is_next else free)
            if before is not None:
                self._reach(before, updates, begin if is_next else None)
            step.first = max(begin, before.last + 1) if before is not None and is_next else begin
            before = step
        if before is not None:
            self._reach(before, updates, None)
        return steps

    def failed(self, number: int, after: int) -> list[_Own]:
        """The step with this number that an error ended before its update, if one began after that moment."""
        items = self._inside[None]
        free = bisect.bisect_left(items, _Item(after, 0, 0))
        errors = [self._error(item) for item in items[free:]]
        last = max([i for i, error in enumerate(errors, free) if error], default=-1)
        if last < 0 or any(self._kind(item) == "step" for item in items[free:]):
            return []
        step = _Own(number, first=last, last=len(items) - 1, error=errors[last - free])
        step.first = self._begin(step, free)
        return [step]

    def _kind(self, item: _Item) -> str:
        return "" if item.order else self._record.scopes[item.id].kind

    def _ops(self, items: Sequence[_Item]) -> Iterator[Op]:
        """All ops in them."""
        for item in items:
            if item.order:
                yield self._record.ops[item.id]
            else:
                yield from self._ops(self._inside.get(item.id, ()))

    def _error(self, item: _Item) -> str | None:
        own = None if item.order else self._record.scopes[item.id].error
        return own or next((op.error for op in self._ops([item]) if op.error), None)

    def _enclose(self, step: _Own) -> None:
        """From the first backward pass to the last update, inside of the innermost scope that all lie in."""
        record = self._record
        around = [record.ops[i].scope if order else record.scopes[i].parent for _, order, i in step.certain]
        paths = [[scope.id for scope in record.ancestors(scope)][::-1] for scope in around]
        self._taken.update([scope for path in paths for scope in path])
        depth = next((i for i, level in enumerate(zip(*paths)) if len(set(level)) > 1), min(map(len, paths)))
        parent = step.parent = paths[0][depth - 1] if depth else None
        if parent not in self._places:
            self._places[parent] = {item[1:]: i for i, item in enumerate(self._inside[parent])}
        known = self._places[parent]
        places = [known[(0, path[depth]) if depth < len(path) else at[1:]] for path, at in zip(paths, step.certain)]
        step.first, step.last = min(places), max(places)

    def _begin(self, step: _Own, free: int) -> int:
        """The position of the first item that something of the step needs, from `free` on."""
        items, begin = self._inside[step.parent], step.first
        needed, origins = set[int](), set[int]()
        has_backward = step.error is not None  # which tells what the step comes from

        def need(ops: Sequence[Op]) -> None:
            for op in ops:  # weights are from the step before
                needed.update([i for i in op.inputs if self._record.tensors[i].role not in VARIABLES])
                origins.update(() if op.forward is None else [op.forward])

        certain = list(self._ops(self.items(step)))
        need(certain)
        has_backward |= any(op.phase == "backward" for op in certain)
        for i in range(step.first - 1, free - 1, -1):
            ops = list(self._ops([items[i]]))
            if has_backward:
                is_needed = any(op.id in origins or not needed.isdisjoint(op.outputs) for op in ops)
            else:
                is_needed = not self._only_looks(items[i], ops, set())
            if is_needed and self._kind(items[i]) != "data":
                begin = i
                need(ops)
        return begin

    def _reach(self, step: _Own, updates: Sequence[int], end: int | None) -> None:
        """Let a step go on with what follows and only looks at it, up to the next one and the next update."""
        items = self._inside[step.parent]
        at = bisect.bisect_right(updates, step.end)
        until = updates[at] if at < len(updates) else None
        made = {i for op in self._ops(self.items(step)) for i in self._made(op)}
        for i in range(step.last + 1, len(items) if end is None else end):
            item, kind = items[i], self._kind(items[i])
            if until is not None and item.start > until:
                break
            if not item.order and (item.id in self._taken or kind in ("step", "data")):
                break
            ops = list(self._ops([item]))
            if self._only_looks(item, ops, made):
                step.last = i  # with the ops before it, such as the first one of 0.9 * mean + 0.1 * loss
                made.update([j for op in ops for j in self._made(op)])
            elif not item.order:
                break

    def _made(self, op: Op) -> list[int]:
        return [i for i in op.outputs if self._record.tensors[i].role not in VARIABLES]

    def _only_looks(self, item: _Item, ops: Sequence[Op], made: set[int]) -> bool:
        """Is it a metric, another change of weights, or something computed from the results of the step?"""
        if self._kind(item) == "metric" or (ops and all(op.phase in ("update", "metric") for op in ops)):
            return True
        return any(not made.isdisjoint(op.inputs) for op in ops)


# ---------------------------------------------------------------------- scopes


def _insert(record: Record, clocks: Clocks, own: Sequence[tuple[_Own, list[_Item]]], are_chosen: bool) -> None:
    """Put the scopes of the new steps among those that are there, and number all anew."""
    begins = [start for start, _ in clocks.scopes]
    new = [_scope(record, step, items) for step, items in own]
    places = [
        min([item.id for item in items if not item.order], default=bisect.bisect_right(begins, items[0].start))
        for _, items in own  # the scope before which a step is put
    ]
    ordered = sorted(
        [*[(scope.id, 1, scope) for scope in record.scopes], *[(at, 0, scope) for at, scope in zip(places, new)]],
        key=lambda each: each[:2],
    )
    number: dict[int | None, int | None] = {None: None}
    number |= {scope.id: i for i, (_, is_old, scope) in enumerate(ordered) if is_old}
    for op in record.ops:
        op.scope = number[op.scope]
    old, record.scopes = record.scopes, [scope for _, _, scope in ordered]
    for i, scope in enumerate(record.scopes):
        scope.id, scope.parent = i, number[scope.parent]
    for (_, items), scope in zip(own, new):
        for item in items:
            if item.order:
                record.ops[item.id].scope = scope.id
            else:
                old[item.id].parent = scope.id
    numbers = {number[step.scope]: (step.number, step.trained) for step in record.steps}
    numbers |= {scope.id: (step.number if are_chosen else None, None) for (step, _), scope in zip(own, new)}
    steps = [scope for scope in record.scopes if scope.id in numbers]
    record.steps = [Step(i, scope.id, scope.start, scope.end, *numbers[scope.id]) for i, scope in enumerate(steps)]
    step_of = steps_around(record)
    for op in record.ops:
        op.step = None if op.scope is None else step_of[op.scope]


def _scope(record: Record, step: _Own, items: Sequence[_Item]) -> Scope:
    """The scope of a step; its parent is what it was before all were numbered anew."""
    spans = [record.ops[item.id] if item.order else record.scopes[item.id] for item in items]
    ends = [span.end for span in spans if span.end is not None]
    end = max(ends) if len(ends) == len(spans) else None
    return Scope(len(record.scopes), "step", "train_step", step.parent, start=spans[0].start, end=end, error=step.error)


def name_own_updates(record: Record) -> None:
    """Let the phase of ops be `"update"` that lead from weights and gradients to nothing but changes in place.

    As in `target.assign(tau * w + (1 - tau) * target)` or `w.assign_sub(rate * gradient)`, and where gradients are
    clipped before an optimizer is given them: optimizers run such ops, too.
    They must read nothing that the forward pass made, or was given: in `total.assign_add(loss)` the loss is a result.
    Where nothing is trained, as in a simulation that changes its state, such ops are all there is, and remain.
    """
    differentiated = {op.forward for op in record.ops if op.phase == "backward"}
    if not differentiated and all(scope.kind != "optimizer" for scope in record.scopes):
        return
    inside: dict[int | None, bool] = {None: False}  # for each scope: is it, or one around it, a layer, model or loss?
    for scope in record.scopes:
        inside[scope.id] = scope.kind in ("layer", "model", "loss") or inside[scope.parent]
    of_weights: set[int] = set()  # tensors that are computed from weights and gradients
    for op in record.ops:
        if op.phase != "forward" or op.error or op.id in differentiated or inside[op.scope]:
            continue
        if all(i in of_weights or record.tensors[i].role in (*VARIABLES, "gradient", "constant") for i in op.inputs):
            of_weights.update(op.outputs)
    if not of_weights:
        return
    read, read_otherwise = set[int](), set[int]()
    for op in reversed(record.ops):
        made = of_weights.intersection(op.outputs)
        if not made.isdisjoint(read) and made.isdisjoint(read_otherwise):
            op.phase = "update"
        (read if op.phase == "update" else read_otherwise).update(op.inputs)
