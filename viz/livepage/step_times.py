"""How long steps take: the time inside of them, and from the end of one to the end of the next."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Hashable, Sequence
from typing import NamedTuple

__all__ = ["StepTimes"]

_RECENT = 100  # steps, and rounds of them, over whose times medians are taken


class _Step(NamedTuple):
    """How long a step took, and from the end of the one before it; was it listened to closely, and of which kind?"""

    seconds: float
    whole: float | None
    watched: bool
    kind: Hashable


class StepTimes:
    """The steps since somebody asked last.

    Steps that were listened to closely take longer, and count only until there was another one.

    >>> times = StepTimes()
    >>> for seconds in (0.002, 0.003, 0.004):
    ...     times.add(seconds, 2 * seconds, watched=False)
    >>> times.add(0.5, None, watched=True)
    >>> times.take_ms()
    (3.0, 6.0)
    >>> times.add(0.5, None, watched=True)
    >>> print(times.take_ms())  # none since
    (None, None)
    >>> times.usual_ms()
    3.0
    >>> times.recent_ms()  # as before: nobody asks for the news since
    (3.0, 6.0)
    """

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque(maxlen=_RECENT)
        self._new = 0  # how many of them nobody has asked for
        self._in_round = 0  # and of the round that runs
        self._rounds: deque[tuple[int, float]] = deque(maxlen=_RECENT)  # steps and seconds, of those not watched

    def add(self, seconds: float, whole: float | None, watched: bool, kind: Hashable = None) -> None:
        """A step is over."""
        self._steps.append(_Step(seconds, whole, watched, kind))
        self._new += 1
        self._in_round += 1

    def end_round(self) -> None:
        """The steps since the last call make a round of optimizers that take turns, or are one."""
        steps, self._in_round = self._last(self._in_round), 0
        if steps and not any(each.watched for each in steps):
            self._rounds.append((len(steps), sum([each.seconds for each in steps])))

    def round_ms(self) -> float | None:
        """How long a round of as many steps as the last one takes, unless it is listened to; None where none was."""
        last = self._rounds[-1][0] if self._rounds else 0
        return _median_ms([seconds for steps, seconds in self._rounds if steps == last])

    def forget(self) -> None:
        """Another training begins: how long steps took so far says nothing of its own."""
        self._steps.clear()
        self._rounds.clear()
        self._new = self._in_round = 0

    def usual_ms(self) -> float | None:
        """How long steps of the last one's kind take unless they are listened to; None where none of them was.

        The median of many: that of the few since the last report may be that of a single slow one.
        """
        return _median_ms([each.seconds for each in self._unwatched() if each.kind == self._steps[-1].kind])

    def recent_ms(self) -> tuple[float | None, float | None]:
        """The medians of the last steps that weren't listened to: a number that one can read while it changes."""
        return _medians_ms(self._unwatched())

    def take_ms(self) -> tuple[float | None, float | None]:
        """The medians in milliseconds, which one step with a pause in it doesn't change; None without any step."""
        steps, self._new = self._last(self._new), 0
        return _medians_ms([each for each in steps if not each.watched] if self._unwatched() else steps)

    def _last(self, count: int) -> list[_Step]:
        return list(self._steps)[max(0, len(self._steps) - count) :]

    def _unwatched(self) -> list[_Step]:
        return [each for each in self._steps if not each.watched]


def _medians_ms(steps: Sequence[_Step]) -> tuple[float | None, float | None]:
    wholes = [each.whole for each in steps if each.whole is not None]
    return _median_ms([each.seconds for each in steps]), _median_ms(wholes)


def _median_ms(seconds: list[float]) -> float | None:
    return 1e3 * statistics.median(seconds) if seconds else None
