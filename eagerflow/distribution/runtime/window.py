"""`Window`: memory in which the gradients of all ranks meet, to be summed step after step.

A rank fills `own`; the sums appear in `total`. Within a machine `total` is one piece of memory that all ranks read
(`shared_window.py`), so that a sum is made once, and nobody copies it.

How a step goes: every rank fills its `own`, calls `reduce`, and reads `total`. It fills `own` again only when it is
done with `total`: the next `reduce` begins when all ranks have come to it, so nobody reads what another one writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

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
    """A part of a window.

    Attributes:
        start: its first byte, at a line of the cache.
        stop: the one after its last.
        dtype: the type of all that lies in it.
    """

    start: int
    stop: int
    dtype: Any


class Window:
    """Memory of one rank, whose sums a communicator makes.

    Args:
        communicator: a `Communicator` of the ranks. All of them make their windows together.
        nbytes: how large it is.

    Attributes:
        own: bytes that this rank fills.
        total: bytes in which sums appear: to be read only.
        place: this rank's number among the parts of `scatter` and `gather`.
    """

    def __init__(self, communicator: Any, nbytes: int) -> None:
        self.communicator = communicator
        self.own: Array = communicator.allocate(nbytes)
        self.total: Array = self.own
        self.place = communicator.rank

    def meet(self, patient: bool = False) -> None:
        """Wait until no rank reads this `total` any more: to be called before parts of it are written."""

    def part(self, start: int, stop: int) -> tuple[int, int]:
        """The part of a range of bytes that is this rank's in `scatter` and `gather`."""
        cuts = parts(start, stop, self.communicator.size)
        return cuts[self.place], cuts[self.place + 1]

    def reduce(self, ranges: Sequence[Range], wire: str | None = None, patient: bool = False) -> None:
        """The sums of all ranks' `own` appear in `total`, the same bits on all.

        Args:
            ranges: where.
            wire: the type in which they are sent between machines; None: as they are.
            patient: wait without keeping a processor busy.
        """
        for start, stop, dtype in ranges:
            self.communicator.sum_flat(self.own[start:stop].view(dtype), wire, patient)

    def scatter(self, ranges: Sequence[Range], patient: bool = False) -> None:
        """The sums appear in this rank's parts of the ranges in `total`; the rest of them is spoilt."""
        for start, stop, dtype in ranges:
            self.communicator.reduce_scatter(self.own[start:stop].view(dtype), self._cuts(start, stop, dtype))

    def glance(self, found: Range, patient: bool = False) -> Array:
        """The sums of a few numbers, just after `scatter`; to be read before `gather`."""
        self.reduce([found], None, patient)
        return self.total[found.start : found.stop].view(found.dtype)

    def gather(self, ranges: Sequence[Range], patient: bool = False) -> None:
        """Ranges of `total` of which every rank wrote its part become whole."""
        for start, stop, dtype in ranges:
            self.communicator.all_gather(self.total[start:stop].view(dtype), self._cuts(start, stop, dtype))

    def _cuts(self, start: int, stop: int, dtype: Any) -> list[int]:
        return [(cut - start) // dtype.itemsize for cut in parts(start, stop, self.communicator.size)]

    def close(self) -> None:
        """Give the memory back. All ranks do it together; nobody may use arrays of it any more."""
