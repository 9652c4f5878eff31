"""`SharedWindow`: ranks of one machine sum in memory that they share; one rank of each machine talks to the others.

Each rank sums its part of a range over all ranks of its machine, straight from where they filled it, and leaves the
sum where all of them read it: two passes over the memory, whereas messages would copy everything several times.
Ranks wait for each other at counters in the same memory.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.base.typing import Array
from eagerflow.distribution.runtime.window import Range, Window, parts

__all__ = ["Machine", "SharedWindow"]

_PAGE = 4096
_PIECE = 1 << 18  # bytes summed at once: they stay in the cache while further ranks' are added
_YIELDS, _POLLS = 2000, 4  # looks at the counters before a rank that waits begins to sleep: hurried, patient
_NAP = 50e-6  # seconds
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
        size: how many ranks the machine has.
        order: all ranks, machine by machine.
        several: whether there are other machines.
    """

    def __init__(self, communicator: Any, number: int | None = None) -> None:
        engine = communicator.engine
        self.engine = engine
        if number is None:
            self.handle = communicator.handle.Split_type(engine.COMM_TYPE_SHARED, communicator.rank)
        else:
            self.handle = communicator.handle.Split(number, communicator.rank)
        self.rank, self.size = self.handle.Get_rank(), self.handle.Get_size()
        self.leader = self.handle.bcast(communicator.rank)
        everyone = communicator.gather_objects((self.leader, communicator.rank))
        self.order = [rank for _, rank in sorted(everyone)]
        heads = sorted({leader for leader, _ in everyone})
        self.several = len(heads) > 1
        self.sizes = [sum(leader == head for leader, _ in everyone) for head in heads]
        self.leaders = communicator.part(heads) if self.several else None
        self._kept: list[Any] = []  # memory that is never given back

    def room(self, nbytes: int) -> bool:
        """Whether this machine has shared memory of that size left; a page too many would kill the process."""
        try:
            found = os.statvfs(_MEMORY)
        except (OSError, AttributeError):
            return True  # no such limit is known here
        return found.f_bavail * found.f_frsize > nbytes + nbytes // 8

    def short(self, nbytes: int) -> str:
        """What to say where there is too little of it."""
        return (
            f"{socket.gethostname()}: {_MEMORY}, where processes share memory, has no room for {nbytes:,} bytes. Make "
            "it larger (mount -o remount,size=..., docker run --shm-size=...)."
        )

    def common(self, nbytes: int) -> Array:
        """Bytes that all ranks of the machine see, until they end; they lie with the first of them."""
        size = nbytes if self.rank == 0 else 0
        self._kept.append(self.engine.Win.Allocate_shared(size, 1, comm=self.handle))
        return numpy.frombuffer(self._kept[-1].Shared_query(0)[0], "uint8")[:nbytes]


class SharedWindow(Window):
    """A window whose `total`, and whose parts, all ranks of a machine see.

    Args:
        communicator: an `Mpi`.
        machine: its machine.
        nbytes: how large it is.
    """

    def __init__(self, communicator: Any, machine: Machine, nbytes: int) -> None:
        self.communicator, self.machine = communicator, machine
        self.place = machine.order.index(communicator.rank)
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
        counters = [memory[:8].data.cast("q") for memory in everyone]
        self._counter, self._others = counters[machine.rank], counters[: machine.rank] + counters[machine.rank + 1 :]
        self._turn = 0
        machine.handle.Barrier()

    def meet(self, patient: bool = False) -> None:
        """Wait until all ranks of the machine are here; they see what the others wrote before."""
        self._turn = turn = self._turn + 1
        self._memory.Sync()
        self._counter[0] = turn
        looks = _POLLS if patient else _YIELDS
        for other in self._others:
            while other[0] < turn:
                looks -= 1
                time.sleep(0 if looks > 0 else _NAP)
        self._memory.Sync()

    def reduce(self, ranges: Sequence[Range], wire: str | None = None, patient: bool = False) -> None:
        machine = self.machine
        self.meet(patient)
        for start, stop, dtype in ranges:
            cuts = parts(start, stop, machine.size)
            self._sum(cuts[machine.rank], cuts[machine.rank + 1], dtype)
        self.meet(patient)
        if machine.several:
            if machine.leaders is not None:
                for start, stop, dtype in ranges:
                    machine.leaders.sum_flat(self.total[start:stop].view(dtype), wire, patient)
            self.meet(patient)

    def scatter(self, ranges: Sequence[Range], patient: bool = False) -> None:
        machine = self.machine
        self.meet(patient)
        if not machine.several:
            for start, stop, dtype in ranges:
                self._sum(*self.part(start, stop), dtype)
        else:
            for start, stop, dtype in ranges:
                cuts = parts(start, stop, machine.size)
                self._sum(cuts[machine.rank], cuts[machine.rank + 1], dtype)
            self.meet(patient)
            if machine.leaders is not None:
                for start, stop, dtype in ranges:
                    whole = self.total[start:stop].view(dtype)
                    machine.leaders.reduce_scatter(whole, self._of_machines(start, stop, dtype))
        self.meet(patient)

    def glance(self, found: Range, patient: bool = False) -> Array:
        if self.machine.several:
            return super().glance(found, patient)
        every = [memory[found.start : found.stop].view(found.dtype) for memory in self.all]
        return sum(every[1:], every[0])  # everybody adds them up: quicker than waiting for each other

    def gather(self, ranges: Sequence[Range], patient: bool = False) -> None:
        self.meet(patient)
        if self.machine.several:
            if self.machine.leaders is not None:
                for start, stop, dtype in ranges:
                    whole = self.total[start:stop].view(dtype)
                    self.machine.leaders.all_gather(whole, self._of_machines(start, stop, dtype))
            self.meet(patient)

    def _of_machines(self, start: int, stop: int, dtype: Any) -> list[int]:
        """Where the parts of each machine's ranks begin, in elements: they lie side by side."""
        cuts, ranks = parts(start, stop, self.communicator.size), numpy.cumsum([0, *self.machine.sizes])
        return [(cuts[rank] - start) // dtype.itemsize for rank in ranks]

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
        self.all = []
        self._counter, self._others = memoryview(b"").cast("q"), []
        self._memory.Unlock_all()
        self._memory.Free()
