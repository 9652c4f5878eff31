"""`DataParallelStrategy`: what the core asks while a `DataParallel` is in force."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy

from eagerflow.core.strategy import Strategy
from eagerflow.distribution.loop import DistributedLoop
from eagerflow.distribution.replicas import broadcast_initial_state, check_replicas
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.shards import divide

__all__ = ["DataParallelStrategy"]


class DataParallelStrategy(Strategy):
    """Several ranks, each of which holds the whole model and works on its rows of each batch.

    Args:
        distribution: a `DataParallel`. If it has one rank, everything is as in a single process.
    """

    def __init__(self, distribution: Any) -> None:
        self.distribution, self.communicator = distribution, distribution.communicator
        self.synchronize_batch_norm = distribution.synchronize_batch_norm
        self.writes = self.communicator.rank == 0

    @property
    def group(self) -> Communicator | None:
        """The ranks; None for a single one."""
        return None if self.communicator.size == 1 else self.communicator

    def prepare(self, model: Any) -> None:
        if self.group is not None:
            broadcast_initial_state(model, self.group)

    def check_replicas(self, model: Any, where: str) -> None:
        if self.group is not None:
            check_replicas(model, self.group, where)

    def shard_feed(self, feed: Any) -> None:
        if self.group is not None and self.distribution.auto_shard_dataset:
            divide(feed, self.group)

    def loop(self, *arguments: Any) -> Any:
        if self.group is None:
            return None
        model, kind, callbacks, shows, every = arguments
        brings = not self.distribution.auto_shard_dataset
        return DistributedLoop(model, kind, callbacks, shows, every, self.group, brings)

    def common_file(self, path: str | None) -> tuple[str | None, Any]:
        """Rank 0's file is what all ranks read: others may not see its disk."""
        ranks = self.group
        if ranks is None:
            return super().common_file(path)
        found = ranks.broadcast_object(None if path is None else (os.path.basename(path), os.path.getsize(path)))
        if found is None:
            return None, None
        name, size = found
        held = numpy.zeros(size, "uint8") if ranks.rank or path is None else numpy.fromfile(path, "uint8")
        ranks.broadcast(held)
        if not ranks.rank:
            return path, None
        folder = tempfile.TemporaryDirectory(prefix="eagerflow-")
        copy = os.path.join(folder.name, name)
        held.tofile(copy)
        return copy, folder
