"""How wide texts are, about."""

from __future__ import annotations

import unicodedata

__all__ = ["BOLD", "LABEL", "MARK", "SMALL", "TITLE", "text_width"]

TITLE, SMALL = 11, 9.5  # sizes of the type of a box's first and other lines
BOLD = 1.1  # how much wider bold text is
LABEL, MARK = 9, 7.5  # and of that beside arrows, and behind their heads

_NARROW, _WIDE = set("iljtfrI.,:;'|!()[]/ \"·"), set("mwMWOQ@%→←∇×…")


def text_width(text: str, size: float) -> float:
    """About how wide `text` is in DejaVu Sans."""
    return size * sum([_char_width(c) for c in text])


def _char_width(c: str) -> float:
    if c in _NARROW:
        return 0.36
    if c in _WIDE or c.isupper():
        return 0.8
    return 1.0 if unicodedata.east_asian_width(c) in "WF" else 0.6
