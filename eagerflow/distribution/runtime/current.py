"""The world of this process: its communicator, and what else `core/strategy.py` needn't know."""

from __future__ import annotations

from typing import Any

from eagerflow.core.strategy import active
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["World", "data_parallel_group", "setting", "world"]


class World:
    """What is true of this process now.

    Attributes:
        communicator: how ranks talk, None until `initialize` (or `DataParallel`) was called.
        spare: whether this rank's machine has processors that no rank computes on.
    """

    __slots__ = ("communicator", "spare")

    def __init__(self) -> None:
        self.communicator: Communicator | None = None
        self.spare = True

    @property
    def shard(self) -> Any:
        """This rank's rows of the batch of the running step; None for all."""
        return active.shard


world = World()


def data_parallel_group() -> Communicator | None:
    """The ranks that share the batches of `fit`; None where there is no distribution, or one rank alone."""
    found: Communicator | None = getattr(active.strategy, "group", None)
    return found


def setting(name: str) -> Any:
    """A setting of the `DataParallel` in force; None where there is none."""
    return getattr(getattr(active.strategy, "distribution", None), name, None)
