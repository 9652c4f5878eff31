"""Optimizers of a loop of the user's own: whose update ends a step, and whose a whole round, which is recorded."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

from viz.livepage.progress import reference
from viz.recorder.step_tracker import ALONE

__all__ = ["Cut", "Turn", "Rounds"]


class Cut(enum.Enum):
    """What an update means for what is recorded."""

    HERE = "what is recorded ends, and the next may begin"
    INSIDE = "a round goes on"
    ANEW = "what was recorded is a part of a round, as it turns out; the next one begins now"
    BEHIND = "the next round has begun already, sooner than the last one let expect"


class Turn(NamedTuple):
    """What the update of an optimizer means."""

    ends_step: bool
    follows: int | None  # the id of the optimizer whose place it takes
    cut: Cut


class Rounds:
    """Hears of each update.

    Optimizers that take turns, as those of a GAN, make a round: from the first of them, over all of its updates in a
    row, to the last update before it comes again. A step ends with each update of the first one.

    >>> rounds, critic, actor = Rounds(), object(), object()
    >>> for each in [critic, critic, actor] * 2:
    ...     print(rounds.updated(each).cut.name)
    HERE
    HERE
    ANEW
    INSIDE
    INSIDE
    HERE
    """

    def __init__(self) -> None:
        self._known: dict[int, Callable[[], Any]] = {}  # optimizers by id
        self._last, self._in_a_row = 0, 0  # the last of them, and how often it ran with no other between
        self._ran: set[int] = set()  # since the last step's end
        self._first = 0  # who begins a round
        self._leading = 0  # updates of the first one in this round
        self._others: list[int] = []  # that made an update after them
        self._before: tuple[int, int] | None = None  # how many of each the last round had, if there was one

    @property
    def has_any(self) -> bool:
        """Was there an update?"""
        return bool(self._known)

    @property
    def takes_turns(self) -> bool:
        """Is there more than one optimizer in a round, as far as the last one tells?"""
        return self._before is not None

    @property
    def steps(self) -> int:
        """How many steps the last round had at most; 1 where optimizers don't take turns."""
        return 1 if self._before is None else max(1, *self._before)

    def updated(self, optimizer: Any, together: bool = False) -> Turn:
        """An optimizer has changed weights.

        Args:
            optimizer: the optimizer.
            together: whether it learnt from the forward pass that the update before this one had.
        """
        who, known = id(optimizer), self._known.get(id(optimizer))
        is_new = known is None or known() is not optimizer  # another may have had its id
        self._known[who] = reference(optimizer)
        follows = self._last if is_new and self._in_a_row >= ALONE else None
        cut = self._cut(who, follows is not None, together)
        self._in_a_row = 1 if is_new or who != self._last else self._in_a_row + 1
        self._last = who
        if follows is not None:
            self._ran = set()
        ends_step = who in self._ran or not self._ran
        self._ran = {who} if ends_step else self._ran | {who}
        return Turn(ends_step, follows, cut)

    def _cut(self, who: int, follows: bool, together: bool) -> Cut:
        if not self._first or (follows and not together):
            self._begin(who)
            return Cut.HERE
        if who != self._first:
            return self._other(who)
        if self._others and together:  # so it isn't the first one after all
            self._begin(self._last)
            return self._other(who)
        return self._again()

    def _begin(self, who: int) -> None:
        self._first, self._leading, self._others, self._before = who, 1, [], None

    def _again(self) -> Cut:
        """The first one makes an update."""
        is_early = False
        if self._others:
            is_early = self._before is not None and len(self._others) < self._before[1]
            self._before, self._leading, self._others = (self._leading, len(self._others)), 0, []
        self._leading += 1
        if self._before is not None and self._leading > self._before[0]:
            self._before = None  # the others may not come any more
        if is_early:
            return Cut.BEHIND
        return Cut.HERE if self._before is None else Cut.INSIDE

    def _other(self, who: int) -> Cut:
        """Another one makes an update."""
        comes_again = who in self._others
        self._others.append(who)
        if len(self._others) > ALONE:
            self._begin(who)
        if self._before is None:
            return Cut.HERE if comes_again else Cut.ANEW
        if len(self._others) > self._before[1]:
            self._before = None if comes_again else (self._before[0], len(self._others))
            return Cut.HERE if comes_again else Cut.ANEW
        return Cut.HERE if len(self._others) == self._before[1] else Cut.INSIDE
