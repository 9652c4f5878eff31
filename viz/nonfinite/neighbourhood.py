"""A part of a recording: one op, and the ops near it along the tensors."""

from __future__ import annotations

import copy
import dataclasses

from viz.facts.schema import Op, Record
from viz.recording import Recording

__all__ = ["near", "neighbourhood"]


def near(record: Record, op: int, before: int, after: int) -> set[int]:
    """The ids of `op`, of those up to `before` steps back along what it read, and `after` on from what it made.

    Of a backward op the forward op is there too.
    """
    readers: dict[int, list[int]] = {}
    for each in record.ops:
        for tensor in each.inputs:
            readers.setdefault(tensor, []).append(each.id)
    chosen, edge = {op}, {op}
    for _ in range(before):
        edge = {p for i in edge for p in record.parents(record.ops[i])} - chosen
        chosen |= edge
    edge = {op}
    for _ in range(after):
        made = {tensor for i in edge for tensor in record.ops[i].outputs}
        edge = {reader for tensor in made for reader in readers.get(tensor, ())} - chosen
        chosen |= edge
    forward = {record.ops[i].forward for i in chosen}
    return chosen | {i for i in forward if i is not None}


def neighbourhood(recording: Recording, op: int, before: int, after: int) -> Recording:
    """A recording of the ops near one op alone; scopes and tensors stay as they are."""
    chosen = sorted(near(recording, op, before, after))
    number = {old: new for new, old in enumerate(chosen)}
    part = copy.copy(recording)
    part.ops = [_renumbered(recording.ops[old], number) for old in chosen]
    part.tensors = [
        dataclasses.replace(t, producer=number.get(t.producer) if t.producer is not None else None)
        for t in recording.tensors
    ]
    part.meta = {**recording.meta, "name": f"{recording.name} near {recording.ops[op].name}".strip()}
    part.steps = []
    return part


def _renumbered(op: Op, number: dict[int, int]) -> Op:
    forward = None if op.forward is None else number.get(op.forward)
    return dataclasses.replace(op, id=number[op.id], forward=forward, step=None)
