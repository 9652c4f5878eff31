"""A rank of PyTorch: DistributedDataParallel over gloo, as its users write it."""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any

import torch
from torch import distributed

from benchmarks.workloads.by_torch import Torch
from benchmarks.workloads.data import WORKLOADS

__all__ = ["Rank"]


class Rank:
    """Trains on batches of its own; together with the others they are one global batch."""

    def __init__(self) -> None:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        distributed.init_process_group("gloo")
        self.number = distributed.get_rank()

    def model(self, workload: str) -> int:
        """Make the model; gives the number of its parameters."""
        torch.manual_seed(1)
        self.runners: dict[str, Any] = {}
        for kind in ("apart", "together"):
            self.runners[kind] = Torch(WORKLOADS[workload])
        together = self.runners["together"]
        together.forward = torch.nn.parallel.DistributedDataParallel(together.model, gradient_as_bucket_view=True)
        found: int = together.parameters()
        return found

    def steps(self, kind: str, count: int) -> None:
        """Steps by itself ("apart"), or with all ranks ("together")."""
        self.runners[kind].train(count)

    def all_reduce(self, nbytes: int, rounds: int) -> list[float]:
        """Seconds of gloo's all-reduces of an array of that size, in buckets of DDP's size."""
        array = torch.empty(nbytes // 4)
        pieces = array.split(25 << 18)
        found = []
        for _ in range(rounds):
            array.fill_(self.number)
            distributed.barrier()
            started = perf_counter()
            for work in [distributed.all_reduce(piece, async_op=True) for piece in pieces]:
                work.wait()
            found.append(perf_counter() - started)
        return found
