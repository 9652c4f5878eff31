"""`Mpi`: ranks that a launcher of MPI started (`mpiexec`, `srun`, `python -m eagerflow launch`)."""

from __future__ import annotations

import os
import pickle
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy

from eagerflow.base.text.extras import pip_install
from eagerflow.base.typing import Array
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.faults import wait
from eagerflow.distribution.runtime.shared_window import Machine, SharedWindow
from eagerflow.distribution.runtime.window import Window

__all__ = ["Mpi"]

_NARROW = ("float16", "bfloat16")  # types that MPI doesn't know: they are summed in float32
_MESSAGE = 12 << 20  # bytes: larger arrays are slower at once
# Gradients go in pieces, some of them at once, so that the cable isn't idle while others are added up: 840 ms for
# 100 MB over 1 Gbit/s instead of 900, where 800 is the least.
_PIECE, _UNDER_WAY = 3 << 20, 4
_SPIN = 0.2  # seconds of looking all the time whether a message has come


class Mpi(Communicator):
    """A communicator of MPI.

    All waits are ours (`faults.wait`): MPI's own keep a processor busy, and know no timeout.

    Args:
        handle: a communicator of mpi4py; default: all ranks that were started together.

    Raises:
        ImportError: when mpi4py or an MPI library is missing, with the extra to install.
    """

    def __init__(self, handle: Any = None) -> None:
        self.engine = _engine()
        self.handle = self.engine.COMM_WORLD if handle is None else handle
        self.rank, self.size = self.handle.Get_rank(), self.handle.Get_size()
        self.threads = bool(self.engine.Query_thread() == self.engine.THREAD_MULTIPLE)
        everyone = self.handle.allgather((self.engine.Get_processor_name(), os.getpid()))
        self.hosts, self.processes = zip(*everyone)
        self._machine: Machine | None = None
        self._ops = {"sum": self.engine.SUM, "max": self.engine.MAX, "min": self.engine.MIN, "prod": self.engine.PROD}

    def all_reduce(self, array: Array, op: str = "sum") -> None:
        if array.dtype.name in _NARROW or array.dtype.kind == "b":
            wide = array.astype("float32" if array.dtype.kind != "b" else "int64")
            self.all_reduce(wide, op)
            array[...] = wide.astype(array.dtype)
        elif op == "sum" and array.nbytes > _MESSAGE:
            self.sum_flat(array.reshape(-1))
        else:
            wait(self.handle.Iallreduce(self.engine.IN_PLACE, array, self._ops[op]).Test, "all-reduce", _SPIN)

    def sum_flat(self, array: Array, patient: bool = False) -> None:
        length = max(1, _PIECE // array.itemsize)
        spin = 0.0 if patient else _SPIN
        under_way: deque[Any] = deque()
        for begin in range(0, array.size, length):
            if len(under_way) == _UNDER_WAY:
                wait(under_way.popleft().Test, "sum of gradients", spin)
            piece = array[begin : begin + length]
            under_way.append(self.handle.Iallreduce(self.engine.IN_PLACE, piece, self.engine.SUM))
        while under_way:
            wait(under_way.popleft().Test, "sum of gradients", spin)

    def broadcast(self, array: Array, root: int = 0) -> None:
        wait(self.handle.Ibcast(array.view("uint8") if array.ndim else array, root).Test, "broadcast", _SPIN)

    def gather_objects(self, value: Any) -> list[Any]:
        sent = numpy.frombuffer(pickle.dumps(value), "uint8")
        sizes = numpy.empty(self.size, "int64")
        wait(self.handle.Iallgather(numpy.array([sent.size]), sizes).Test, "all-gather", _SPIN)
        found = numpy.empty(sizes.sum(), "uint8")
        wait(self.handle.Iallgatherv(sent, [found, sizes.tolist()]).Test, "all-gather", _SPIN)
        ends = numpy.cumsum(sizes).tolist()
        return [pickle.loads(found[end - size : end].tobytes()) for size, end in zip(sizes.tolist(), ends)]

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        sent = numpy.frombuffer(pickle.dumps(value if self.rank == root else None), "uint8").copy()
        size = numpy.array([sent.size])
        self.broadcast(size, root)
        found = sent if self.rank == root else numpy.empty(size.item(), "uint8")
        self.broadcast(found, root)
        return value if self.rank == root else pickle.loads(found.tobytes())

    def barrier(self) -> None:
        wait(self.handle.Ibarrier().Test, "barrier", _SPIN)

    @property
    def machine(self) -> Machine:
        """The ranks of this machine. Collective at the first call."""
        if self._machine is None:
            self._machine = Machine(self)
        return self._machine

    def window(self, nbytes: int) -> Window:
        machine = self.machine
        found = numpy.array([machine.size > 1, not machine.has_room((machine.size + 1) * nbytes)], "int64")
        self.all_reduce(found, "max")
        shared, full = found.tolist()
        return SharedWindow(machine, nbytes) if shared and not full else Window(self, nbytes)

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


def _engine() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py is there, and no MPI library
        raise ImportError(
            f"many ranks need mpi4py and an MPI library ({error}); 'eagerflow[mpi]' brings both. Fix: "
            f"{pip_install('mpi4py', 'mpich')}; on a cluster that has an MPI of its own: {pip_install('mpi4py')}"
        ) from error
    return MPI
