"""`Simulated`: one rank of many that don't exist, for what is arithmetic: shares, buckets, costs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from eagerflow.base.typing import Array
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["Simulated"]


class Simulated(Communicator):
    """A rank among `size`, all of which are thought to have the very arrays that this one has.

    Args:
        size: how many ranks there are.
        rank: the number of this one.
        per_machine: how many of them a machine has.

    >>> array = np.ones(2)
    >>> Simulated(1000).all_reduce(array)
    >>> array.tolist()
    [1000.0, 1000.0]
    """

    def __init__(self, size: int, rank: int = 0, per_machine: int = 1) -> None:
        self.size, self.rank, self.per_machine = size, rank, per_machine

    @functools.cached_property
    def hosts(self) -> Sequence[str]:  # type: ignore[override] # found when it is asked for
        return tuple([f"machine-{number // self.per_machine}" for number in range(self.size)])

    def all_reduce(self, array: Array, op: str = "sum") -> None:
        if op == "sum":
            array *= self.size
        elif op == "prod":
            array **= self.size

    def reduce_scatter(self, array: Array, bounds: Sequence[int]) -> None:
        array[bounds[self.rank] : bounds[self.rank + 1]] *= self.size

    def all_gather(self, array: Array, bounds: Sequence[int]) -> None:
        """Every part is thought to be there already."""

    def gather_objects(self, value: Any) -> list[Any]:
        return [value] * self.size
