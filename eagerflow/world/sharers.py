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


def writes(model: Any = None) -> bool:
    """Whether this process is the one that writes files, of the ranks that train together.

    Args:
        model: what is written; ranks that were given a distribution when it was compiled train it together.
    """
    with in_force(getattr(getattr(model, "_compiled", None), "distribution", None)):
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
