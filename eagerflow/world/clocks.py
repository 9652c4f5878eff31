"""What the clocks of the ranks show at the same moment, so that what happened on all of them fits into one picture.

Processes have clocks that begin anywhere, and run at slightly different speeds. Nobody leaves a barrier before the last
one has come to it: so whenever rank r came to a barrier, and rank 0 left it, the first was earlier than the second, and
the other way round. Several barriers narrow the difference of two clocks down to some microseconds, and tell how far
off it may be.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from eagerflow.core import observe
from eagerflow.world.communicator import Communicator

__all__ = ["Clock", "Reading", "read_clocks"]

_ROUNDS = 16  # barriers at once
_PAUSE = 0.0005  # seconds between: whoever has slept is sooner given a processor, where there are too few
_CLOSE = 20_000  # nanoseconds: near enough
_LONG = 500_000_000  # nanoseconds after which what has been found must do


class Reading(NamedTuple):
    """A clock beside that of rank 0, at one moment.

    Attributes:
        at: the moment, on this clock.
        ahead: nanoseconds by which this clock is ahead of that of rank 0.
        error: by how many nanoseconds that may be wrong.
    """

    at: int
    ahead: int
    error: int


def read_clocks(communicator: Communicator) -> Reading:
    """Compare the clocks of all ranks. Collective.

    It takes less than a millisecond, and half a second where there are more ranks than idle processors.
    """
    rank = communicator.rank
    rounds: list[list[tuple[int, int]]] = [[] for _ in range(communicator.size)]
    found: list[tuple[int, int]] = []
    with observe.unobserved():
        while True:
            own = []
            for _ in range(_ROUNDS):
                came = observe.clock()
                communicator.barrier()
                own.append((came, observe.clock()))
            for known, new in zip(rounds, communicator.gather_objects(own)):
                known += new
            found = [_difference(rounds[0], each) for each in rounds]
            took = rounds[0][-1][1] - rounds[0][0][0]  # as everything here, the same on all ranks
            if max([error for _, error in found]) <= _CLOSE or took > _LONG:
                break
            time.sleep(_PAUSE)
    return Reading(rounds[rank][-1][1], *found[rank])


def _difference(first: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """By how much the second clock is ahead, and how far that may be wrong."""
    if first is other:
        return 0, 0
    least = max([came - left for (_, left), (came, _) in zip(first, other)])
    most = min([left - came for (came, _), (_, left) in zip(first, other)])
    return (least + most) // 2, max(0, most - least + 1) // 2


class Clock:
    """Moments of this rank on the clock of rank 0.

    Args:
        readings: one or more, in the order of time. Between two of them the difference changes evenly.

    >>> clock = Clock([Reading(0, 500, 3), Reading(1000, 510, 2)])
    >>> clock.shared(0), clock.shared(1000), clock.error
    (-500, 490, 3)
    """

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._first, self._last = readings[0], readings[-1]
        self.error = max([reading.error for reading in readings])

    def ahead(self, moment: int) -> int:
        """By how much this clock is ahead of that of rank 0."""
        (start, before, _), (end, after, _) = self._first, self._last
        return before if end == start else before + (after - before) * (moment - start) // (end - start)

    def shared(self, moment: int) -> int:
        """A moment of this rank's clock, on the clock of rank 0."""
        return moment - self.ahead(moment)
