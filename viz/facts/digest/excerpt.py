"""An excerpt of a recording: some of its ops, or the steps around one of them, with all that they refer to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from viz.facts.schema import VARIABLES, Op, Record, Scope

__all__ = ["MOST_OPS", "MOST_STEPS", "around_step", "part_of"]

_T = TypeVar("_T")
MOST_OPS, MOST_STEPS = 100_000, 1_000
"""So many are shown together at most: nobody looks at more, and browsers need seconds for each picture."""


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


def part_of(record: Record, chosen: Sequence[Op]) -> Record:
    """A recording of some of the ops of another one, in their order. Ids are positions again."""
    kept = {t.id for t in record.tensors if t.role == "optimizer state" or (t.role in VARIABLES and t.producer is None)}
    scopes = _numbers({scope.id for at in {op.scope for op in chosen} for scope in record.ancestors(at)})
    whole: list[Op | Scope] = [*chosen, *[record.scopes[i] for i in scopes]]
    for each in whole:
        kept.update(each.inputs, each.outputs)
    ops = {op.id: number for number, op in enumerate(chosen)}
    tensors = _numbers({*kept, *[record.tensors[i].gradient_of for i in kept]})
    storages = _numbers({record.tensors[i].storage for i in tensors})
    steps = _numbers({step.index for step in record.steps if step.scope in scopes})
    meta = dict(record.meta)
    if "nonfinite_parts" in meta:
        meta["nonfinite_parts"] = {
            str(ops[int(i)]): part for i, part in meta["nonfinite_parts"].items() if int(i) in ops
        }

    def copied(of: list[_T], numbers: Mapping[int, int], **refers: Mapping[int, int]) -> list[_T]:
        """Objects with their new numbers, and those of what they refer to: None for what isn't in the part."""
        found = []
        for i in numbers:
            changes: dict[str, Any] = {}
            for name, known in refers.items():
                value = getattr(of[i], name)
                is_several = isinstance(value, tuple)
                changes[name] = tuple([known[j] for j in value if j in known]) if is_several else known.get(value)
            found.append(dataclasses.replace(of[i], **changes))  # type: ignore[type-var]
        return found

    part = Record(
        meta,
        copied(record.scopes, scopes, id=scopes, parent=scopes, inputs=tensors, outputs=tensors),
        copied(record.ops, ops, id=ops, scope=scopes, step=steps, inputs=tensors, outputs=tensors, forward=ops),
        copied(record.tensors, tensors, id=tensors, producer=ops, gradient_of=tensors, storage=storages),
        copied(record.storages, storages, id=storages),
        copied(record.steps, steps, index=steps, scope=scopes),
        record.logs,
        list(record.notes),
        record.compositions,
        whole=record.whole,
    )
    for step, i in zip(part.steps, steps):
        step.number = i if step.number is None else step.number
    for name, numbers in {"values": tensors, "labels": tensors, "called": tensors, "calls": ops, "reads": ops}.items():
        known = getattr(record, name)
        setattr(part, name, {number: known[i] for i, number in numbers.items() if i in known})
    return part


def _numbers(ids: Iterable[int | None]) -> dict[int, int]:
    """By the id in the whole that in the part."""
    return {id_: number for number, id_ in enumerate(sorted([each for each in ids if each is not None]))}
