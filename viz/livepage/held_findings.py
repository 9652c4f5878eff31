"""What the doctor found, as a live page shows it: what it takes back stays for a while, as it often comes again."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any

__all__ = ["HeldFindings"]

_HELD = 30.0  # seconds


class HeldFindings:
    """Keeps findings that are no longer made, so that none comes and goes while losses rise and fall.

    >>> now = [0.0]
    >>> held = HeldFindings(lambda: now[0])
    >>> found = {"kind": "overfit", "layer": None, "file": "train.py", "line": 3}
    >>> held.shown([found]) == held.shown([]) == [found]
    True
    >>> now[0] = 31.0
    >>> held.shown([])
    []
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Hashable, tuple[float, dict[str, Any]]] = {}  # by kind and place

    def shown(self, found: list[dict[str, Any]], is_over: bool = False) -> list[dict[str, Any]]:
        """What to show now: what is found, and behind it what was found a short time ago.

        Args:
            found: what is found now.
            is_over: whether training is over: then that alone counts.
        """
        now = self._clock()
        current = {_key(each): (now, each) for each in found}
        before = {key: each for key, each in self._seen.items() if key not in current and now - each[0] <= _HELD}
        self._seen = current if is_over else current | before
        return [each for _, each in self._seen.values()]


def _key(found: dict[str, Any]) -> Hashable:
    return found.get("kind"), found.get("layer"), found.get("file"), found.get("line")
