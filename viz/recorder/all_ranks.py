"""The recordings of all ranks as one, on rank 0: with the clocks compared at the beginning and at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.core.observe import unobserved
from eagerflow.distribution.runtime.clocks import Clock, read_clocks
from viz.facts import archive
from viz.facts.ranks import note_waits, rank_of, to_clock
from viz.facts.schema import Record

__all__ = ["AllRanks"]

_PIECE = 64 << 20  # bytes sent at once


class AllRanks:
    """A recording that every rank makes of itself, and rank 0 puts together.

    Making it, and `together`, are collective: all ranks do it, at the same place of the program.
    """

    def __init__(self, communicator: Any) -> None:
        self.communicator = communicator
        self._first = read_clocks(communicator)

    def together(self, record: Record) -> Record | None:
        """The records of all ranks as that of rank 0, with the `others` in it; None on other ranks."""
        ranks = self.communicator
        clock = Clock([self._first, read_clocks(ranks)])
        self._name(record, clock)
        gathered = self._gathered(record)
        if ranks.rank:
            return None
        records = [record, *gathered]
        begins = [each.meta["clock"]["began"] for each in records]
        for each, began in zip(records, begins):
            to_clock(each, _moved(each.meta["clock"], began - min(begins)))
        note_waits(records)
        for each in gathered:
            record.notes += [f"rank {rank_of(each)}: {note}" for note in each.notes if note not in record.notes]
        record.others = gathered
        return record

    def _name(self, record: Record, clock: Clock) -> None:
        """Write down whose record it is, and what is to be known of its clock."""
        ranks = self.communicator
        origin, end = record.meta["origin"], record.meta["origin"] + record.meta["duration"]
        began = clock.shared(origin)
        record.meta |= {"rank": ranks.rank, "ranks": ranks.size, "host": ranks.hosts[ranks.rank]}
        record.meta["clock"] = {
            "began": began,  # on the clock of rank 0
            "ahead": clock.ahead(origin),
            "drift": clock.ahead(end) - clock.ahead(origin),
            "over": end - origin,
            "error": clock.error,
        }

    def _gathered(self, record: Record) -> list[Record]:
        """The records of the other ranks, on rank 0. They are sent one by one: all at once might not fit in."""
        ranks, found = self.communicator, []
        with unobserved():
            for rank in range(1, ranks.size):
                packed = archive.packed(record) if ranks.rank == rank else b""
                length = ranks.broadcast_object(len(packed), rank)
                content = numpy.frombuffer(bytearray(packed or bytes(length)), "uint8")
                for start in range(0, length, _PIECE):
                    ranks.broadcast(content[start : start + _PIECE], rank)
                if ranks.rank == 0:
                    found.append(archive.unpacked(content.tobytes()))
        return found


def _moved(clock: dict[str, Any], later: int) -> Callable[[int], int]:
    """What takes times of a record from its own clock to that of rank 0."""
    drift, over = clock["drift"], max(1, clock["over"])
    return lambda moment: moment + later - drift * moment // over
