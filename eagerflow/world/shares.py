"""Which rows of a global batch a rank works on, and what they weigh.

A global batch of `rows` rows is cut in the order of its rows. Rank r of n takes rows `r * rows // n` to
`(r + 1) * rows // n`: no divisibility is asked for, and sizes differ by one at most.
"""

from __future__ import annotations

from typing import NamedTuple

from eagerflow.world.communicator import Communicator

__all__ = ["Share", "bounds", "share_of"]


class Share(NamedTuple):
    """A rank's part of a global batch.

    Attributes:
        communicator: of the ranks among which the batch is shared.
        start: the first row of this rank.
        stop: the one after its last.
        rows: of the whole batch.
        summed: what the ranks minimize is the sum of their losses, as with TensorFlow's replicas, whose losses are
            divided by the number of all rows; otherwise it is the mean, each loss counted by its rows.
        gathers: metrics take in the rows of all ranks: nobody puts together what each has counted, as loops of ours do.

    A rank whose share is empty (`start == stop`) still makes the step, on one row that weighs nothing, so that it
    takes part in all that ranks do together.

    >>> from eagerflow.world.communicator import Alone
    >>> share = Share(Alone(), 0, 3, 4)
    >>> share.own, share.weight
    (3, 0.75)
    """

    communicator: Communicator
    start: int
    stop: int
    rows: int
    summed: bool = False
    gathers: bool = False

    @property
    def own(self) -> int:
        """How many rows are this rank's."""
        return self.stop - self.start

    @property
    def weight(self) -> float:
        """What this rank's loss counts in that of all: its gradient is multiplied by it."""
        if self.summed:
            return 1.0 if self.own else 0.0
        return self.fraction

    @property
    def fraction(self) -> float:
        """This rank's part of all rows."""
        return self.own / self.rows


def bounds(rows: int, size: int) -> list[int]:
    """Where the shares of a batch begin, and where the last one ends.

    >>> bounds(10, 4)
    [0, 2, 5, 7, 10]
    """
    return [rank * rows // size for rank in range(size + 1)]


def share_of(communicator: Communicator, rows: int) -> Share:
    """This rank's share of a global batch."""
    rank, size = communicator.rank, communicator.size
    return Share(communicator, rank * rows // size, (rank + 1) * rows // size, rows)
