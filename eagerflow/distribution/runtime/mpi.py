"""`Mpi`: ranks that a launcher of MPI started (`mpiexec`, `srun`, `python -m eagerflow launch`)."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy

from eagerflow.base.text.extras import pip_install
from eagerflow.base.typing import Array
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.compressed_sums import sum_compressed
from eagerflow.distribution.runtime.shared_window import Machine, SharedWindow
from eagerflow.distribution.runtime.window import Window

__all__ = ["Mpi"]

_NARROW = ("float16", "bfloat16")  # types that MPI doesn't know: they are summed in float32
_MESSAGE = 12 << 20  # bytes: larger arrays are slower at once
# Gradients go in pieces, some of them at once, so that the cable isn't idle while others are added up: 840 ms for
# 100 MB over 1 Gbit/s instead of 900, where 800 is the least.
_PIECE, _UNDER_WAY = 3 << 20, 4
_NAP = 50e-6  # seconds between two looks whether a message has come
_HURRY, _LONG_NAP = 0.2, 1e-3  # seconds of looking all the time, and between looks after that
_yield: Callable[[], None] = getattr(os, "sched_yield", lambda: time.sleep(0))


class Mpi(Communicator):
    """A communicator of MPI.

    Args:
        handle: a communicator of mpi4py; default: all ranks that were started together.

    Raises:
        ImportError: when mpi4py or an MPI library is missing, with the extra to install.
    """

    def __init__(self, handle: Any = None) -> None:
        self.engine = _engine()
        self.handle = self.engine.COMM_WORLD if handle is None else handle
        self.rank, self.size = self.handle.Get_rank(), self.handle.Get_size()
        self.hosts = tuple(self.handle.allgather(self.engine.Get_processor_name()))
        self._machine: Machine | None = None
        self._ops = {"sum": self.engine.SUM, "max": self.engine.MAX, "min": self.engine.MIN, "prod": self.engine.PROD}

    def all_reduce(self, array: Array, op: str = "sum") -> None:
        if array.dtype.name in _NARROW or array.dtype.kind == "b":
            wide = array.astype("float32" if array.dtype.kind != "b" else "int64")
            _wait(self.handle.Iallreduce(self.engine.IN_PLACE, wide, self._ops[op]))
            array[...] = wide.astype(array.dtype)
        elif op == "sum" and array.nbytes > _MESSAGE:
            self.sum_flat(array.reshape(-1))
        else:
            _wait(self.handle.Iallreduce(self.engine.IN_PLACE, array, self._ops[op]))

    def sum_flat(self, array: Array, wire: str | None = None, patient: bool = False) -> None:
        if self.size == 1:
            return
        if wire is not None and array.dtype.name == "float32":
            sum_compressed(self, array, wire)
            return
        length = max(1, _PIECE // array.itemsize)
        under_way: deque[Any] = deque()
        for begin in range(0, array.size, length):
            piece = array[begin : begin + length]
            if len(under_way) == _UNDER_WAY:
                _wait(under_way.popleft(), patient)
            # The same call whether patient or not: what is patient on one rank may be hurried on another, and MPI
            # lets no blocking call meet one that isn't.
            under_way.append(self.handle.Iallreduce(self.engine.IN_PLACE, piece, self.engine.SUM))
        while under_way:
            _wait(under_way.popleft(), patient)

    def exchange(self, sent: Array, got: Array, cuts: Sequence[int]) -> None:
        """Rank r gets `sent[cuts[r]:cuts[r + 1]]` of all ranks, one after the other. Not for types unknown to MPI."""
        counts = numpy.diff(cuts).tolist()
        mine = counts[self.rank]
        starts = [mine * rank for rank in range(self.size)]
        self.handle.Alltoallv([sent, (counts, list(cuts[:-1]))], [got, ([mine] * self.size, starts)])

    def reduce_scatter(self, array: Array, bounds: Sequence[int]) -> None:
        own = numpy.empty(bounds[self.rank + 1] - bounds[self.rank], array.dtype)
        self.handle.Reduce_scatter(array, own, numpy.diff(bounds).tolist(), self.engine.SUM)
        array[bounds[self.rank] : bounds[self.rank + 1]] = own

    def all_gather(self, array: Array, bounds: Sequence[int]) -> None:
        whole = [array.view("uint8"), [n * array.itemsize for n in numpy.diff(bounds).tolist()]]
        self.handle.Allgatherv(self.engine.IN_PLACE, whole)

    def broadcast(self, array: Array, root: int = 0) -> None:
        self.handle.Bcast(array.view("uint8") if array.ndim else array, root)

    def gather_objects(self, value: Any) -> list[Any]:
        return list(self.handle.allgather(value))

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        return self.handle.bcast(value, root)

    def barrier(self) -> None:
        self.handle.Barrier()

    def allocate(self, nbytes: int) -> Array:
        return numpy.zeros(nbytes, "uint8")

    @property
    def machine(self) -> Machine:
        """The ranks of this machine. Collective at the first call."""
        if self._machine is None:
            self._machine = Machine(self)
        return self._machine

    def common(self, nbytes: int) -> Array:
        machine = self.machine
        short = [text for text in self.gather_objects("" if machine.room(nbytes) else machine.short(nbytes)) if text]
        if short:
            raise MemoryError(short[0])
        return machine.common(nbytes)

    def window(self, nbytes: int) -> Window:
        machine = self.machine
        found = numpy.array([machine.size > 1, not machine.room((machine.size + 1) * nbytes)], "int64")
        self.all_reduce(found, "max")
        shared, full = found.tolist()
        return SharedWindow(self, machine, nbytes) if shared and not full else Window(self, nbytes)

    @property
    def threads(self) -> bool:
        return bool(self.engine.Query_thread() == self.engine.THREAD_MULTIPLE)

    def duplicate(self) -> Communicator:
        return Mpi(self.handle.Dup())

    def part(self, ranks: Sequence[int]) -> Mpi | None:
        """A communicator of some of the ranks, in this order; None for a rank that isn't one of them."""
        mine = self.rank in ranks
        key = list(ranks).index(self.rank) if mine else 0
        made = self.handle.Split(0 if mine else self.engine.UNDEFINED, key)
        return Mpi(made) if mine else None

    def abort(self, code: int = 1) -> NoReturn:
        sys.stderr.flush()
        self.handle.Abort(code)
        raise AssertionError("MPI_Abort came back")


def _wait(request: Any, patient: bool = False) -> None:
    """MPI's own blocking calls keep a processor busy all the while: steps wait here, for ranks that may stand still."""
    hurried_until = 0.0 if patient else time.monotonic() + _HURRY
    while not request.Test():
        if patient:
            time.sleep(_NAP)
        elif time.monotonic() < hurried_until:
            _yield()
        else:
            time.sleep(_LONG_NAP)


def _engine() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py is there, and no MPI library
        raise ImportError(
            f"many ranks need mpi4py and an MPI library ({error}); 'eagerflow[mpi]' brings both. Fix: "
            f"{pip_install('mpi4py', 'mpich')}; on a cluster that has an MPI of its own: {pip_install('mpi4py')}"
        ) from error
    return MPI
