"""How long steps take: the time inside of them, and from the end of one to the end of the next."""

from __future__ import annotations

import statistics

__all__ = ["StepTimes"]


class StepTimes:
    """The steps since somebody asked last.

    Steps that were listened to closely take longer, and count only until there was another one.

    Attributes:
        has_usual: whether there was any that wasn't.

    >>> times = StepTimes()
    >>> for seconds in (0.002, 0.003, 0.004):
    ...     times.add(seconds, 2 * seconds, watched=False)
    >>> times.add(0.5, None, watched=True)
    >>> times.take_ms()
    (3.0, 6.0)
    >>> times.add(0.5, None, watched=True)
    >>> print(times.take_ms())  # none since
    (None, None)
    """

    def __init__(self) -> None:
        self._usual: list[tuple[float, float | None]] = []
        self._watched: list[tuple[float, float | None]] = []
        self.has_usual = False

    def add(self, seconds: float, whole: float | None, watched: bool) -> None:
        """A step is over.

        Args:
            seconds: that it took.
            whole: seconds since the end of the step before it; None where something else lies between.
            watched: whether it was listened to closely.
        """
        self.has_usual = self.has_usual or not watched
        (self._watched if watched else self._usual).append((seconds, whole))

    def take_ms(self) -> tuple[float | None, float | None]:
        """The medians in milliseconds, which one step with a pause in it doesn't change; None without any step."""
        found = self._usual if self.has_usual else self._watched
        self._usual, self._watched = [], []
        wholes = [whole for _, whole in found if whole is not None]
        return _median_ms([seconds for seconds, _ in found]), _median_ms(wholes)


def _median_ms(seconds: list[float]) -> float | None:
    return 1e3 * statistics.median(seconds) if seconds else None
