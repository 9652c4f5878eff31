"""What the library computes of masks: which of a sequence's steps count, as `mask_zero` of an embedding says.

A layer hands its mask on beside what it makes. What those behind it and the loss make of it is no part of what a reader
follows: the axes that an attention gives it, or the share of a batch that counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from viz.facts.schema import Op, Record, TensorInfo

__all__ = ["Part", "is_mask", "of_masks"]

_LEAST = 2  # ops that are one part


def is_mask(record: Record, op: Op) -> bool:
    """Did the library make a mask for a layer, beside what that returned?"""
    scope = None if op.scope is None else record.scopes[op.scope]
    is_of_model = scope is not None and scope.kind == "model" and _by_itself(record, op)
    return is_of_model and all(record.tensors[i].dtype == "bool" for i in op.outputs)


@dataclasses.dataclass
class Part:
    """Ops that compute masks, or numbers from masks alone.

    Attributes:
        ops: their ids, in the order in which they ran.
        title: what a reader calls it.
    """

    ops: list[int]
    title: str = "mask"


@dataclasses.dataclass
class _Growing:
    """A part that more ops may join: what they made, and the last op before it that they read from."""

    ops: list[int] = dataclasses.field(default_factory=list)
    made: set[int] = dataclasses.field(default_factory=set)
    latest: int = -1

    def join(self, record: Record, op: Op, read: Iterable[int]) -> None:
        """Take in an op and what it reads, as if nothing were cast."""
        makers = [record.tensors[tensor].producer for tensor in read if tensor not in self.made]
        self.latest = max([self.latest, *[maker for maker in makers if maker is not None]])
        self.ops.append(op.id)
        self.made.update(op.outputs)

    def together(self, others: Iterable[_Growing]) -> _Growing:
        """All ops of several parts as one."""
        parts = [self, *others]
        return _Growing(
            sorted([op for part in parts for op in part.ops]),
            set[int]().union(*[part.made for part in parts]),
            max([part.latest for part in parts]),
        )


def of_masks(record: Record, children: Iterable[Any]) -> list[Part]:
    """The ops among the children of a scope that compute masks, or numbers from masks alone, in parts of several.

    Each reads what was there before the first of its part, or what others of the part made. A part may begin with
    constants, as a mask does that says which steps come before which.
    """
    parts: list[_Growing] = []
    for op in [record.ops[child] for child in children if isinstance(child, int)]:
        if op.phase != "forward" or not op.inputs or not _by_itself(record, op):
            continue
        read = [_before_casts(record, tensor) for tensor in op.inputs]
        joined = [part for part in parts if not part.made.isdisjoint(read)]
        joined = joined or [part for part in parts if any(_is_mask_before(record, tensor, part) for tensor in read)][:1]
        whole = _Growing().together(joined)
        if not _reads_masks(record, op, read, whole):
            if not is_mask(record, op):
                continue
            joined, whole = [], _Growing()
        whole.join(record, op, read)
        parts = [*[part for part in parts if part not in joined], whole]
    several = sorted([part.ops for part in parts if len(part.ops) >= _LEAST])
    return [Part(ops, _title(record, ops)) for ops in several if any(_has_bools(record, op) for op in ops)]


def _has_bools(record: Record, op: int) -> bool:
    return any(record.tensors[i].dtype == "bool" for i in (*record.ops[op].inputs, *record.ops[op].outputs))


def _title(record: Record, ops: Iterable[int]) -> str:
    """`"causal mask"` where steps are compared with those before them."""
    return "causal mask" if any(record.ops[id_].name == "greater_equal" for id_ in ops) else "mask"


def _reads_masks(record: Record, op: Op, read: Iterable[int], part: _Growing) -> bool:
    """Is all that is read a mask from before a part, or made in it, or a constant of the layer's own beside those?

    Constants alone are enough where they are no single numbers: a part may begin with them.
    """
    part = part if part.ops else _Growing([op.id])
    infos = [record.tensors[tensor] for tensor in read if tensor not in part.made]
    masks = [info for info in infos if _is_mask_before(record, info.id, part)]
    others = [info for info in infos if info not in masks and info.producer is None]
    constants = [info for info in others if not info.shape or _is_own(record, op, info)]
    begins = bool(masks) or not part.made.isdisjoint(read) or any(info.shape for info in constants)
    return len(masks) + len(constants) == len(infos) and begins and part.latest < part.ops[0]


def _is_mask_before(record: Record, tensor: int, part: _Growing) -> bool:
    info = record.tensors[tensor]
    return info.dtype == "bool" and (info.producer is None or info.producer < part.ops[0])


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
