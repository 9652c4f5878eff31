"""Is a loss beyond what the losses before let expect?"""

from __future__ import annotations

import statistics
from collections import deque

__all__ = ["LossWatch"]

_SEEN, _LEAST = 50, 20  # losses that are remembered, and from how many on one is judged
_BAND = 12.0  # of the usual distance from the median; of normal losses that is 8 standard deviations
_TIMES = 2.0  # beside, as a multiple of the largest of them


class LossWatch:
    """Judges each loss by those before: by their median and their median distance from it, which spikes leave alone.

    >>> watch = LossWatch()
    >>> any(watch.spikes(1.0 + i % 7 / 10) for i in range(40)), watch.spikes(9.0), watch.spikes(1.2)
    (False, True, False)
    """

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_SEEN)

    def spikes(self, loss: float) -> bool:
        """Whether this loss, which is remembered, is far beyond those before."""
        seen = self._seen
        found = False
        if len(seen) >= _LEAST and loss > _TIMES * abs(max(seen)):
            middle = statistics.median(seen)
            usual = statistics.median([abs(each - middle) for each in seen])
            found = loss > middle + _BAND * usual
        seen.append(loss)
        return found
