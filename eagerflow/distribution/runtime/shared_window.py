"""`SharedWindow`: ranks of one machine sum in memory that they share; one rank of each machine talks to the others.

Each rank sums its part of a range over all ranks of its machine, straight from where they filled it, and leaves the
sum where all of them read it: two passes over the memory, whereas messages would copy everything several times.
Ranks wait for each other at counters in the same memory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.distribution.runtime.faults import wait
from eagerflow.distribution.runtime.window import Range, Window, parts

__all__ = ["Machine", "SharedWindow"]

_PAGE = 4096
_PIECE = 1 << 18  # bytes summed at once: they stay in the cache while further ranks' are added
_SPIN = 2e-3  # seconds of looking at the counters before a rank that isn't patient sleeps between two looks
_MEMORY = "/dev/shm"  # where MPI keeps shared memory, on Linux


class Machine:
    """The ranks of one machine, and their way to the other machines.

    Args:
        communicator: an `Mpi` of all ranks; collective.
        number: of the machine that this rank is on; default: it is found out. Tests have many machines on one.

    Attributes:
        handle: the communicator of mpi4py among the ranks of this machine.
        leaders: an `Mpi` of one rank per machine; None on the other ranks, and where there is one machine.
        rank: the number of this process on its machine.
        size: the number of ranks on the machine.
        several: whether there are other machines.
    """

    def __init__(self, communicator: Any, number: int | None = None) -> None:
        self.engine = communicator.engine
        if number is None:
            self.handle = communicator.handle.Split_type(self.engine.COMM_TYPE_SHARED, communicator.rank)
        else:
            self.handle = communicator.handle.Split(number, communicator.rank)
        self.rank, self.size = self.handle.Get_rank(), self.handle.Get_size()
        heads = sorted(set(communicator.gather_objects(self.handle.bcast(communicator.rank))))
        self.several = len(heads) > 1
        self.leaders = communicator.part(heads) if self.several else None

    def has_room(self, nbytes: int) -> bool:
        """Whether this machine has shared memory of that size left; a page too many would kill the process."""
        try:
            found = os.statvfs(_MEMORY)
        except (OSError, AttributeError):
            return True  # no such limit is known here
        return found.f_bavail * found.f_frsize > nbytes + nbytes // 8


class SharedWindow(Window):
    """A window whose `total` all ranks of a machine see."""

    def __init__(self, machine: Machine, nbytes: int) -> None:
        self.machine = machine
        room = _PAGE + -(-nbytes // _PAGE) * _PAGE
        hints = machine.engine.Info.Create({"alloc_shared_noncontig": "true"})
        size = room + (room if machine.rank == 0 else 0)
        self._memory = machine.engine.Win.Allocate_shared(size, 1, hints, machine.handle)
        hints.Free()
        self._memory.Lock_all()
        everyone = [
            numpy.frombuffer(self._memory.Shared_query(rank)[0], "uint8")[: 2 * room if rank == 0 else room]
            for rank in range(machine.size)
        ]
        everyone[machine.rank][:] = 0
        self.all = [memory[_PAGE : _PAGE + nbytes] for memory in everyone]
        self.own = self.all[machine.rank]
        self.total = everyone[0][room + _PAGE : room + _PAGE + nbytes]
        self._counters = [memory[:8].data.cast("q") for memory in everyone]
        self._turn = 0
        machine.handle.Barrier()

    def _meet(self, patient: bool) -> None:
        """Wait until all ranks of the machine are here; they see what the others wrote before."""
        self._turn = turn = self._turn + 1
        self._memory.Sync()
        self._counters[self.machine.rank][0] = turn
        for counter in self._counters:
            wait(lambda counter=counter: counter[0] >= turn, "sum of gradients", 0.0 if patient else _SPIN)  # type: ignore[misc]
        self._memory.Sync()

    def reduce(self, ranges: Sequence[Range], patient: bool = False) -> None:
        machine = self.machine
        self._meet(patient)
        for start, stop, dtype in ranges:
            cuts = parts(start, stop, machine.size)
            self._sum(cuts[machine.rank], cuts[machine.rank + 1], dtype)
        self._meet(patient)
        if machine.several:
            if machine.leaders is not None:
                for start, stop, dtype in ranges:
                    machine.leaders.sum_flat(self.total[start:stop].view(dtype), patient)
            self._meet(patient)

    def _sum(self, start: int, stop: int, dtype: Any) -> None:
        """Add all ranks' values up, in the order of the ranks."""
        total = self.total[start:stop].view(dtype)
        first, *others = [memory[start:stop].view(dtype) for memory in self.all]
        if not others:
            total[...] = first
            return
        length = _PIECE // dtype.itemsize if len(others) > 1 else max(1, total.size)
        for begin in range(0, total.size, length):
            piece = slice(begin, begin + length)
            numpy.add(first[piece], others[0][piece], out=total[piece])
            for other in others[1:]:
                total[piece] += other[piece]

    def close(self) -> None:
        self.own = self.total = numpy.empty(0, "uint8")
        self.all, self._counters = [], []
        self._memory.Unlock_all()
        self._memory.Free()
