"""An excerpt of a recording: some of its ops, or the steps around one of them, with all that they refer to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from viz.facts.schema import VARIABLES, Op, Record, Scope, TensorInfo

__all__ = ["MOST_STEPS", "around_step", "part_of"]

MOST_STEPS = 1_000
"""So many are shown together at most: nobody looks at more, and each takes its time to be prepared."""


def around_step(record: Record, chosen: int | None, most: int, steps: int = MOST_STEPS) -> tuple[Record, int]:
    """`record` itself when it isn't too long; else a part of it, and the number of its first op.

    The part holds whole steps around the chosen one, or the beginning of that step where it is too large by itself; of
    what has no steps the beginning. Ids are positions again.
    """
    if len(record.ops) <= most and len(record.steps) <= steps:
        return record, 0
    spans: dict[int, tuple[int, int]] = {}  # of each step, the first op and the end
    for op in record.ops:
        if op.step is not None:
            spans[op.step] = spans.get(op.step, (op.id, 0))[0], op.id + 1
    if chosen is None or chosen not in spans:
        return part_of(record, record.ops[:most]), 0
    low = high = chosen
    while high - low + 1 < steps:
        wider = [(low, high + 1), (low - 1, high)]
        fits = [(a, b) for a, b in wider if a in spans and b in spans and spans[b][1] - spans[a][0] <= most]
        if not fits:
            break
        low, high = fits[0]
    first = spans[low][0]
    part = part_of(record, record.ops[first : min(spans[high][1], first + most)])
    part.whole = record.whole or record
    return part, first


def part_of(record: Record, ops: Sequence[Op]) -> Record:
    """A recording of some of the ops of another one, in their order. Ids are positions again."""
    return _Part(record, ops).record()


class _Part:
    """Copies ops, and renumbers what they refer to."""

    def __init__(self, record: Record, ops: Sequence[Op]) -> None:
        self.whole, self.ops = record, ops
        self.number_of = self._numbers([op.id for op in ops])
        kept = [t.id for t in record.tensors if self._is_kept(t)]
        self.scopes = self._numbers(sorted(self._scopes()))
        given = [t for i in self.scopes for t in (*record.scopes[i].inputs, *record.scopes[i].outputs)]
        met = {*kept, *given, *[t for op in self.ops for t in (*op.inputs, *op.outputs)]}
        of = {record.tensors[t].gradient_of for t in met}
        self.tensors = self._numbers(sorted({*met, *[t for t in of if t is not None]}))
        used = {record.tensors[t].storage for t in self.tensors}
        self.storages = self._numbers(sorted([s for s in used if s is not None]))
        self.steps = self._numbers([s.index for s in record.steps if s.scope in self.scopes])

    @staticmethod
    def _numbers(ids: Iterable[int]) -> dict[int, int]:
        return {id_: number for number, id_ in enumerate(ids)}

    @staticmethod
    def _is_kept(tensor: TensorInfo) -> bool:
        """Variables as they were at first, of which ops may read later versions, and states, which no op reads."""
        return tensor.role == "optimizer state" or (tensor.role in VARIABLES and tensor.producer is None)

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
            meta=self._meta(),
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
            calls={n: whole.calls[i] for i, n in self.number_of.items() if i in whole.calls},
            reads={n: whole.reads[i] for i, n in self.number_of.items() if i in whole.reads},
            values={n: whole.values[i] for i, n in self.tensors.items() if i in whole.values},
            labels={n: whole.labels[i] for i, n in self.tensors.items() if i in whole.labels},
            notes=list(whole.notes),
            whole=whole.whole,
        )

    def _meta(self) -> dict[str, Any]:
        meta = dict(self.whole.meta)
        if "nonfinite_parts" in meta:
            flawed = {int(i): part for i, part in meta["nonfinite_parts"].items()}
            meta["nonfinite_parts"] = {str(n): flawed[i] for i, n in self.number_of.items() if i in flawed}
        return meta

    def _some(self, numbers: dict[int, int], ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple([numbers[i] for i in ids if i in numbers])

    def _op_number(self, id_: int | None) -> int | None:
        return None if id_ is None else self.number_of.get(id_)

    def _op(self, op: Op) -> Op:
        return dataclasses.replace(
            op,
            id=self.number_of[op.id],
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
