"""Ranks whose arrays lie on GPUs: by NCCL where each has a GPU of its own, otherwise through the host's memory.

MPI stays what ranks meet by: it tells all of them NCCL's id, and carries what lies on the host.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy

from eagerflow.base.text.extras import pip_install
from eagerflow.base.typing import Array
from eagerflow.core.device import (
    current_device,
    default_device,
    is_device_array,
    list_devices,
    load_cupy,
    set_default_device,
)
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.window import Window

__all__ = ["Nccl", "Staged", "for_gpus", "with_gpus"]

# NumPy's types by the name of NCCL's constant; complex numbers are summed as pairs.
_TYPES = {
    "int8": "NCCL_INT8",
    "uint8": "NCCL_UINT8",
    "int32": "NCCL_INT32",
    "uint32": "NCCL_UINT32",
    "int64": "NCCL_INT64",
    "uint64": "NCCL_UINT64",
    "float16": "NCCL_FLOAT16",
    "float32": "NCCL_FLOAT32",
    "float64": "NCCL_FLOAT64",
}


class Staged(Communicator):
    """Arrays of GPUs over another communicator, through pinned memory of the host. Slow, and always there.

    It is also how several ranks share one GPU, which NCCL refuses.

    Args:
        control: carries arrays of the host.
    """

    takes_device_arrays = True

    def __init__(self, control: Communicator) -> None:
        self.control = control
        self.rank, self.size, self.hosts = control.rank, control.size, control.hosts
        self._pinned: Any = None

    @contextmanager
    def _on_host(self, array: Array) -> Iterator[Array]:
        """A copy on the host, which is copied back at the end; an array of the host itself."""
        if not is_device_array(array):
            yield array
            return
        host = self._memory(array.nbytes)[: array.nbytes].view(array.dtype).reshape(array.shape)
        array.get(out=host)
        yield host
        array.set(host)

    def _memory(self, nbytes: int) -> Array:
        """Pinned memory, from which the GPU copies twice as fast; kept, since the same arrays come again."""
        if self._pinned is None or self._pinned.nbytes < nbytes:
            self._pinned = numpy.frombuffer(load_cupy().cuda.alloc_pinned_memory(max(nbytes, 1)), "uint8")
        return self._pinned

    def all_reduce(self, array: Array, op: str = "sum") -> None:
        with self._on_host(array) as host:
            self.control.all_reduce(host, op)

    def reduce_scatter(self, array: Array, bounds: Sequence[int]) -> None:
        with self._on_host(array) as host:
            self.control.reduce_scatter(host, bounds)

    def all_gather(self, array: Array, bounds: Sequence[int]) -> None:
        with self._on_host(array) as host:
            self.control.all_gather(host, bounds)

    def broadcast(self, array: Array, root: int = 0) -> None:
        with self._on_host(array) as host:
            self.control.broadcast(host, root)

    def gather_objects(self, value: Any) -> list[Any]:
        return self.control.gather_objects(value)

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        return self.control.broadcast_object(value, root)

    def barrier(self) -> None:
        self.control.barrier()

    def allocate(self, nbytes: int) -> Array:
        return self.control.allocate(nbytes)

    def common(self, nbytes: int) -> Array:
        return self.control.common(nbytes)

    def window(self, nbytes: int) -> Window:
        return self.control.window(nbytes)

    @property
    def threads(self) -> bool:
        return self.control.threads

    def duplicate(self) -> Communicator:
        return type(self)(self.control.duplicate())

    def abort(self, code: int = 1) -> NoReturn:
        self.control.abort(code)


class Nccl(Staged):
    """Arrays of GPUs by NCCL, on a stream of its own; everything else over another communicator.

    A call comes back at once: what the GPU computes next waits for it there.

    Args:
        control: carries NCCL's id, and arrays of the host. Each of its ranks has a GPU of its own.
    """

    sums_on_device = True

    def __init__(self, control: Communicator) -> None:
        super().__init__(control)
        cupy = self._cupy = load_cupy()
        nccl = self._nccl = cupy.cuda.nccl
        known = control.broadcast_object(nccl.get_unique_id() if control.rank == 0 else None)
        self._handle = nccl.NcclCommunicator(self.size, known, self.rank)
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._reductions = {name: getattr(nccl, f"NCCL_{name.upper()}") for name in ("sum", "prod", "max", "min")}

    @contextmanager
    def _own_stream(self) -> Iterator[int]:
        """Inside the block NCCL works behind what was computed before, and before what is computed after it."""
        current = self._cupy.cuda.get_current_stream()
        self._stream.wait_event(current.record())
        yield self._stream.ptr
        current.wait_event(self._stream.record())

    def _as_pairs(self, array: Array) -> Array:
        return array.view("float32" if array.dtype == "complex64" else "float64")

    def _fits(self, array: Array) -> bool:
        known = array.dtype.name in _TYPES or array.dtype.kind == "c"
        return is_device_array(array) and known and bool(array.flags.c_contiguous)

    def _type(self, array: Array) -> int:
        found: int = getattr(self._nccl, _TYPES[array.dtype.name])
        return found

    def all_reduce(self, array: Array, op: str = "sum") -> None:
        if not self._fits(array) or (array.dtype.kind == "c" and op != "sum"):
            super().all_reduce(array, op)
            return
        array = self._as_pairs(array) if array.dtype.kind == "c" else array
        with self._own_stream() as stream:
            pointer = array.data.ptr
            self._handle.allReduce(pointer, pointer, array.size, self._type(array), self._reductions[op], stream)

    def sum_flat(self, array: Array, wire: str | None = None, patient: bool = False) -> None:
        if wire is None or array.dtype.name not in ("float32", "float64") or wire not in _TYPES:
            self.all_reduce(array)
            return
        narrow = array.astype(wire)  # NCCL sums it in this type
        self.all_reduce(narrow)
        array[...] = narrow

    def reduce_scatter(self, array: Array, bounds: Sequence[int]) -> None:
        if not self._fits(array) or array.dtype.kind == "c":
            super().reduce_scatter(array, bounds)
            return
        with self._own_stream() as stream, self._group():
            for root, part in enumerate(self._parts(array, bounds)):
                pointer, kind = part.data.ptr, self._type(part)
                self._handle.reduce(pointer, pointer, part.size, kind, self._reductions["sum"], root, stream)

    def all_gather(self, array: Array, bounds: Sequence[int]) -> None:
        if not self._fits(array):
            super().all_gather(array, bounds)
            return
        with self._own_stream() as stream, self._group():
            for root, part in enumerate(self._parts(array, bounds)):
                self._broadcast(part, root, stream)

    def broadcast(self, array: Array, root: int = 0) -> None:
        if not self._fits(array):
            super().broadcast(array, root)
            return
        with self._own_stream() as stream:
            self._broadcast(array, root, stream)

    def _broadcast(self, array: Array, root: int, stream: int) -> None:
        raw, pointer = array.nbytes, array.data.ptr
        self._handle.broadcast(pointer, pointer, raw, self._nccl.NCCL_UINT8, root, stream)

    def _parts(self, array: Array, bounds: Sequence[int]) -> Iterator[Array]:
        """The parts of all ranks, which needn't be equally long, so that NCCL's own calls for that don't serve."""
        for start, stop in itertools.pairwise(bounds):
            yield array[start:stop]

    @contextmanager
    def _group(self) -> Iterator[None]:
        self._nccl.groupStart()
        try:
            yield
        finally:
            self._nccl.groupEnd()

    def abort(self, code: int = 1) -> NoReturn:
        self._handle.abort()
        super().abort(code)


