"""Terms of a loss that are made of weights alone, or of what a layer gives, as penalties are: blocks of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from viz.facts.schema import VARIABLES, Op, Record, Scope
from viz.facts.wiring import start_of_sum

__all__ = ["Terms", "activity_penalty", "terms_of_weights"]

_SIZES = frozenset("absolute square power norm matmul dot einsum tensordot".split())  # by which weights are penalized


class Terms(NamedTuple):
    """A part of what makes terms of a loss.

    Attributes:
        title: what it is called.
        ops: the ids of its ops, in order.
        is_sum: does it add terms to the loss? It is no loop, though each of its ops reads what the one before made.
    """

    title: str
    ops: list[int]
    is_sum: bool = False


def activity_penalty(record: Record, layer: Scope, later: Iterable[int]) -> Terms | None:
    """What the `activity_regularizer` of a layer makes of its outputs; None where that isn't sure."""
    if not layer.config.get("activity_regularizer") or not layer.stack:
        return None
    made, found = {*layer.outputs}, list[int]()
    for op in map(record.ops.__getitem__, later):
        read = {i for i in op.inputs if record.tensors[i].role == "activation"}
        if op.phase != "forward" or op.stack[-len(layer.stack) :] != layer.stack or not read or not read <= made:
            return None
        made.update(op.outputs)
        found.append(op.id)
        if op.name == "divide" and all(not record.tensors[i].shape for i in op.outputs):  # by the size of the batch
            return Terms("activity penalty", found)
    return None


def terms_of_weights(
    record: Record, ops: Sequence[Op], outside: Sequence[int], others: Iterable[int] = ()
) -> list[Terms]:
    """Those terms as one part, and what adds several of them to a loss as another."""
    found, penalties = _of_weights_alone(record, ops, outside), {*others}
    if not found and not penalties:
        return []
    parts = list[Terms]()
    are_penalties = not found or _are_penalties(record, found)
    if found:
        parts.append(Terms("weight penalties" if are_penalties else "loss terms of weights", sorted(found)))
    sums = _sums(record, found | penalties, outside)
    if len(sums) > 1:
        parts.append(Terms("add penalties" if are_penalties else "add terms", sums, is_sum=True))
    return parts


def _sums(record: Record, found: set[int], outside: Iterable[int]) -> list[int]:
    """What adds terms to the loss one after the other."""
    sums: list[int] = []
    for op in outside:
        makers = [record.tensors[i].producer for i in record.ops[op].inputs]
        begins = start_of_sum(record.ops[op]) is not None  # 0 + the first
        if op in found or record.ops[op].name != "add" or (len(makers) != 2 and not begins):
            continue
        goes_on = bool(sums) and sums[-1] in makers
        if (
            goes_on
            if len(sums) == 1 and start_of_sum(record.ops[sums[0]]) is not None
            else not found.isdisjoint(makers)
        ):
            if sums and not goes_on:
                break
            sums.append(op)
    return sums


def _of_weights_alone(record: Record, ops: Sequence[Op], outside: Sequence[int]) -> set[int]:
    """Of ops outside of layers and losses, those that make numbers of weights alone, which other ops read, too.

    As the penalties of weights, which are as many branches, all alike, as there are weights.
    """
    of_weights: dict[int, int | None] = {}  # a tensor that was computed from weights -> the op
    read_before = set[int]()
    candidates, found = {*outside}, set[int]()
    for op in ops:
        tensors = [record.tensors[i] for i in op.inputs]
        own = [t for t in tensors if t.role in VARIABLES]
        if (
            op.id in candidates
            and op.phase == "forward"
            and all(t.role == "constant" or t.role in VARIABLES or t.id in of_weights for t in tensors)
            and all(t.id in read_before for t in own)
        ):
            of_weights |= dict.fromkeys(op.outputs, op.id)
            found.add(op.id)
        else:
            read_before.update([t.id for t in own])
    readers: dict[int, list[int]] = {}
    for op in ops if found else ():
        for i in op.inputs:
            if i in of_weights:
                readers.setdefault(i, []).append(op.id)
    for op in reversed(ops):
        if op.id in found and not all(
            math.prod(record.tensors[i].shape) == 1 or found.issuperset(readers.get(i, (-1,))) for i in op.outputs
        ):
            found.discard(op.id)
    read = {record.tensors[i].role for op in found for i in record.ops[op].inputs}
    return found if read.intersection(VARIABLES) else set()


def _are_penalties(record: Record, ops: Iterable[int]) -> bool:
    """Do terms of the loss that read weights alone measure how large these are, as penalties do?

    The entropy of a policy whose deviation is a weight doesn't.
    """
    of_weights = [op for op in map(record.ops.__getitem__, ops) if _reads_weight(record, op)]
    return any(op.name in _SIZES or (op.name == "multiply" and len({*op.inputs}) == 1) for op in of_weights)


def _reads_weight(record: Record, op: Op) -> bool:
    return any(record.tensors[i].role in VARIABLES for i in op.inputs)
