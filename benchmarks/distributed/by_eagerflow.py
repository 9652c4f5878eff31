"""A rank of eagerflow."""

from __future__ import annotations

import contextlib
from time import perf_counter
from typing import Any

import numpy as np

import eagerflow as ef
from benchmarks.workloads.data import WORKLOADS
from benchmarks.workloads.keras_models import compiled
from eagerflow.core.strategy import active, sharing
from eagerflow.distribution.batch_shard import shard_of
from eagerflow.distribution.runtime.window import Range

__all__ = ["Rank"]


class Rank:
    """Trains on batches of its own, of a workload's batch size; together with the others they are one global batch."""

    def __init__(self) -> None:
        self.distribution = ef.distribution.DataParallel()
        self.number = ef.distribution.rank()
        self.window: Any = None

    def model(self, workload: str) -> int:
        """Make the model; gives the number of its parameters."""
        self.workload = WORKLOADS[workload]
        ef.utils.set_random_seed(1)
        self.models = {}
        for kind in ("apart", "together"):
            self.models[kind] = compiled(ef, self.workload)
        x, y = self.workload.arrays()
        self.batch = tuple([ef.convert_to_tensor(array[: self.workload.batch]) for array in (x, y)])
        return sum(v.data.size for v in self.models["apart"].trainable_variables)

    def steps(self, kind: str, count: int) -> None:
        """Steps by itself ("apart"), or with all ranks ("together")."""
        step = self.models[kind].train_step
        share = shard_of(self.distribution.communicator, self.workload.batch * ef.distribution.size())
        with contextlib.nullcontext() if kind == "apart" else _distributed(self.distribution, share):
            for _ in range(count):
                step(self.batch)

    def all_reduce(self, nbytes: int, rounds: int, buckets: bool = True) -> list[float]:
        """Seconds of all-reduces: bucket by bucket as a step does it, or of an array wherever it lies."""
        communicator, dtype = self.distribution.communicator, np.dtype("float32")
        most = 12 << 20
        if buckets:
            if self.window is None or self.window.own.nbytes != nbytes:
                self.window = communicator.window(nbytes)
            own, window = self.window.own.view(dtype), self.window
        else:
            own = np.empty(nbytes // 4, "float32")
        found = []
        for _ in range(rounds):
            own[:] = self.number
            communicator.barrier()
            started = perf_counter()
            if buckets:
                for start in range(0, nbytes, most):
                    window.reduce([Range(start, min(nbytes, start + most), dtype)])
            else:
                communicator.all_reduce(own)
            found.append(perf_counter() - started)
        return found


@contextlib.contextmanager
def _distributed(distribution: Any, share: Any) -> Any:
    with distribution.scope(), sharing(share):
        active.even = True  # as in `fit`
        try:
            yield
        finally:
            active.even = False
