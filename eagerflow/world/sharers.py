"""Who shares the batches of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from eagerflow.world.communicator import Communicator
from eagerflow.world.current import world

__all__ = ["in_force", "sharers", "writes"]


def sharers() -> Communicator | None:
    """The ranks of the distribution in force; None where there is none, or one rank alone."""
    found: Communicator | None = getattr(world.distribution, "communicator", None)
    return None if found is None or found.size == 1 else found


def writes() -> bool:
    """Whether this process is the one whose callbacks write files, of the ranks that train together."""
    ranks = sharers()
    return ranks is None or ranks.rank == 0


@contextlib.contextmanager
def in_force(distribution: Any) -> Iterator[None]:
    """Inside the block a distribution is in force, unless another one is, or it is None."""
    before = world.distribution
    if before is None:
        world.distribution = distribution
    try:
        yield
    finally:
        world.distribution = before
