"""What ranks that share batches do otherwise than one process would: noted once, for `distribution.report()`."""

from __future__ import annotations

__all__ = ["note", "notes"]

notes: dict[str, None] = {}  # in the order in which they were noted


def note(text: str) -> None:
    """Note it, unless it was."""
    notes.setdefault(text)