def with_gpus(control: Communicator) -> Communicator:
    """A communicator for arrays where new tensors are made: of several ranks on GPUs, each takes one of its machine's.

    What the user chose stays for a single rank, and for ranks on the CPU.
    """
    if control.size == 1 or default_device().kind == "cpu":
        return control
    there = len(list_devices()) - 1
    set_default_device(f"gpu:{control.local_rank % max(there, 1)}")
    return for_gpus(control)


def for_gpus(control: Communicator) -> Communicator:
    """What carries the arrays of GPUs: NCCL where all ranks have it and a GPU each, otherwise the host's memory.

    If it isn't NCCL, rank 0 warns once and says why.
    """
    problem = _without_nccl()
    told = control.gather_objects((problem, control.hosts[control.rank], _gpu()))
    missing = next((found for found, _, _ in told if found), "")
    places = [place for _, *place in told]
    if not missing and any(places.count(place) > 1 for place in places):
        missing = "several ranks share a GPU, which NCCL refuses"
    if not missing:
        return Nccl(control)
    if control.rank == 0:
        warnings.warn(f"what ranks sum goes through the host's memory, which is slow: {missing}.", stacklevel=2)
    return Staged(control)


def _without_nccl() -> str:
    if getattr(load_cupy().cuda.nccl, "available", False):
        return ""
    twelve, thirteen = pip_install("nvidia-nccl-cu12"), pip_install("nvidia-nccl-cu13")
    return f"NCCL is missing: {twelve} ('eagerflow[nccl12]'), or where CuPy is for CUDA 13 {thirteen}"


def _gpu() -> str:
    """What tells a GPU of this machine from others, whatever CUDA_VISIBLE_DEVICES names them."""
    return str(load_cupy().cuda.Device(current_device().index).pci_bus_id)
