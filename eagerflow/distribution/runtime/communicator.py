"""`Communicator`: what ranks do together. This class is a process alone; `Mpi` is many of them.

All calls but `abort` are collective: every rank makes the same ones in the same order. Arrays are C-contiguous, lie on
the host, and are changed in place, so that nobody copies what is about to be summed anyway.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any, NoReturn

from eagerflow.base.typing import Array
from eagerflow.distribution.runtime.announced import COLLECTIVE, announcing
from eagerflow.distribution.runtime.window import Window

__all__ = ["Communicator"]


class Communicator:
    """A group of ranks: here a single one, for which nothing needs to be sent.

    Attributes:
        rank: the number of this process, from 0.
        size: the number of ranks.
        hosts: the name of each rank's machine.
        processes: the number of each rank's process on its machine.
    """

    rank, size = 0, 1
    hosts: Sequence[str]
    processes: Sequence[int]
    threads = True  # whether a thread besides the main one may talk to other ranks
    announces = False  # whether a call is under way that observers are notified of

    def __init__(self) -> None:
        self.hosts, self.processes = (socket.gethostname(),), (os.getpid(),)

    def __init_subclass__(cls, **settings: Any) -> None:
        """Observers are notified of its collective calls; see `announced.py`."""
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
        """The number of ranks on this machine."""
        return list(self.hosts).count(self.hosts[self.rank])

    def all_reduce(self, array: Array, op: str = "sum") -> None:
        """Every rank's array becomes the sum (`"sum"`, `"max"`, `"min"`, `"prod"`) of all, the same bits on all."""

    def sum_flat(self, array: Array, patient: bool = False) -> None:
        """A large flat array becomes the sum of all ranks'; `patient` waits without keeping a processor busy."""
        self.all_reduce(array)

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Every rank's array becomes that of `root`."""

    def gather_objects(self, value: Any) -> list[Any]:
        """The values of all ranks, on all ranks. For small things: they are pickled."""
        return [value]

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """The value of `root`, on all ranks. For small things: it is pickled."""
        return value

    def barrier(self) -> None:
        """Waits until all ranks have reached this point."""

    def window(self, nbytes: int) -> Window:
        """Memory in which the gradients of all ranks are summed."""
        return Window(self, nbytes)

    def duplicate(self) -> Communicator:
        """The same ranks with a channel of their own, for another thread."""
        return self

    def abort(self, code: int = 1) -> NoReturn:
        """End all ranks at once. Not collective."""
        os._exit(code)
