"""`Distributed`: global batches, of which a custom loop is given this rank's rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eagerflow.data.arrays import as_batch, rows_of
from eagerflow.data.parts import Part, cut
from eagerflow.world.communicator import Communicator
from eagerflow.world.current import sharing
from eagerflow.world.shares import share_of

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
        for share, batch in self._parts(map(as_batch, self.dataset)):
            with sharing(share._replace(gathers=True)):
                yield batch

    def _parts(self, batches: Iterator[Any]) -> Iterator[Part]:
        for batch in batches:
            share = share_of(self.communicator, rows_of(batch))
            yield Part(share, cut(batch, share))

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
