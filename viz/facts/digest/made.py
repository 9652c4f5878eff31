"""The memory that ops took: what all tables, pictures and pages call bytes made."""

from __future__ import annotations

from collections.abc import Iterable

from viz.facts.network import sent
from viz.facts.schema import Op, Record

__all__ = ["Made"]


class Made:
    """The bytes that each op of a recording made: the memory that came with what it gave.

    A view of another array, as `reshape` gives, what is passed on as it is, as by a cast to the same type, and a weight
    that is changed in place are no new memory. A piece of memory counts whole for the op that gave it first. Where
    memory wasn't recorded (`viz.trace(memory=False)`), the sizes of tensors stand for it.

    Attributes:
        of_tensor: for each tensor the bytes of memory that came with it.
    """

    def __init__(self, record: Record) -> None:
        self._tensors = record.tensors
        met = set[int]()
        self.of_tensor: list[int] = []
        for tensor in record.tensors:
            if tensor.storage is None:
                self.of_tensor.append(tensor.nbytes)
            elif tensor.storage in met:
                self.of_tensor.append(0)
            else:
                met.add(tensor.storage)
                self.of_tensor.append(record.storages[tensor.storage].nbytes)

    def by(self, op: Op) -> int:
        """The bytes that an op made; of what ranks do together, those that it sent."""
        return sent(op) or sum([self.of_tensor[i] for i in op.outputs])

    def by_all(self, ops: Iterable[Op]) -> int:
        """The bytes that several ops made."""
        return sum(map(self.by, ops))

    def activations(self, op: Op) -> int:
        """Those of what an op made in the forward pass, which are neither weights nor their gradients."""
        return sum([self.of_tensor[i] for i in op.outputs if self._tensors[i].role == "activation"])
