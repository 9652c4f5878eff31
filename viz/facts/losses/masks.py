"""What the library computes of masks: which of a sequence's steps count, as `mask_zero` of an embedding says.

A layer hands its mask on beside what it makes. What those behind it and the loss make of it is no part of what a reader
follows: the axes that an attention gives it, or the share of a batch that counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from viz.facts.schema import Op, Record

__all__ = ["is_mask", "of_masks"]

_LEAST = 2  # ops that are one part


def is_mask(record: Record, op: Op) -> bool:
    """Did the library make a mask for a layer, beside what that returned?"""
    scope = None if op.scope is None else record.scopes[op.scope]
    is_of_model = scope is not None and scope.kind == "model" and _by_itself(record, op)
    return is_of_model and all(record.tensors[i].dtype == "bool" for i in op.outputs)


def of_masks(record: Record, children: Iterable[Any]) -> list[list[int]]:
    """The ops among the children of a scope that compute masks, or numbers from masks alone, in parts of several.

    Each reads what was there before the first of its part, or what others of the part made.

    Args:
        record: the recording.
        children: blocks, and ids of ops, in the order in which they ran.
    """
    parts: list[tuple[list[int], set[int]]] = []  # of each the ops, and what they made
    for op in [record.ops[child] for child in children if isinstance(child, int)]:
        if op.phase != "forward" or not op.inputs or not _by_itself(record, op):
            continue
        read = [_before_casts(record, tensor) for tensor in op.inputs]
        for part, made in parts:
            if made.issuperset(read) or _reads_masks(record, read, made, part[0]):
                part.append(op.id)
                made.update(op.outputs)
                break
        else:
            if is_mask(record, op) or _reads_masks(record, read, set(), op.id):
                parts.append(([op.id], {*op.outputs}))
    return [part for part, _ in parts if len(part) >= _LEAST]


def _reads_masks(record: Record, read: Iterable[int], made: set[int], first: int) -> bool:
    """Is all that is read a mask from before an op, or made in its part, or a single number beside those?"""
    infos = [record.tensors[tensor] for tensor in read if tensor not in made]
    masks = [info for info in infos if info.dtype == "bool" and (info.producer is None or info.producer < first)]
    numbers = [info for info in infos if info.producer is None and not info.shape]
    return len(masks) + len(numbers) == len(infos) and bool(masks or made.intersection(read))


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
