"""The world of this process: its communicator, the distribution in force, and its share of the running step.

One plain object, whose attributes are read where they count: losses, metrics, random draws, optimizers and loops each
ask one of them. While nobody has set a distribution, `share` is None, and that test is all that a step pays.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from eagerflow.world.communicator import Communicator
from eagerflow.world.shares import Share

__all__ = ["World", "sharing", "world"]


class World:
    """What is true of this process now.

    Attributes:
        communicator: how ranks talk, None until `initialize` (or `DataParallel`) was called.
        distribution: what `set_distribution` was given, or the innermost `scope()`; None for none.
        share: this rank's rows of the global batch while a distributed step runs, None otherwise. A world of one rank
            has no shares: there everything is as without a distribution.
    """

    __slots__ = ("communicator", "distribution", "share")

    def __init__(self) -> None:
        self.communicator: Communicator | None = None
        self.distribution: Any = None
        self.share: Share | None = None


world = World()


@contextlib.contextmanager
def sharing(share: Share | None) -> Iterator[None]:
    """Inside the block, steps work on this share of a global batch."""
    before, world.share = world.share, share
    try:
        yield
    finally:
        world.share = before
