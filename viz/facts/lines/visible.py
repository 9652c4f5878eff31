"""Control characters as text."""

from __future__ import annotations

import re

__all__ = ["visible"]

# All but line ends and tabs; and those that change the direction of what follows.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""The text with control characters as JSON writes them.

    >>> visible("a\x1b[2J\n")
    'a\\u001b[2J\n'
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
