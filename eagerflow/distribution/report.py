"""`report`: what ranks have done otherwise than one process would."""

from __future__ import annotations

__all__ = ["report"]

_notes: dict[str, None] = {}  # in the order in which they were noted


def note(text: str) -> None:
    """Note something for `report`, unless it was noted before."""
    _notes.setdefault(text)


def report() -> list[str]:
    """What made training on several ranks differ from training in one process: a list of texts.

    Each rank lists what it noticed itself. Examples are random numbers that weren't drawn per row of a batch, and state
    that a layer computes from the rows it sees, such as the moving averages of a `BatchNormalization` that isn't
    synchronized. The list is empty if nothing of the kind happened.

    >>> ef.distribution.report()
    []
    """
    return list(_notes)
