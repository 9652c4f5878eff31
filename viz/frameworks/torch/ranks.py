"""The ranks of a PyTorch program, which talk through the key-value store by which PyTorch connects them."""

from __future__ import annotations

import os
import pickle
import socket
import time
from datetime import timedelta
from typing import Any

import numpy
import torch
from torch import distributed

__all__ = ["StoreRanks", "of_program"]

_PAUSE = 0.005  # seconds between two looks for what another rank says
_made: list[Any] = []  # communicators of this process; their number is part of their keys


class StoreRanks:
    """What `AllRanks` and the doctor ask of a communicator, without a process group of viz's own.

    Attributes:
        rank: the number of this process, from 0.
        size: the number of ranks.
        hosts: the name of each rank's machine.
    """

    def __init__(self, store: distributed.Store, rank: int, size: int) -> None:
        self.rank, self.size, self._calls = rank, size, 0
        self._store = distributed.PrefixStore(f"viz-{len(_made)}", store)
        _made.append(self)
        self.hosts = self.gather_objects(socket.gethostname())

    def gather_objects(self, value: Any) -> list[Any]:
        """The values of all ranks, on all ranks."""
        self._calls += 1
        self._store.set(self._key(self.rank), pickle.dumps(value))
        found = [pickle.loads(self._read(self._key(rank))) for rank in range(self.size)]
        if self._calls > 1:  # all ranks have come here, so all of them have read what was said before
            self._store.delete_key(self._key(self.rank, self._calls - 1))
        return found

    def _key(self, rank: int, call: int | None = None) -> str:
        return f"{call or self._calls}/{rank}"

    def _read(self, key: str) -> bytes:
        while not self._store.check([key]):  # not `wait`, which no signal interrupts
            time.sleep(_PAUSE)
        return bytes(self._store.get(key))

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """The value of `root`, on all ranks."""
        return self.gather_objects(value if self.rank == root else None)[root]

    def broadcast(self, array: numpy.ndarray, root: int = 0) -> None:
        """Every rank's array becomes that of `root`."""
        array[...] = self.broadcast_object(array, root)

    @staticmethod
    def compute_threads() -> int:
        """How many threads this rank computes with."""
        return torch.get_num_threads()


def of_program() -> StoreRanks | None:
    """The ranks of the program's process group, else those that `torchrun` started; None for one that is alone."""
    if distributed.is_available() and distributed.is_initialized():
        store, rank, size = (
            distributed.distributed_c10d._get_default_store(),
            distributed.get_rank(),
            distributed.get_world_size(),
        )
    else:
        rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = None if size == 1 else distributed.TCPStore(*place, size, is_master=False, timeout=timedelta(minutes=5))
    return None if size == 1 else StoreRanks(store, rank, size)
