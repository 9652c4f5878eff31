"""A difference as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viz import words
from viz.tableau import Text

if TYPE_CHECKING:
    from viz.compare.difference import Difference

__all__ = ["text"]


def text(found: Difference) -> Text:
    """All of a difference in a few lines."""
    return Text(f"{words.clean(found.a)} → {words.clean(found.b)}: {len(found.ops)} ops differ")
