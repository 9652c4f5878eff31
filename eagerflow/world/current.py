"""The world of this process: its communicator, the distribution in force, and its share of the running step.

One plain object, whose attributes are read where they count: losses, metrics, random draws, optimizers and loops each
ask one of them. While nobody has set a distribution, `share` is None, and that test is all that a step pays.
"""

from __future__ import annotations

import contextlib
import threading
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
        even: whether every rank's loss is certain to be a mean over equally many values a row: in steps that are our
            own throughout, of batches that were cut by rows.
        thread: the one that makes the steps; draws in others are not theirs.
        spare: whether this rank's machine has processors that no rank computes on.
        gathers: whether steps are made by a loop of ours, which gathers what optimizers have spread over ranks.
    """

    __slots__ = ("communicator", "distribution", "even", "gathers", "share", "spare", "thread")

    def __init__(self) -> None:
        self.communicator: Communicator | None = None
        self.distribution: Any = None
        self.share: Share | None = None
        self.even = self.gathers = False
        self.spare = True
        self.thread = 0


world = World()


@contextlib.contextmanager
def sharing(share: Share | None) -> Iterator[None]:
    """Inside the block, steps work on this share of a global batch."""
    here = threading.get_ident()
    if share is None and (world.share is None or world.thread != here):
        yield  # there is none; or the steps of another thread have one, such as while this one makes batches
        return
    before, world.share = world.share, share
    world.thread = here
    try:
        yield
    finally:
        world.share = before
