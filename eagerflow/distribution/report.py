"""`report`: what ranks have done otherwise than one process would."""

from __future__ import annotations

from eagerflow.world.notes import notes

__all__ = ["report"]


def report() -> list[str]:
    """Where training on many ranks differed from that in one process, as noted by this rank: each thing once.

    Such are draws of random numbers that don't belong to the rows of a batch, and what layers keep of the rows that
    they saw, such as the moving averages of a `BatchNormalization` that isn't synchronized. Empty: nothing of the kind
    was seen.

    >>> import eagerflow as ef
    >>> ef.distribution.report()
    []
    """
    return list(notes)
