"""How long steps take: the time inside of them, and from the end of one to the end of the next."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Hashable, Iterable

__all__ = ["StepTimes"]

_RECENT = 100  # steps of a kind, over which is told how long one usually takes
_LATEST = _RECENT // 2  # steps of any kind, over which is told how long they take now
_KINDS = 16


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
    >>> times.usual_ms()
    3.0
    >>> times.recent_ms()  # as before: nobody asks for the news since
    (3.0, 6.0)
    """

    def __init__(self) -> None:
        self._usual: list[tuple[float, float | None]] = []
        self._watched: list[tuple[float, float | None]] = []
        self.has_usual = False
        self._recent: dict[Hashable, deque[float]] = {}  # seconds of steps that weren't listened to, by their kinds
        self._latest: deque[tuple[float, float | None]] = deque(maxlen=_LATEST)  # that weren't listened to
        self._kind: Hashable = None  # of the last step
        self._rounds: deque[tuple[int, float]] = deque(maxlen=_RECENT)  # steps and seconds, of those not watched
        self._in_round: list[tuple[float, bool]] = []  # seconds of each step of the one that runs; was it watched?

    def add(self, seconds: float, whole: float | None, watched: bool, kind: Hashable = None) -> None:
        """A step is over."""
        self._kind = kind
        if not watched:
            self._latest.append((seconds, whole))
            self._recent[kind] = deque([*self._recent.pop(kind, ()), seconds], maxlen=_RECENT)
            if len(self._recent) > _KINDS:
                del self._recent[next(iter(self._recent))]  # the one that wasn't seen for longest
        self._in_round = [*self._in_round[1 - _RECENT :], (seconds, watched)]
        self.has_usual = self.has_usual or not watched
        (self._watched if watched else self._usual).append((seconds, whole))

    def end_round(self) -> None:
        """The steps since the last call make a round of optimizers that take turns, or are one."""
        steps, self._in_round = self._in_round, []
        if steps and not any(watched for _, watched in steps):
            self._rounds.append((len(steps), sum([seconds for seconds, _ in steps])))

    def round_ms(self) -> float | None:
        """How long a round of as many steps as the last one takes, unless it is listened to; None where none was."""
        last = self._rounds[-1][0] if self._rounds else 0
        return _median_ms([seconds for steps, seconds in self._rounds if steps == last])

    def forget(self) -> None:
        """Another training begins: how long steps took so far says nothing of its own."""
        self._recent.clear()
        self._latest.clear()
        self._rounds.clear()

    def usual_ms(self) -> float | None:
        """How long steps of the last one's kind take unless they are listened to; None where none of them was.

        The median of many: that of the few since the last report may be that of a single slow one.
        """
        return _median_ms(list(self._recent.get(self._kind, ())))

    def recent_ms(self) -> tuple[float | None, float | None]:
        """The medians of the last steps that weren't listened to: a number that one can read while it changes."""
        return _medians_ms(self._latest)

    def take_ms(self) -> tuple[float | None, float | None]:
        """The medians in milliseconds, which one step with a pause in it doesn't change; None without any step."""
        found = self._usual if self.has_usual else self._watched
        self._usual, self._watched = [], []
        return _medians_ms(found)


def _medians_ms(steps: Iterable[tuple[float, float | None]]) -> tuple[float | None, float | None]:
    steps = list(steps)
    wholes = [whole for _, whole in steps if whole is not None]
    return _median_ms([seconds for seconds, _ in steps]), _median_ms(wholes)


def _median_ms(seconds: list[float]) -> float | None:
    return 1e3 * statistics.median(seconds) if seconds else None
