"""`Window`: memory in which the gradients of all ranks are summed, step after step.

A rank fills `own`; the sums appear in `total`. Within a machine `total` is one piece of memory that all ranks read
(`shared_window.py`), so that each sum is computed once, and nobody copies it.

In a step every rank fills its `own`, calls `reduce`, and reads `total`. It fills `own` again only when it is done with
`total`: the next `reduce` begins when all ranks have come to it, so nobody reads what another one writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.base.typing import Array

__all__ = ["LINE", "Range", "Window", "parts"]

LINE = 64  # bytes of a cache line: parts begin with one


def parts(start: int, stop: int, size: int) -> list[int]:
    """Where each rank's part of a range of bytes begins, and where the last one ends; all at lines of the cache.

    >>> parts(0, 300, 2), parts(64, 128, 3)
    ([0, 128, 300], [64, 64, 64, 128])
    """
    lines = (stop - start) // LINE
    return [*[start + LINE * (rank * lines // size) for rank in range(size)], stop]


class Range(NamedTuple):
    """A part of a window: its first byte, the one after its last, and the type of all that lies in it."""

    start: int
    stop: int
    dtype: Any


class Window:
    """Memory of one rank, which a communicator sums.

    Args:
        communicator: a `Communicator` of the ranks. All of them make their windows together.
        nbytes: its size.

    Attributes:
        own: bytes that this rank fills.
        total: bytes in which sums appear: to be read only.
    """

    def __init__(self, communicator: Any, nbytes: int) -> None:
        self.communicator = communicator
        self.own: Array = numpy.zeros(nbytes, "uint8")
        self.total: Array = self.own

    def reduce(self, ranges: Sequence[Range], patient: bool = False) -> None:
        """The sums of all ranks' `own` appear in `total`, the same bits on all."""
        for start, stop, dtype in ranges:
            self.communicator.sum_flat(self.own[start:stop].view(dtype), patient)

    def close(self) -> None:
        """Give the memory back. All ranks do it together; nobody may use arrays of it any more."""
