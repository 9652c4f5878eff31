"""What the clocks of the ranks show at the same moment, so that what happened on all of them fits into one picture.

Processes have clocks that begin anywhere, and run at slightly different speeds. Nobody leaves a barrier before the last
one has come to it: so whenever rank r came to a barrier, and rank 0 left it, the first was earlier than the second, and
the other way round. Several barriers narrow the difference of two clocks down to some microseconds, and tell how far
off it may be. Ranks that run on one machine, under one kernel, have the same clock.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from eagerflow.core import observe
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["Clock", "Reading", "read_clocks"]

_ROUNDS = 16  # barriers, of which the best ones count
_PAUSE = 0.0005  # seconds between: a process that slept gets a processor sooner, where there are too few
_CLOSE = 20_000  # nanoseconds: near enough
_LONG = 500_000_000  # nanoseconds after which what has been found must do


class Reading(NamedTuple):
    """At a moment of a clock: by how many nanoseconds it is ahead of rank 0's, and how wrong that may be."""

    at: int
    ahead: int
    error: int


def read_clocks(communicator: Communicator) -> Reading:
    """Compare the clocks of all ranks, which takes half a second at most. Collective."""
    best: list[Reading] = []
    began = 0
    with observe.unobserved():
        machines = communicator.gather_objects(_kernel())
        if machines[0] and len(set(machines)) == 1:
            return Reading(observe.clock(), 0, 0)
        while True:
            own = []
            for _ in range(_ROUNDS):
                came = observe.clock()
                communicator.barrier()
                own.append((came, observe.clock()))
            everyone = communicator.gather_objects(own)
            found = [_reading(everyone[0], each) for each in everyone]
            best = [min(pair, key=lambda reading: reading.error) for pair in zip(best or found, found)]
            began = began or everyone[0][0][0]
            took = everyone[0][-1][1] - began  # as everything here, the same on all ranks
            if max([reading.error for reading in best]) <= _CLOSE or took > _LONG:
                return best[communicator.rank]
            time.sleep(_PAUSE)


def _kernel() -> str:
    """What tells the running kernel from all others, whose clocks began elsewhere; empty where that can't be known."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _reading(first: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> Reading:
    """The second clock compared with the first, from the times when both came to barriers and left them."""
    least = max([came - left for (_, left), (came, _) in zip(first, other)])
    most = min([left - came for (came, _), (_, left) in zip(first, other)])
    error = 0 if first is other else max(0, most - least + 1) // 2
    return Reading((other[0][0] + other[-1][1]) // 2, 0 if first is other else (least + most) // 2, error)


class Clock:
    """Moments of this rank on the clock of rank 0; between two readings the difference changes evenly.

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
