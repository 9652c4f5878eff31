"""`report`: what ranks have done otherwise than one process would."""

from __future__ import annotations

from eagerflow.world.notes import notes

__all__ = ["report"]


def report() -> list[str]:
    """What this process has noted where a training on many ranks isn't that of one process, each thing once.

    Such are draws of random numbers that don't belong to the rows of a batch, and what layers keep of the rows that
    they saw, such as the moving averages of a `BatchNormalization` that isn't synchronized. Empty: nothing of the kind
    was seen.

    >>> report()
    []
    """
    return list(notes)
