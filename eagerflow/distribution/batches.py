"""`Distributed`: global batches, of which a custom loop gets this rank's rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eagerflow.core.strategy import sharing
from eagerflow.data.arrays import as_batch, rows_of
from eagerflow.distribution.batch_shard import shard_of
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.shards import Part, cut

__all__ = ["Distributed"]


class Distributed:
    """This rank's rows of each batch of a data set.

    While the body of a loop over it runs, the rows are known as a share of their batch: losses, metrics and
    `optimizer.apply` count for all ranks together.

    Args:
        dataset: an iterable of global batches, the same on all ranks.
        communicator: of the ranks.
    """

    def __init__(self, dataset: Any, communicator: Communicator) -> None:
        self.dataset, self.communicator = dataset, communicator

    def __iter__(self) -> Iterator[Any]:
        for shard, batch in self._parts(map(as_batch, self.dataset)):
            with sharing(shard._replace(gathers=True)):
                yield batch

    def _parts(self, batches: Iterator[Any]) -> Iterator[Part]:
        for batch in batches:
            shard = shard_of(self.communicator, rows_of(batch))
            yield shard, cut(batch, shard)

    @property
    def undivided(self) -> Any:
        """What `fit` uses, which divides batches itself."""
        return self.dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        """What else the data set has: `element_spec`, say."""
        if name.startswith("__") or name == "dataset":
            raise AttributeError(name)
        return getattr(self.dataset, name)
