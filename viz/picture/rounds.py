"""Of parts that are equal: whether they are rounds of one loop, and how many tensors flow at a time."""

from __future__ import annotations

from collections.abc import Collection

from viz.facts.schema import Record
from viz.picture.outputs import array_of

__all__ = ["Used", "is_again", "number_of"]

Used = tuple[set[int], dict[int, int | None]]  # weights that are read, and calls of layers with their owners


def is_again(before: Used, after: Used) -> bool:
    """Do two parts do the same again, rather than stand for layers that are each called once?

    They read the same weights. Or they have none, and no layers of their own.
    """
    if before[0] or after[0]:
        return not before[0].isdisjoint(after[0])
    own, others = [{a[1][i] for i in a[1].keys() - b[1].keys()} for a, b in ((before, after), (after, before))]
    return not own | others or bool(own & others - {None})


def number_of(record: Record, tensors: Collection[int]) -> int:
    """How many tensors these are; what an op gives as one array to several operands, or in parts to one, is one."""
    arrays, operands = set(), set()
    for i in tensors:
        tensor = record.tensors[i]
        maker = None if tensor.producer is None else record.ops[tensor.producer]
        is_gradient = maker is not None and maker.phase == "backward"
        arrays.add((tensor.producer, *array_of(record, i)) if is_gradient else i)
        operands.add((tensor.producer, tensor.gradient_of) if is_gradient and tensor.gradient_of is not None else i)
    return min(len(arrays), len(operands))
