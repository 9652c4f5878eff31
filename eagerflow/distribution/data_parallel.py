"""`DataParallel`: every rank holds the whole model and works on its rows of each batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from eagerflow.distribution.joining import joined
from eagerflow.world.current import world

__all__ = ["DataParallel", "distribution", "set_distribution"]


class DataParallel:
    """Every rank holds the whole model, and works on its rows of each global batch.

    Args:
        device_mesh: accepted for Keras' signature: all ranks take part.
        devices: likewise.
        auto_shard_dataset: True: data that `fit` is given are the same on all ranks, each of which takes its rows.
            False: every rank brings its own batches.
        synchronize_batch_norm: True or False for all `BatchNormalization` layers; None: what each layer says.
        shard_optimizer: keep 1/n of the optimizer's state on each rank: True, False or `"auto"`.
        gradient_dtype: the type in which gradients are sent; None: their own.
        bucket_bytes: gradients are sent in pieces of about so many bytes.
        timeout: seconds that ranks wait for each other before the job is ended.

    Attributes:
        communicator: of its ranks.
    """

    def __init__(
        self,
        device_mesh: Any = None,
        devices: Any = None,
        auto_shard_dataset: bool = True,
        *,
        synchronize_batch_norm: bool | None = None,
        shard_optimizer: bool | str = "auto",
        gradient_dtype: str | None = None,
        bucket_bytes: int | None = None,
        timeout: float = 600,
    ) -> None:
        self.communicator = joined()
        self.auto_shard_dataset = auto_shard_dataset
        self.synchronize_batch_norm = synchronize_batch_norm
        self.shard_optimizer = shard_optimizer
        self.gradient_dtype = gradient_dtype
        self.bucket_bytes = bucket_bytes
        self.timeout = timeout

    @contextlib.contextmanager
    def scope(self) -> Iterator[DataParallel]:
        """Inside the block this distribution is in force."""
        before, world.distribution = world.distribution, self
        try:
            yield self
        finally:
            world.distribution = before


def distribution() -> DataParallel | None:
    """The distribution in force, None for none."""
    found: DataParallel | None = world.distribution
    return found


def set_distribution(value: DataParallel | None) -> None:
    """Put a distribution in force; None: none."""
    world.distribution = value
