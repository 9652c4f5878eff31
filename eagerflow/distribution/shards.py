"""A rank's parts of global batches: of arrays only its own rows are gathered, other batches are cut."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.errors import signature_of
from eagerflow.base.tracebacks import warn
from eagerflow.core.device import Device
from eagerflow.core.random import next_key
from eagerflow.core.tensor import Tensor
from eagerflow.data.arrays import rows_of
from eagerflow.data.feed import ArrayFeed, IterableFeed, Piece, PyDatasetFeed
from eagerflow.data.py_dataset import batches_of
from eagerflow.data.rows import batches_of_rows
from eagerflow.distribution.batch_shard import BatchShard, shard_of
from eagerflow.distribution.runtime.agreement import DisagreementError
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["END", "Part", "batches_and_end", "brought", "cut", "divide", "numbers_of"]

END: Any = object()  # of batches

Part = tuple[BatchShard, Any]
"""What a rank has of a global batch: which rows, and these rows; a row that weighs nothing where there are none."""


def divide(feed: Any, ranks: Communicator) -> None:
    """Let a feed whose batches have numbers yield `(shard, rows)`: each rank makes its own rows alone."""
    if isinstance(feed, ArrayFeed):
        feed.make, feed.rows_of_batch = partial(_divided_rows, feed, ranks), lambda: None  # type: ignore[method-assign]
    elif isinstance(feed, PyDatasetFeed) and hasattr(feed.dataset, "rows"):
        feed.make = partial(_divided_batches, feed, ranks)  # type: ignore[method-assign]
    if feed is not None and not isinstance(feed, IterableFeed):
        draws = feed.draws or next_key
        feed.draws = lambda: ranks.broadcast_object(draws())


def _divided_rows(feed: ArrayFeed, ranks: Communicator, pieces: Sequence[Piece]) -> Iterator[Part]:
    packed = feed.packer()
    for shard, tensors in feed.made(pieces, partial(_shards_of_rows, ranks)):
        yield shard, packed(tensors)


def _divided_batches(feed: PyDatasetFeed, ranks: Communicator, pieces: Sequence[Piece]) -> Iterator[Part]:
    known, indices = itertools.tee(feed.indices(pieces))
    asked = RowsOf(feed.dataset, ranks)
    for index, batch in zip(known, batches_of(asked, indices)):
        yield asked.shard(index), feed.converted(batch)


def _shards_of_rows(
    ranks: Communicator, arrays: Sequence[Any], size: int, count: int, order: Any, where: Device
) -> Iterator[tuple[BatchShard, list[Any]]]:
    """As `batches_of_rows`, of whose batches this rank's rows are gathered alone."""
    rows = next(len(a) for a in arrays if a is not None) if order is None else len(order)
    whole = min(count, rows // size)
    for start, batches, length in ((0, whole, size), (whole * size, count - whole, rows - whole * size)):
        shard = shard_of(ranks, length)
        first, last = _held(shard)
        if batches and order is not None:
            own = order[start : start + batches * length].reshape(batches, length)[:, first:last].reshape(-1)
            for tensors in batches_of_rows(arrays, last - first, batches, own, where):
                yield shard, tensors
        for at in range(start, start + batches * length, length) if batches and order is None else ():
            some = [None if a is None else a[at + first : at + last] for a in arrays]
            yield shard, next(batches_of_rows(some, last - first, 1, None, where))


def _held(shard: BatchShard) -> tuple[int, int]:
    """The rows that a step is made on: a rank without rows borrows one."""
    if shard.own:
        return shard.start, shard.stop
    first = min(shard.start, shard.rows - 1)
    return first, first + 1


def cut(batch: Any, shard: BatchShard) -> Any:
    """This rank's rows of a batch of tensors.

    Raises:
        ValueError: for a part of the batch that hasn't its rows.
    """
    first, last = _held(shard)

    def rows(leaf: Any) -> Any:
        if leaf is None:
            return None
        shape = getattr(leaf, "shape", ())
        if not shape or shape[0] != shard.rows:
            raise ValueError(
                f"a batch of {shard.rows} rows has a part without them, {signature_of(leaf)}: it can't be divided "
                "among ranks. Let all its parts have as many rows, or let every rank bring its own batches: "
                "DataParallel(auto_shard_dataset=False)."
            )
        return Tensor(leaf.data[first:last], None, None) if isinstance(leaf, Tensor) else leaf[first:last]

    return tree.map_structure(rows, batch)


def brought(batches: Iterator[Any], ranks: Communicator, called: str) -> Iterator[Part]:
    """Batches that each rank brings itself; one that has no more borrows its last one, of which nothing counts.

    Args:
        batches: this rank's.
        ranks: all of them.
        called: what is going on, for messages.

    Raises:
        DisagreementError: on all ranks, when one of them has no batch at all.
    """
    last: Any = None
    had = numpy.zeros(ranks.size, "int64")
    for batch in batches_and_end(batches, again=True):
        every = numbers_of(ranks, 0 if batch is END else rows_of(batch))
        rows, rank = sum(every), ranks.rank
        if not rows:
            break
        had += numpy.array(every) > 0
        if not had.all():
            raise DisagreementError(f"{called}: rank {int(had.argmin())} has no data, and others have.")
        last = last if batch is END else batch
        start = sum(every[:rank])
        shard = BatchShard(ranks, start, start + every[rank], rows)
        yield shard, last if shard.own else cut(last, BatchShard(ranks, 0, 0, rows_of(last)))
    if had.min() != had.max() and not ranks.rank:
        counts = ", ".join(f"rank {rank}: {n}" for rank, n in enumerate(had))
        warn(f"{called}: ranks had unequal numbers of batches ({counts}); those with fewer waited for the rest.")


def numbers_of(ranks: Communicator, own: int) -> list[int]:
    """The numbers that all ranks tell."""
    found = numpy.zeros(ranks.size, "int64")
    found[ranks.rank] = own
    ranks.all_reduce(found)
    return [int(n) for n in found]


def batches_and_end(batches: Iterator[Any], again: bool = False) -> Iterator[Any]:
    """The batches, and what tells their end: once, or for ever."""
    yield from batches
    yield END
    while again:
        yield END


class RowsOf:
    """A `PyDataset` with `rows(index, start, stop)` and `num_rows(index)`, of which a rank asks for its rows alone."""

    def __init__(self, dataset: Any, ranks: Communicator) -> None:
        if not hasattr(dataset, "num_rows"):
            raise TypeError(
                f"{type(dataset).__name__} defines rows(index, start, stop): it must define num_rows(index), too, "
                "which tells how many rows a batch has."
            )
        self.dataset, self.ranks = dataset, ranks
        self.workers = getattr(dataset, "workers", 1)
        self.max_queue_size = getattr(dataset, "max_queue_size", 10)

    def shard(self, index: int) -> BatchShard:
        """Which rows of a batch are this rank's."""
        return shard_of(self.ranks, int(self.dataset.num_rows(int(index))))

    def __getitem__(self, index: int) -> Any:
        first, last = _held(self.shard(index))
        return self.dataset.rows(index, first, last)
