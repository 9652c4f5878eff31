"""From where to where a training step goes that nothing marks, by what its backward pass and its updates need."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from viz.facts.schema import VARIABLES, Op, Record
from viz.recorder.loops.rounds import Clocks, Round

__all__ = ["Extent", "Extents", "Item"]


class Item(NamedTuple):
    """A scope or an op that stands directly inside of a scope, or outside of all.

    Attributes:
        start: when it began.
        order: 0 for a scope, 1 for an op, which ends later than a scope that begins with it.
        id: that of the scope or op.
    """

    start: int
    order: int
    id: int


@dataclasses.dataclass
class Extent:
    """A step as a run of neighbours.

    Attributes:
        number: of the step.
        parent: the scope around them.
        first, last: their positions inside of it.
        error: what ended it before there was an update.
    """

    number: int
    parent: int | None
    first: int
    last: int
    error: str | None = None


class Extents:
    """Finds out where steps begin and end.

    Args:
        record: the recording.
        clocks: when everything ran.
    """

    def __init__(self, record: Record, clocks: Clocks) -> None:
        self._record = record
        self._inside: dict[int | None, list[Item]] = {None: []}
        for scope in record.scopes:
            self._inside.setdefault(scope.parent, []).append(Item(clocks.scopes[scope.id][0], 0, scope.id))
        for op in record.ops:
            self._inside.setdefault(op.scope, []).append(Item(clocks.ops[op.id], 1, op.id))
        for items in self._inside.values():
            items.sort()
        self._places: dict[int | None, dict[tuple[int, int], int]] = {}  # of what each holds, where that was asked
        self._taken: set[int] = set()  # scopes in which a step lies, or a part of one

    def of(self, rounds: Sequence[Round]) -> list[Extent]:
        """Where steps begin and end that follow one another."""
        for round_ in rounds:
            for scope in self._anchors(round_):
                self._taken.update(each.id for each in self._record.ancestors(scope))
        found: list[Extent] = []
        until: int | None = None
        for round_ in rounds:
            extent = self._certain(round_)
            before = found[-1] if found and found[-1].parent == extent.parent else None
            free = self._first_after(extent.parent, round_.after)
            begin = self._begin(extent, free if before is None else max(free, before.last + 1))
            if found:
                self._reach(found[-1], begin if before is not None else None, until)
            until = round_.until
            extent.first = max(begin, 0 if before is None else before.last + 1)
            found.append(extent)
        if found:
            self._reach(found[-1], None, until)
        return found

    def items(self, extent: Extent) -> list[Item]:
        """What a step consists of."""
        return self._inside[extent.parent][extent.first : extent.last + 1]

    def failed(self, number: int, after: int) -> Extent | None:
        """The step that an error ended before its update, if there is one.

        Args:
            number: of this step.
            after: what began before belongs to another one.
        """
        items = self._inside[None]
        free = self._first_after(None, after)
        errors = [self._error(item) for item in items[free:]]
        last = max([i for i, error in enumerate(errors, free) if error], default=-1)
        if last < 0 or any(self._is_step(item) for item in items[free:]):
            return None
        extent = Extent(number, None, last, len(items) - 1, errors[last - free])
        extent.first = self._begin(extent, free)
        return extent

    # ------------------------------------------------------------------ the tree

    def _anchors(self, round_: Round) -> list[int | None]:
        """The scopes in which lies what is certain of a step."""
        return [
            *[self._record.scopes[i].parent for i in round_.scopes],
            *[self._record.ops[i].scope for i in round_.ops],
        ]

    def _certain(self, round_: Round) -> Extent:
        """From the first backward pass to the last update, inside of the innermost scope that all lie in."""
        paths = [[scope.id for scope in self._record.ancestors(scope)][::-1] for scope in self._anchors(round_)]
        common: list[int] = []
        for level in zip(*paths):
            if len(set(level)) > 1:
                break
            common.append(level[0])
        parent = common[-1] if common else None
        depth, known = len(common), self._places.get(parent)
        if known is None:
            known = {(item.order, item.id): i for i, item in enumerate(self._inside[parent])}
            self._places[parent] = known
        names = [(0, path[depth]) if len(path) > depth else None for path in paths]
        own = [*[(0, i) for i in round_.scopes], *[(1, i) for i in round_.ops]]
        places = [known[name or mine] for name, mine in zip(names, own)]
        return Extent(round_.number, parent, min(places), max(places))

    def _first_after(self, parent: int | None, moment: int) -> int:
        return bisect.bisect_left(self._inside[parent], Item(moment, 0, 0)) if moment else 0

    def _ops(self, items: Iterable[Item]) -> Iterator[Op]:
        """All ops in them."""
        waiting = list(items)[::-1]
        while waiting:
            item = waiting.pop()
            if item.order:
                yield self._record.ops[item.id]
            else:
                waiting += reversed(self._inside.get(item.id, ()))

    def _error(self, item: Item) -> str | None:
        """What went wrong in it."""
        own = None if item.order else self._record.scopes[item.id].error
        return own or next((op.error for op in self._ops([item]) if op.error), None)

    def _is_step(self, item: Item) -> bool:
        return not item.order and self._record.scopes[item.id].kind == "step"

    # ------------------------------------------------------------------ where it begins and ends

    def _begin(self, extent: Extent, free: int) -> int:
        """The position of the first item that something of the step needs, from `free` on."""
        items, begin = self._inside[extent.parent], extent.first
        needed, origins = set[int](), set[int]()
        has_backward = extent.error is not None
        for op in self._ops(items[extent.first : extent.last + 1]):
            self._need(op, needed, origins)
            has_backward |= op.phase == "backward"
        for i in range(extent.first - 1, free - 1, -1):
            ops = list(self._ops([items[i]]))
            if not has_backward:  # which tells what the step comes from
                is_needed = not self._only_looks(items[i], ops, set())
            else:
                is_needed = any(op.id in origins or not needed.isdisjoint(op.outputs) for op in ops)
            if is_needed and (items[i].order or self._record.scopes[items[i].id].kind != "data"):
                begin = i
                for op in ops:
                    self._need(op, needed, origins)
        return begin

    def _need(self, op: Op, needed: set[int], origins: set[int]) -> None:
        """Note what an op comes from; weights are from the step before."""
        needed.update([i for i in op.inputs if self._record.tensors[i].role not in VARIABLES])
        if op.forward is not None:
            origins.add(op.forward)

    def _reach(self, extent: Extent, next_: int | None, until: int | None) -> None:
        """Let a step go on with what follows and only looks at it, up to the next one and for so long."""
        items = self._inside[extent.parent]
        made = {i for op in self._ops(self.items(extent)) for i in op.outputs}
        made = {i for i in made if self._record.tensors[i].role not in VARIABLES}
        for i in range(extent.last + 1, len(items) if next_ is None else next_):
            item = items[i]
            if until is not None and item.start > until:
                break
            if not item.order and (item.id in self._taken or self._record.scopes[item.id].kind in ("step", "data")):
                break
            ops = list(self._ops([item]))
            if self._only_looks(item, ops, made):
                extent.last = i  # with the ops before it, such as the first one of 0.9 * mean + 0.1 * loss
                made.update([j for op in ops for j in op.outputs if self._record.tensors[j].role not in VARIABLES])
            elif not item.order:
                break

    def _only_looks(self, item: Item, ops: Sequence[Op], made: set[int]) -> bool:
        """Is it a metric, another change of weights, or something computed from the results of the step?"""
        if not item.order and self._record.scopes[item.id].kind == "metric":
            return True
        if ops and all(op.phase in ("update", "metric") for op in ops):
            return True
        return any(not made.isdisjoint(op.inputs) for op in ops)
