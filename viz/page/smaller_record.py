"""A smaller recording for the page: some of the ops, with all that they refer to."""

from __future__ import annotations

import dataclasses

from viz.facts.schema import Op, Record, Scope, TensorInfo
from viz.facts.selection import pick_step

__all__ = ["cut"]


def cut(record: Record, most: int) -> tuple[Record, int]:
    """`record` itself when it has at most `most` ops; else a part of it, with a note; and the number of its first op.

    The part holds whole steps around the one that pictures show, or the beginning of that step where it is too
    large by itself. Ids are positions again.
    """
    if len(record.ops) <= most:
        return record, 0
    first, last = _range(record, most)
    made = _Cut(record, first, last).record()
    made.notes = [*record.notes, _note(record, first, last)]
    return made, first


def _note(record: Record, first: int, last: int) -> str:
    return (
        f"This page shows ops {first + 1:,} to {last:,} of {len(record.ops):,}: more would not fit into a browser. "
        "Record less with viz.trace(steps=...), or look at everything with summary(), top() and to_perfetto()."
    )


def _range(record: Record, most: int) -> tuple[int, int]:
    """The first op and the end of the longest run of whole steps around the chosen one."""
    spans: dict[int, tuple[int, int]] = {}
    for op in record.ops:
        if op.step is not None:
            begin, _ = spans.get(op.step, (op.id, 0))
            spans[op.step] = begin, op.id + 1
    chosen = pick_step(record)
    if chosen not in spans:
        return 0, most
    low = high = chosen
    while True:
        wider = [(low, high + 1), (low - 1, high)]
        fits = [(a, b) for a, b in wider if a in spans and b in spans and spans[b][1] - spans[a][0] <= most]
        if not fits:
            break
        low, high = fits[0]
    return spans[low][0], min(spans[high][1], spans[low][0] + most)


class _Cut:
    """Copies a run of ops, and renumbers what they refer to."""

    def __init__(self, record: Record, first: int, last: int) -> None:
        self.whole, self.first = record, first
        self.ops = record.ops[first:last]
        kept = [t.id for t in record.tensors if t.role == "optimizer state"]  # which no op reads
        self.tensors = self._numbers(sorted({*kept, *[t for op in self.ops for t in self._met(op)]}))
        self.scopes = self._numbers(sorted(self._scopes()))
        used = {record.tensors[t].storage for t in self.tensors}
        self.storages = self._numbers(sorted([s for s in used if s is not None]))
        self.steps = self._numbers([s.index for s in record.steps if s.scope in self.scopes])

    @staticmethod
    def _numbers(ids: list[int]) -> dict[int, int]:
        return {id_: number for number, id_ in enumerate(ids)}

    def _met(self, op: Op) -> list[int]:
        """The tensors of an op, and those whose gradients they are."""
        direct = [*op.inputs, *op.outputs]
        of = [self.whole.tensors[t].gradient_of for t in direct]
        return direct + [t for t in of if t is not None]

    def _scopes(self) -> set[int]:
        found: set[int] = set()
        for op in self.ops:
            scope = op.scope
            while scope is not None and scope not in found:
                found.add(scope)
                scope = self.whole.scopes[scope].parent
        return found

    def record(self) -> Record:
        whole = self.whole
        return Record(
            meta=whole.meta,
            scopes=[self._scope(whole.scopes[i]) for i in self.scopes],
            ops=[self._op(op) for op in self.ops],
            tensors=[self._tensor(whole.tensors[i]) for i in self.tensors],
            storages=[dataclasses.replace(whole.storages[i], id=n) for i, n in self.storages.items()],
            steps=[
                dataclasses.replace(
                    whole.steps[i],
                    index=n,
                    scope=self.scopes[whole.steps[i].scope],
                    number=i if whole.steps[i].number is None else whole.steps[i].number,
                )
                for i, n in self.steps.items()
            ],
            logs=whole.logs,
            compositions=whole.compositions,
            called={n: whole.called[i] for i, n in self.tensors.items() if i in whole.called},
            reads={op.id - self.first: whole.reads[op.id] for op in self.ops if op.id in whole.reads},
        )

    def _some(self, numbers: dict[int, int], ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple([numbers[i] for i in ids if i in numbers])

    def _op_number(self, id_: int | None) -> int | None:
        inside = id_ is not None and self.first <= id_ < self.first + len(self.ops)
        return id_ - self.first if inside and id_ is not None else None

    def _op(self, op: Op) -> Op:
        return dataclasses.replace(
            op,
            id=op.id - self.first,
            scope=None if op.scope is None else self.scopes[op.scope],
            step=None if op.step is None else self.steps.get(op.step),
            inputs=self._some(self.tensors, op.inputs),
            outputs=self._some(self.tensors, op.outputs),
            forward=self._op_number(op.forward),
        )

    def _scope(self, scope: Scope) -> Scope:
        return dataclasses.replace(
            scope,
            id=self.scopes[scope.id],
            parent=None if scope.parent is None else self.scopes[scope.parent],
            inputs=self._some(self.tensors, scope.inputs),
            outputs=self._some(self.tensors, scope.outputs),
        )

    def _tensor(self, tensor: TensorInfo) -> TensorInfo:
        of = tensor.gradient_of
        return dataclasses.replace(
            tensor,
            id=self.tensors[tensor.id],
            producer=self._op_number(tensor.producer),
            gradient_of=None if of is None else self.tensors.get(of),
            storage=None if tensor.storage is None else self.storages[tensor.storage],
        )
