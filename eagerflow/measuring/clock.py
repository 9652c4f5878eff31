"""How long a call takes."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

__all__ = ["microseconds"]

_TRIES = 5
_LEAST = 200.0  # microseconds of a try: the clock's own steps are far smaller


def microseconds(call: Callable[[], object], tries: int = _TRIES, least: float = _LEAST) -> float:
    """The least time of a call, of some tries, each of as many calls as take `least` microseconds.

    >>> microseconds(lambda: None) < 1000
    True
    """
    call()
    count, best = 1, float("inf")
    while tries:
        began = perf_counter()
        for _ in range(count):
            call()
        spent = (perf_counter() - began) * 1e6
        if spent < least and count < 1 << 20:
            count *= max(2, min(64, int(least / max(spent, 1.0))))
            continue
        best, tries = min(best, spent / count), tries - 1
    return best
