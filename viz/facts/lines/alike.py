"""Names that may be meant by a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["alike"]

_MOST = 3
_ABOUT = 0.1  # of what two names may agree at most: others agree with it as well as the best does, give or take this


def alike(name: str, known: Iterable[str], least: float) -> list[str]:
    """Those of `known` that are like a name, the nearest first, if others are about as near as the nearest.

    Args:
        name: what was written.
        known: what there is.
        least: how much of two names must agree, from 0 to 1.

    >>> alike("trcae", ["trace", "Storage", "Frame"], 0.4)
    ['trace']
    >>> alike("widht", ["width", "widths", "height"], 0.4)
    ['width', 'widths']
    """
    found = difflib.get_close_matches(name, list(known), _MOST, least)
    near = [difflib.SequenceMatcher(None, each, name).ratio() for each in found]
    return [each for each, ratio in zip(found, near) if ratio >= near[0] - _ABOUT]
