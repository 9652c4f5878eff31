"""`shared`: one copy of large arrays per machine, however many ranks it has."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy

from eagerflow.base import tree
from eagerflow.base.machine.memory import give_back
from eagerflow.core.tensor import Tensor
from eagerflow.distribution.joining import joined
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["shared"]

_LINE = 64
T = TypeVar("T")


def shared(load: Callable[[], T]) -> T:
    """Loads data once per machine instead of once per rank: its ranks share the arrays in memory.

    One rank of each machine calls `load`; the others get read-only views of the same memory. All ranks must call
    `shared` together. The memory is freed when the last of them ends.

    Args:
        load: a function without arguments that returns arrays or nested structures of them; anything else in them must
            be picklable.

    Raises:
        RuntimeError: on all ranks, when `load` raised on one of them.

    >>> import eagerflow as ef
    >>> x, y = ef.distribution.shared(lambda: (numpy.ones((100, 3)), numpy.zeros(100)))
    >>> x.shape, x.flags.writeable
    ((100, 3), False)
    """
    communicator = joined()
    first = communicator.local_rank == 0
    found, told = None, ""
    if first:
        try:
            found = tree.map_structure(_as_array, load())
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            if communicator.size == 1:
                raise
    failed = [(rank, text) for rank, text in enumerate(communicator.gather_objects(told)) if text]
    if failed:
        raise RuntimeError(f"shared(load): load() raised on rank {failed[0][0]}: {failed[0][1]}")
    if communicator.size == 1:
        return tree.map_structure(_read_only, found)
    made = _in_memory_of_all(communicator, found)
    found = None
    give_back()  # what rank 0 loaded would be kept for later arrays
    return made


class _Place:
    """Where an array lies in the memory of its machine."""

    def __init__(self, array: numpy.ndarray, start: int) -> None:
        self.shape, self.dtype, self.start = array.shape, array.dtype, start


def _in_memory_of_all(communicator: Communicator, found: Any) -> Any:
    """The structure that the first rank of each machine has, with its arrays in memory that all of its ranks see."""
    size, placed = 0, list[tuple[numpy.ndarray, _Place]]()

    def put(leaf: Any) -> Any:
        nonlocal size
        if not isinstance(leaf, numpy.ndarray):
            return leaf
        placed.append((leaf, _Place(leaf, size)))
        size += -(-leaf.nbytes // _LINE) * _LINE
        return placed[-1][1]

    plan = tree.map_structure(put, found)
    sent = communicator.gather_objects((plan, size))
    leader = list(communicator.hosts).index(communicator.hosts[communicator.rank])
    plan, size = sent[leader]
    memory = communicator.common(size)
    for array, place in placed:
        _view(memory, place)[...] = array
    communicator.barrier()
    memory.flags.writeable = False
    return tree.map_structure(lambda leaf: _view(memory, leaf) if isinstance(leaf, _Place) else leaf, plan)


def _view(memory: numpy.ndarray, place: _Place) -> numpy.ndarray:
    stop = place.start + math.prod(place.shape) * place.dtype.itemsize
    view: numpy.ndarray = memory[place.start : stop].view(place.dtype).reshape(place.shape)
    return view


def _as_array(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.numpy()
    if isinstance(leaf, numpy.ndarray) and leaf.dtype.hasobject:
        raise TypeError("arrays of Python objects can't lie in memory that processes share; give numbers or strings.")
    return leaf


def _read_only(leaf: Any) -> Any:
    if isinstance(leaf, numpy.ndarray):
        leaf = leaf.view()
        leaf.flags.writeable = False
    return leaf
