"""What the library computes besides what a reader follows: masks of sequences, and terms of a loss such as penalties.

A layer hands its mask on beside what it makes, as `mask_zero` of an embedding says; what those behind it and the loss
make of it is only the axes that an attention gives it, or the share of a batch that counts. Penalties are terms of a
loss that are made of weights alone, or of what a layer gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from viz.facts.schema import VARIABLES, Op, Record, Scope, TensorInfo
from viz.facts.wiring import start_of_sum

__all__ = ["Terms", "activity_penalty", "is_mask", "of_masks", "terms_of_weights"]

_SIZES = frozenset("absolute square power norm matmul dot einsum tensordot".split())  # by which weights are penalized


class Terms(NamedTuple):
    """Ops that are a block of their own, in order.

    Attributes:
        title: what it is called.
        ops: the ids of its ops.
        is_sum: does it add terms to the loss? It is no loop, though each of its ops reads what the one before made.
    """

    title: str
    ops: list[int]
    is_sum: bool = False


# ---------------------------------------------------------------------- masks


def is_mask(record: Record, op: Op) -> bool:
    """Did the library make a mask for a layer, beside what that returned?"""
    scope = None if op.scope is None else record.scopes[op.scope]
    is_of_model = scope is not None and scope.kind == "model" and _by_itself(record, op)
    return is_of_model and all(record.tensors[i].dtype == "bool" for i in op.outputs)


def of_masks(record: Record, children: Iterable[Any]) -> list[Terms]:
    """The ops among the children of a scope that compute masks, or numbers from masks alone, in parts of several.

    Each reads what was there before the first of its part, or what others of the part made. A part may begin with
    constants, as a mask does that says which steps come before which.
    """
    parts: list[list[int]] = []
    for op in [record.ops[child] for child in children if isinstance(child, int)]:
        if op.phase != "forward" or not op.inputs or not _by_itself(record, op):
            continue
        read = [_before_casts(record, tensor) for tensor in op.inputs]
        joined = [part for part in parts if not _made(record, part).isdisjoint(read)]
        joined = joined or [part for part in parts if any(_is_mask_before(record, i, part[0]) for i in read)][:1]
        whole = sorted([each for part in joined for each in part])
        if not _reads_masks(record, op, read, whole):
            if not is_mask(record, op):
                continue
            joined, whole = [], []
        parts = [*[part for part in parts if part not in joined], [*whole, op.id]]
    found = []
    for ops in [part for part in sorted(parts) if len(part) > 1]:
        tensors = [i for op in ops for i in (*record.ops[op].inputs, *record.ops[op].outputs)]
        is_causal = any(record.ops[op].name == "greater_equal" for op in ops)  # steps are compared with those before
        if any(record.tensors[i].dtype == "bool" for i in tensors):
            found.append(Terms("causal mask" if is_causal else "mask", ops))
    return found


def _made(record: Record, part: Iterable[int]) -> set[int]:
    return {i for op in part for i in record.ops[op].outputs}


def _reads_masks(record: Record, op: Op, read: Iterable[int], part: Sequence[int]) -> bool:
    """Is all that is read a mask from before a part, or made in it, or a constant of the layer's own beside those?

    Constants alone are enough where they are no single numbers: a part may begin with them.
    """
    first, made = (part or [op.id])[0], _made(record, part)
    infos = [record.tensors[tensor] for tensor in read if tensor not in made]
    masks = [info for info in infos if _is_mask_before(record, info.id, first)]
    others = [info for info in infos if info not in masks and info.producer is None]
    constants = [info for info in others if not info.shape or _is_own(record, op, info)]
    begins = bool(masks) or not made.isdisjoint(read) or any(info.shape for info in constants)
    given = [_before_casts(record, i) for each in part for i in record.ops[each].inputs]
    makers = [record.tensors[i].producer for i in given if i not in made]
    was_there = all(maker is None or maker < first for maker in makers)
    return len(masks) + len(constants) == len(infos) and begins and was_there


def _is_mask_before(record: Record, tensor: int, first: int) -> bool:
    info = record.tensors[tensor]
    return info.dtype == "bool" and (info.producer is None or info.producer < first)


def _is_own(record: Record, op: Op, info: TensorInfo) -> bool:
    """Is it a constant that no call around an op was given?"""
    return info.role == "constant" and all(info.id not in scope.inputs for scope in record.ancestors(op.scope))


def _before_casts(record: Record, tensor: int) -> int:
    """What a tensor was before it was cast, which pictures show with what reads it."""
    producer = record.tensors[tensor].producer
    while producer is not None and record.ops[producer].name == "cast":
        tensor = record.ops[producer].inputs[0]
        producer = record.tensors[tensor].producer
    return tensor


def _by_itself(record: Record, op: Op) -> bool:
    """Did no code of the user's run between the scope of an op and the op?"""
    return op.scope is not None and op.stack != () and op.stack == record.scopes[op.scope].stack


# ---------------------------------------------------------------------- penalties


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
    return any(
        op.name in _SIZES or (op.name == "multiply" and len({*op.inputs}) == 1)
        for op in map(record.ops.__getitem__, ops)
        if any(record.tensors[i].role in VARIABLES for i in op.inputs)
    )
