"""How often a training step may be recorded, so that training hardly gets slower."""

from __future__ import annotations

__all__ = ["Pace"]

_LAST = 4  # times the share that it may cost to record the last step of a training


class Pace:
    """Says when the next step may be recorded.

    A step is recorded when `every` seconds have gone by, and not before the last one's cost is at most the given
    share of the time since.

    Attributes:
        share: how much of the time recording may take.
        cost: seconds that recorded steps have cost altogether, beyond what they would have taken otherwise.
    """

    def __init__(self, every: float, share: float) -> None:
        self.cost = 0.0
        self._every, self.share = every, share
        self._began = self._next = 0.0
        self._debt = 0.0  # what the last recorded step has cost so far
        self._settled = True
        self._drawn = 0.0  # when the last picture was made
        self._picture: float | None = 0.0  # what it has cost; None as long as that isn't known

    @property
    def is_recording(self) -> bool:
        """Whether a step is being recorded, or a recorded one made ready for the page."""
        return not self._settled or self._picture is None

    def is_due(self, now: float) -> bool:
        """Whether the step that begins at `now` may be recorded."""
        return self._settled and now >= self._next

    def affords_last(self, now: float) -> bool:
        """Whether the last step of a training, which begins at `now`, may be recorded before another one is due.

        It shows how training ends, once: so it may cost a few times the share.
        """
        return self._settled and self._debt <= _LAST * self.share * (now - self._began)

    def affords_picture(self, now: float) -> bool:
        """Whether another training's step, which begins at `now`, may be recorded without measuring anything.

        It shows what is trained now, once: so it, too, may cost a few times the share.
        """
        known = self._settled and self._picture is not None
        return known and (self._picture or 0.0) <= _LAST * self.share * (now - self._drawn)

    def begin_picture(self, now: float) -> None:
        """A step begins that is recorded without measuring anything."""
        self._drawn, self._picture = now, None

    def end_picture(self, seconds: float) -> None:
        """It has been dealt with, and has cost so much."""
        self.cost += seconds
        self._picture = seconds

    def begin(self, now: float) -> None:
        """A recorded step begins."""
        self._began, self._next, self._debt = now, now + self._every, 0.0
        self._settled = False

    def spend(self, seconds: float) -> None:
        """Recording has cost `seconds` more."""
        self.cost += seconds
        self._debt += seconds
        self._next = max(self._next, self._began + self._debt / self.share)

    def settle(self) -> None:
        """The recorded step has been dealt with: now it is known what it cost."""
        self._settled = True
