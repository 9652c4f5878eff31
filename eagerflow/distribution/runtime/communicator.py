"""`Communicator`: what ranks can do together, whichever engine carries it; and `SingleProcess`, where there is one.

All calls but `abort` are collective: every rank makes the same ones in the same order. Arrays are C-contiguous, lie on
the host, and are changed in place, so that nobody copies what is about to be summed anyway.
"""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy

from eagerflow.base.typing import Array
from eagerflow.distribution.runtime.announced import COLLECTIVE, announcing
from eagerflow.distribution.runtime.window import Window

__all__ = ["SingleProcess", "Communicator"]


class Communicator(ABC):
    """A group of ranks.

    Attributes:
        rank: the number of this process, from 0.
        size: how many there are.
        hosts: the name of each rank's machine.
        local_rank: the number of this process among those of its machine.
        local_size: how many ranks its machine has.
    """

    rank: int
    size: int
    hosts: Sequence[str]
    takes_device_arrays = False  # whether arrays may also lie on this rank's GPU
    sums_on_device = False  # whether those are summed there, and not in the host's memory
    announces = False  # whether a call is under way that observers will hear of

    def __init_subclass__(cls, **settings: Any) -> None:
        """Observers hear of its collective calls; see `announced.py`."""
        super().__init_subclass__(**settings)
        for name in COLLECTIVE:
            if name in vars(cls):
                setattr(cls, name, announcing(vars(cls)[name]))

    @property
    def local_rank(self) -> int:
        """The number of this process among those of its machine."""
        return list(self.hosts[: self.rank]).count(self.hosts[self.rank])

    @property
    def local_size(self) -> int:
        """How many ranks this machine has."""
        return list(self.hosts).count(self.hosts[self.rank])

    @abstractmethod
    def all_reduce(self, array: Array, op: str = "sum") -> None:
        """Every rank's array becomes the sum (`"sum"`, `"max"`, `"min"`, `"prod"`) of all, the same bits on all."""

    def sum_flat(self, array: Array, wire: str | None = None, patient: bool = False) -> None:
        """The sum of a large flat array.

        Args:
            array: it becomes the sum.
            wire: a narrower type in which its parts are sent, and summed in float32; None: its own.
            patient: wait without keeping a processor busy.
        """
        self.all_reduce(array)

    @abstractmethod
    def reduce_scatter(self, array: Array, bounds: Sequence[int]) -> None:
        """This rank's part of a flat array, `bounds[rank]` to `bounds[rank + 1]`, becomes the sum.

        The rest of it is spoilt.
        """

    @abstractmethod
    def all_gather(self, array: Array, bounds: Sequence[int]) -> None:
        """A flat array of which every rank has its part, `bounds[rank]` to `bounds[rank + 1]`, becomes whole."""

    @abstractmethod
    def broadcast(self, array: Array, root: int = 0) -> None:
        """Every rank's array becomes that of `root`."""

    @abstractmethod
    def gather_objects(self, value: Any) -> list[Any]:
        """The values of all ranks, on all ranks. For small things: they are pickled."""

    @abstractmethod
    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """The value of `root`, on all ranks. For small things: it is pickled."""

    @abstractmethod
    def barrier(self) -> None:
        """Waits until all ranks have reached this point."""

    @abstractmethod
    def allocate(self, nbytes: int) -> Array:
        """Bytes, zeroed, in which arrays are best kept that are reduced again and again."""

    def common(self, nbytes: int) -> Array:
        """Bytes that all ranks of a machine see, until they end. Collective; machines may ask for different sizes.

        Raises:
            MemoryError: on all ranks, when a machine has too little memory that processes can shard.
        """
        return self.allocate(nbytes)

    def window(self, nbytes: int) -> Window:
        """Memory in which the gradients of all ranks meet. Collective."""
        return Window(self, nbytes)

    @property
    def threads(self) -> bool:
        """Whether a thread besides the main one may talk to other ranks."""
        return True

    @abstractmethod
    def duplicate(self) -> Communicator:
        """The same ranks with a channel of their own, for another thread."""

    @abstractmethod
    def abort(self, code: int = 1) -> NoReturn:
        """End all ranks at once. Not collective."""


class SingleProcess(Communicator):
    """One rank: nothing needs to be sent."""

    rank, size = 0, 1

    def __init__(self) -> None:
        self.hosts = (socket.gethostname(),)

    def all_reduce(self, array: Array, op: str = "sum") -> None:
        """The array stays."""

    def reduce_scatter(self, array: Array, bounds: Sequence[int]) -> None:
        """The array stays."""

    def all_gather(self, array: Array, bounds: Sequence[int]) -> None:
        """The array stays."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """The array stays."""

    def gather_objects(self, value: Any) -> list[Any]:
        return [value]

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        return value

    def barrier(self) -> None:
        """Nobody is waited for."""

    def allocate(self, nbytes: int) -> Array:
        return numpy.zeros(nbytes, "uint8")

    def duplicate(self) -> Communicator:
        return self

    def abort(self, code: int = 1) -> NoReturn:
        os._exit(code)
