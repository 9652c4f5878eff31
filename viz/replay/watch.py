"""Is a loss beyond what the losses before let expect?"""

from __future__ import annotations

import math
import statistics
from collections import deque

__all__ = ["HISTORY", "LossWatch"]

_SEEN = 50  # losses that are remembered
_BAND = 10.0  # of the usual distance from the median; of normal losses that is 7 standard deviations
_TIMES = {20: 2.0, 10: 3.0, 5: 10.0}  # and a multiple of the largest of them, by the number of losses
_AT_ONCE = 1000.0  # of fewer, which don't tell a usual distance yet
_TENTH = 0.1  # and of the loss at the beginning

HISTORY = f"it takes {_TIMES[5]:.0f} times the largest loss of 5 steps, {_TIMES[10]:.0f} times that of 10, twice of 20"
"""From which losses on a jump is one, in words."""


class LossWatch:
    """Judges each loss by those before: by their median and their median distance from it, which spikes leave alone.

    Losses above zero are compared by their logarithms: late in a training a few hard rows make a batch's loss ten times
    the usual one, again and again, and that is no spike. Nor is a loss far below those that the training began with.
    The fewer losses there were, the more it takes, as the largest of a few says little of how large they get.

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
        if self._begun is None and len(seen) == max(_TIMES):
            self._begun = statistics.median(seen)
        found = bool(seen) and loss > self._least(seen)
        if found and len(seen) >= min(_TIMES):
            positive = min(seen) > 0
            values = [math.log(each) for each in seen] if positive else list(seen)
            middle = statistics.median(values)
            usual = statistics.median([abs(each - middle) for each in values])
            found = (math.log(loss) if positive else loss) > middle + _BAND * usual
        seen.append(loss)
        return found

    def _least(self, seen: deque[float]) -> float:
        """What a loss has to be beyond, whatever is usual."""
        largest = abs(max(seen))
        if self._begun is not None:
            return max(_TIMES[20] * largest, _TENTH * self._begun)
        if min(seen) <= 0:  # of which no multiple means much: one waits for what is usual
            return math.inf
        times = next((times for least, times in _TIMES.items() if len(seen) >= least), None)
        if times is None:  # the first few losses may be next to nothing by chance, or by what weights begin with
            return max(_AT_ONCE * largest, 1.0)
        return times * largest
