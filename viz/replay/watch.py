"""Is a loss beyond what the losses before let expect?"""

from __future__ import annotations

import math
import statistics
from collections import deque

__all__ = ["LossWatch"]

_SEEN, _LEAST = 50, 20  # losses that are remembered, and from how many on one is judged
_BAND = 10.0  # of the usual distance from the median; of normal losses that is 7 standard deviations
_TIMES = 2.0  # beside, as a multiple of the largest of them
_TENTH = 0.1  # and of the loss at the beginning


class LossWatch:
    """Judges each loss by those before: by their median and their median distance from it, which spikes leave alone.

    Losses above zero are compared by their logarithms: late in a training a few hard rows make a batch's loss ten times
    the usual one, again and again, and that is no spike. Nor is a loss far below those that the training began with.

    >>> watch = LossWatch()
    >>> any(watch.spikes(1.0 + i % 7 / 10) for i in range(40)), watch.spikes(30.0), watch.spikes(1.2)
    (False, True, False)
    """

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_SEEN)
        self._begun: float | None = None  # the usual loss at the beginning

    def spikes(self, loss: float) -> bool:
        """Whether this loss, which is remembered, is far beyond those before."""
        seen = self._seen
        found = False
        if self._begun is None and len(seen) == _LEAST:
            self._begun = statistics.median(seen)
        if self._begun is not None and loss > max(_TIMES * abs(max(seen)), _TENTH * self._begun):
            positive = min(seen) > 0
            values = [math.log(each) for each in seen] if positive else list(seen)
            middle = statistics.median(values)
            usual = statistics.median([abs(each - middle) for each in values])
            found = (math.log(loss) if positive else loss) > middle + _BAND * usual
        seen.append(loss)
        return found
