"""How long steps take: the time inside of them, whatever lies between."""

from __future__ import annotations

import statistics

__all__ = ["StepTimes"]


class StepTimes:
    """The steps since somebody asked last.

    Steps that were listened to closely take longer, and count only until there was another one.

    >>> times = StepTimes()
    >>> for seconds in (0.002, 0.003, 0.004):
    ...     times.add(seconds, watched=False)
    >>> times.add(0.5, watched=True)
    >>> times.take_ms()
    3.0
    >>> times.add(0.5, watched=True)
    >>> print(times.take_ms())  # none since
    None
    """

    def __init__(self) -> None:
        self._usual: list[float] = []
        self._watched: list[float] = []
        self._known = False  # whether any step wasn't watched

    def add(self, seconds: float, watched: bool) -> None:
        """A step is over."""
        self._known = self._known or not watched
        (self._watched if watched else self._usual).append(seconds)

    def take_ms(self) -> float | None:
        """The median in milliseconds, which one step with a pause in it doesn't change; None without any step."""
        found = self._usual if self._known else self._watched
        self._usual, self._watched = [], []
        return 1e3 * statistics.median(found) if found else None
