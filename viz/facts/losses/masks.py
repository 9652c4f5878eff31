"""What the library computes of masks: which of a sequence's steps count, as `mask_zero` of an embedding says.

A layer hands its mask on beside what it makes. What those behind it and the loss make of it is no part of what a reader
follows: the axes that an attention gives it, or the share of a batch that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from viz.facts.schema import Op, Record, TensorInfo

__all__ = ["Part", "is_mask", "of_masks"]

_LEAST = 2  # ops that are one part


class Part(NamedTuple):
    """Ops that compute masks, or numbers from masks alone, in the order in which they ran, and what they are called."""

    ops: list[int]
    title: str


def is_mask(record: Record, op: Op) -> bool:
    """Did the library make a mask for a layer, beside what that returned?"""
    scope = None if op.scope is None else record.scopes[op.scope]
    is_of_model = scope is not None and scope.kind == "model" and _by_itself(record, op)
    return is_of_model and all(record.tensors[i].dtype == "bool" for i in op.outputs)


def of_masks(record: Record, children: Iterable[Any]) -> list[Part]:
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
    several = [part for part in sorted(parts) if len(part) >= _LEAST]
    return [Part(ops, _title(record, ops)) for ops in several if any(_has_bools(record, op) for op in ops)]


def _made(record: Record, part: Iterable[int]) -> set[int]:
    return {i for op in part for i in record.ops[op].outputs}


def _has_bools(record: Record, op: int) -> bool:
    return any(record.tensors[i].dtype == "bool" for i in (*record.ops[op].inputs, *record.ops[op].outputs))


def _title(record: Record, ops: Iterable[int]) -> str:
    """`"causal mask"` where steps are compared with those before them."""
    return "causal mask" if any(record.ops[id_].name == "greater_equal" for id_ in ops) else "mask"


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
