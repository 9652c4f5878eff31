"""`cupy.cuda.nccl`: what ranks send each other goes over MPI, at the addresses that NCCL would be given."""

from __future__ import annotations

import ctypes

import numpy

KINDS = ["INT8", "UINT8", "INT32", "UINT32", "INT64", "UINT64", "FLOAT16", "FLOAT32", "FLOAT64"]
NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8]  # as in nccl.h
OPERATIONS = ["SUM", "PROD", "MAX", "MIN"]
ID_BYTES = 128


class NcclError(RuntimeError):
    """What the real NCCL raises."""


class NcclCommunicator:
    """A communicator of all ranks, which know each other by an id."""

    def __init__(self, ndev, commId, rank):
        from mpi4py import MPI

        assert isinstance(commId, tuple)
        assert len(commId) == ID_BYTES
        self._mpi = MPI
        self._ranks = _world(ndev)
        if self._ranks.Get_rank() != rank or len(set(self._ranks.allgather(commId))) != 1:
            raise NcclError("NCCL_ERROR_INVALID_ARGUMENT: ranks have other ids")

    def allReduce(self, sendbuf, recvbuf, count, datatype, op, stream):
        source, target = _memory(sendbuf, count, datatype), _memory(recvbuf, count, datatype)
        wide = source.astype("float32") if source.dtype == "float16" else source.copy()
        total = numpy.empty_like(wide)
        self._ranks.Allreduce(wide, total, getattr(self._mpi, OPERATIONS[op]))
        target[:] = total

    def reduce(self, sendbuf, recvbuf, count, datatype, op, root, stream):
        source, target = _memory(sendbuf, count, datatype), _memory(recvbuf, count, datatype)
        total = numpy.empty_like(source)
        self._ranks.Reduce(source.copy(), total, getattr(self._mpi, OPERATIONS[op]), root)
        if self._ranks.Get_rank() == root:
            target[:] = total

    def broadcast(self, sendbuff, recvbuff, count, datatype, root, stream):
        moved = _memory(sendbuff, count, datatype).copy()
        self._ranks.Bcast(moved, root)
        _memory(recvbuff, count, datatype)[:] = moved

    def check_async_error(self):
        return None

    def abort(self):
        return None

    def destroy(self):
        return None


def _world(size):
    """The ranks that take part: those of the communicator in force, of which there must be so many."""
    from eagerflow.distribution.runtime.current import world

    handle = getattr(world.communicator, "control", world.communicator).handle
    assert handle.Get_size() == size
    return handle.Dup()


def _memory(pointer, count, datatype):
    dtype = numpy.dtype(KINDS[NUMBERS.index(datatype)].lower())
    if not count:
        return numpy.empty(0, dtype)
    return numpy.frombuffer((ctypes.c_byte * (count * dtype.itemsize)).from_address(pointer), dtype)


def build(module):
    """Fills `cupy.cuda.nccl`."""
    for name, number in zip(KINDS, NUMBERS):
        setattr(module, f"NCCL_{name}", number)
    for number, name in enumerate(OPERATIONS):
        setattr(module, f"NCCL_{name}", number)
    module.available, module.NcclCommunicator, module.NcclError = True, NcclCommunicator, NcclError
    module.get_unique_id = lambda: tuple(range(ID_BYTES))
    module.groupStart = module.groupEnd = lambda: None
    return module
